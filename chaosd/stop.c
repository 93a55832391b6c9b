#include "chaosd/stop.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "chaosd/daemon.h"
#include "chaosd/life.h"
#include "chaosd/log.h"
#include "chaosd/notify.h"
#include "core/clock.h"
#include "core/err.h"

#define STOP_TRIES    5 /* a failing undo is tried this often before we give up and leave its record */
#define STOP_RETRY_US USEC_PER_SEC

static int try_to_stop(struct daemon *d);

static int on_next_try(sd_event_source *source, uint64_t usec, void *arg) {
        (void)usec;
        (void)sd_event_source_disable_unref(source);
        return try_to_stop(arg);
}

static int try_to_stop(struct daemon *d) {
        SCOPED_JSON json_t *reverted = NULL, *failed = NULL;
        sd_event_source *again = NULL;

        life_end_all(d, LIFE_REASON_SHUTDOWN, NULL, &reverted, &failed);
        if (!d->lives || ++d->stop_tries >= STOP_TRIES)
                return sd_event_exit(d->event, 0);

        return sd_event_add_time_relative(d->event, &again, CLOCK_MONOTONIC, STOP_RETRY_US, 1, on_next_try, d);
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg) {
        struct daemon *d = arg;

        (void)source;
        if (d->stopping)
                return 0;

        d->stopping = true;
        log_info("%s: reverting all faults, then leaving", strsignal((int)info->ssi_signo));
        notify_stopping();
        return try_to_stop(d);
}

int stop_watch_signals(struct daemon *d, struct err *e) {
        static const int signals[] = { SIGTERM, SIGINT };
        sigset_t mask;
        int r = 0;

        (void)sigemptyset(&mask);
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                (void)sigaddset(&mask, signals[i]);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);

        for (size_t i = 0; i < ARRAY_SIZE(signals) && r >= 0; i++)
                r = sd_event_add_signal(d->event, NULL, signals[i], on_stop_signal, d);
        return r < 0 ? err_set(e, r, "cannot watch signals: %s", strerror(-r)) : 0;
}
