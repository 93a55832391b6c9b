/* interrupt.h — Ctrl-C and SIGTERM as something to wait for, so that what was begun is undone before the end. */
#pragma once

#include <stdbool.h>

struct err;

struct interrupt {
        int fd;     /* signalfd; -1 = not in use */
        int signal; /* the one that came, or 0 */
};

/* interrupt_init — from here on SIGINT, SIGTERM and SIGHUP wait in line, and SIGPIPE is ignored. Returns 0 or
 * -errno. */
int interrupt_init(struct interrupt *i, struct err *e);

/* interrupt_wait — up to timeout_ms. True when a signal came, now or earlier. */
bool interrupt_wait(struct interrupt *i, int timeout_ms);

const char *interrupt_name(const struct interrupt *i); /* "Ctrl-C", "SIGTERM" … */
void interrupt_done(struct interrupt *i);
