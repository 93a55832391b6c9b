#include "chaosd/recovery.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"

static const struct fault_ops *find_kind(const struct recovery *r, const char *name) {
        for (const struct fault_ops *const *k = r->kinds; *k; k++)
                if (strcmp((*k)->name, name) == 0)
                        return *k;
        return NULL;
}

static int heal(struct recovery *r, struct journal_entry *entry, struct err *e) {
        const struct fault_ops *ops = find_kind(r, entry->kind);
        int code;

        if (r->dry_run)
                return 0;
        if (entry->other_boot) /* everything that a kind changes lives in the kernel's memory: the boot undid it */
                return journal_drop(entry, e);
        if (!ops && entry->undo.n > 0)
                return err_set(e, -EOPNOTSUPP, "this build does not know the kind %s", entry->kind);

        r->env->now_us = clock_boottime_us();
        code = ops ? fault_undo_all(r->env, ops, &entry->undo, e) : 0;
        return code < 0 ? code : journal_drop(entry, e);
}

static void on_entry(struct journal_entry *entry, void *arg) {
        SCOPED(journal_entry_freep) struct journal_entry *mine = entry;
        struct recovery *r = arg;
        struct err why = { 0 };

        if (heal(r, mine, &why) == 0) {
                r->healed++;
                if (r->on_healed)
                        r->on_healed(mine, r->arg);
                return;
        }

        r->failed++;
        if (r->on_failed)
                r->on_failed(&mine, &why, r->arg);
}

static void on_broken(const char *name, const struct err *why, void *arg) {
        struct recovery *r = arg;

        r->failed++;
        if (r->on_broken)
                r->on_broken(name, why, r->arg);
}

int recovery_run_records(struct recovery *r, struct err *e) {
        int n = journal_each(r->journal, on_entry, on_broken, r, e);

        return n < 0 ? n : 0;
}

struct sweep {
        struct recovery *recovery;
        const struct fault_ops *ops;
};

static void on_found(void *arg, const char *what) {
        struct sweep *sweep = arg;
        struct recovery *r = sweep->recovery;

        r->found++;
        if (r->on_found)
                r->on_found(sweep->ops, what, r->arg);
}

void recovery_run_sweep(struct recovery *r) {
        for (const struct fault_ops *const *k = r->kinds; *k; k++) {
                struct sweep sweep = { .recovery = r, .ops = *k };
                struct err why = { 0 };

                if (!(*k)->sweep)
                        continue;
                r->env->now_us = clock_boottime_us();
                if ((*k)->sweep(r->env, r->dry_run, on_found, &sweep, &why) < 0)
                        on_broken((*k)->name, &why, r);
        }
}
