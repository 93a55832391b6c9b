#include "chaosd/daemon.h"

#include <string.h>

#include "chaosd/life.h"
#include "chaosd/log.h"
#include "chaosd/notify.h"
#include "core/clock.h"
#include "core/err.h"

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
        notify_status(live, failed, d->halted ? d->halt_reason : NULL);
}
