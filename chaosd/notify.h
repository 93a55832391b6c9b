/* notify.h — what the service manager is told (sd_notify); silent where there is none. */
#pragma once

struct sd_event;
struct err;

/* notify_watchdog — let the event loop answer systemd's watchdog, if it asked for one. */
int notify_watchdog(struct sd_event *event, struct err *e);
void notify_ready(void);
void notify_stopping(void);
void notify_status(unsigned live, unsigned failed, const char *halted);
