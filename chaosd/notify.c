#include "chaosd/notify.h"

#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "core/err.h"

int notify_watchdog(struct sd_event *event, struct err *e) {
        int r = sd_event_set_watchdog(event, 1);

        return r < 0 ? err_set(e, r, "watchdog: %s", strerror(-r)) : 0;
}

void notify_ready(void) {
        (void)sd_notify(0, "READY=1\nSTATUS=No fault is live.");
}

void notify_stopping(void) {
        (void)sd_notify(0, "STOPPING=1\nSTATUS=Reverting all faults.");
}

void notify_status(unsigned live, unsigned failed, const char *halted) {
        (void)sd_notifyf(0, "STATUS=%u fault%s live%s%s%s", live, live == 1 ? "" : "s",
                         failed ? ", an undo is failing" : "", halted ? ", halted: " : "", halted ? halted : "");
}
