/* lease.c — what ends a fault by itself: its deadline, the next try of an undo that failed, the target's death.
 * A fault that nobody looks at costs one timer; an idle daemon has none. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "chaosd/daemon.h"
#include "chaosd/life.h"
#include "chaosd/log.h"
#include "core/clock.h"

#define RETRY_US    USEC_PER_SEC
#define ACCURACY_US 1 /* sd-event's default would gather wake-ups for up to 250 ms */

static int on_deadline(sd_event_source *source, uint64_t usec, void *arg) {
        struct life *l = arg;
        struct err e = { 0 };
        bool over = l->fault.deadline_us >= l->end_us;

        (void)source;
        (void)usec;
        if (!over)
                l->daemon->lease_lapses++;
        (void)life_end(l, over ? LIFE_REASON_ENDED : LIFE_REASON_LEASE, NULL, &e);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *arg) {
        struct life *l = arg;
        struct err e = { 0 };

        (void)source;
        (void)usec;
        (void)life_end(l, l->reason, NULL, &e);
        return 0;
}

static int arm(struct life *l, uint64_t at_us, sd_event_time_handler_t handler, struct err *e) {
        int r;

        l->timer = sd_event_source_disable_unref(l->timer);
        r = sd_event_add_time(l->daemon->event, &l->timer, CLOCK_BOOTTIME, at_us, ACCURACY_US, handler, l);
        if (r < 0)
                return err_set(e, r, "cannot set a timer: %s", strerror(-r));

        /* A lost deadline must not go unnoticed: the loop ends, the guard and the next start heal the node. */
        (void)sd_event_source_set_exit_on_failure(l->timer, 1);
        return 0;
}

int lease_arm(struct life *l, struct err *e) {
        return arm(l, l->fault.deadline_us, on_deadline, e);
}

int lease_arm_retry(struct life *l, struct err *e) {
        return arm(l, clock_boottime_us() + RETRY_US, on_retry, e);
}

static int on_target_exit(sd_event_source *source, int fd, uint32_t events, void *arg) {
        struct life *l = arg;
        struct err e = { 0 };

        (void)fd;
        (void)events;
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (--l->n_watches_left == 0)
                (void)life_end(l, LIFE_REASON_TARGET_GONE, NULL, &e);
        return 0;
}

int lease_watch_target(struct life *l, struct err *e) {
        const struct target *t = l->target;

        if (t->n_procs == 0 || l->fault.ops->owner == FAULT_OWNER_IRREVERSIBLE)
                return 0;

        l->watches = calloc(t->n_procs, sizeof(*l->watches));
        if (!l->watches)
                return err_set(e, -ENOMEM, "no memory");

        for (size_t i = 0; i < t->n_procs; i++) {
                int r = sd_event_add_io(l->daemon->event, &l->watches[i], t->procs[i].pidfd, EPOLLIN, on_target_exit,
                                        l);

                if (r < 0)
                        return err_set(e, r, "cannot watch process %d: %s", (int)t->procs[i].pid, strerror(-r));
                l->n_watches++;
                l->n_watches_left++;
        }
        return 0;
}

void lease_disarm(struct life *l) {
        l->timer = sd_event_source_disable_unref(l->timer);
        for (size_t i = 0; i < l->n_watches; i++)
                (void)sd_event_source_disable_unref(l->watches[i]);
        free(l->watches);
        l->watches = NULL;
        l->n_watches = l->n_watches_left = 0;
}
