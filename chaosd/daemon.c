#include "chaosd/daemon.h"

#include <errno.h>
#include <string.h>

#include "chaosd/history.h"
#include "chaosd/life.h"
#include "chaosd/log.h"
#include "chaosd/notify.h"
#include "chaosd/paths.h"
#include "chaosd/presence.h"
#include "chaosd/prober.h"
#include "chaosd/probes.h"
#include "core/clock.h"
#include "core/err.h"

int daemon_init(struct daemon *d, struct err *e) {
        int r;

        d->env.self_pidfd = paths_open_self();
        d->probes = probes_new(d->kinds);
        d->history = history_new();
        if (!d->probes || !d->history)
                return err_set(e, -ENOMEM, "no memory");

        r = sd_event_new(&d->event);
        return r < 0 ? err_set(e, r, "no event loop: %s", strerror(-r)) : 0;
}

void daemon_done(struct daemon *d) {
        d->keep_alive = sd_event_source_disable_unref(d->keep_alive);
        while (d->lives)
                life_free(d->lives);
        prober_free(d->prober);
        history_free(d->history);
        probes_free(d->probes);
        audit_close(&d->audit);
        presence_set(&d->presence, 0);
        scoped_closep(&d->env.self_pidfd);
        (void)sd_event_unref(d->event);
}

struct fault_env *daemon_env(struct daemon *d) {
        const struct fault *first = NULL;

        /* Kinds look at the targets of others: recovered faults have none. */
        for (struct life *l = d->lives; l; l = l->next) {
                struct life *n = l->next;

                while (n && !n->target)
                        n = n->next;
                l->fault.next = n ? &n->fault : NULL;
                if (!first && l->target)
                        first = &l->fault;
        }
        d->env.others = first;
        d->env.break_glass = false; /* life_env() knows better, for one call */
        d->env.now_us = clock_boottime_us();
        return &d->env;
}

const struct fault_ops *daemon_find_kind(const struct daemon *d, const char *name) {
        for (const struct fault_ops *const *k = d->kinds; *k; k++)
                if (strcmp((*k)->name, name) == 0)
                        return *k;
        return NULL;
}

int daemon_audit(struct daemon *d, const struct audit_event *event, struct err *e) {
        struct err why = { 0 };
        int r = audit_write(&d->audit, event, &why);

        if (r < 0) {
                log_error("%s", why.msg);
                return err_set(e, r, "%s", why.msg);
        }
        return 0;
}

void daemon_publish_status(struct daemon *d) {
        unsigned live = 0, failed = 0;

        for (const struct life *l = d->lives; l; l = l->next) {
                live++;
                failed += l->state == LIFE_FAILED;
        }
        presence_set(&d->presence, live > 0);
        notify_status(live, failed, d->halted ? d->halt_reason : NULL);
}
