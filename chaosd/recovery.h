/* recovery.h — heal the node from the journal alone, with no memory of what was injected: at start, by the guard, and
 * by `chaosd --reap`, which also looks for what carries our mark and has no record. */
#pragma once

#include <stdbool.h>

#include "chaosd/journal.h"
#include "core/json.h"
#include "faults/fault.h"

struct err;

struct recovery {
        struct journal *journal;
        const struct fault_ops *const *kinds;
        struct fault_env *env;
        bool dry_run;

        /* What was done, in words and as data; any may be NULL. why is NULL when the undo went well. on_failed may
         * keep the entry: it sets *entry to NULL then. */
        void (*on_healed)(const struct journal_entry *entry, void *arg);
        void (*on_failed)(struct journal_entry **entry, const struct err *why, void *arg);
        void (*on_broken)(const char *name, const struct err *why, void *arg);
        void (*on_found)(const struct fault_ops *ops, const char *what, void *arg);
        void *arg;

        unsigned healed, failed, found;
};

/* recovery_run_records — undo every record. Counts into r; returns 0, or -errno when the journal cannot be read. */
int recovery_run_records(struct recovery *r, struct err *e);

/* recovery_run_sweep — every kind's sweep. Only when no chaosd on this host has live faults. */
void recovery_run_sweep(struct recovery *r);

/* recovery_reap — `chaosd --reap`: records, then sweep; prints as it goes. Returns the exit code: 0 clean, 5 could not
 * look (a daemon is alive), 6 residue is left. */
int recovery_reap(const char *runtime_dir, const struct fault_ops *const *kinds, bool dry_run, bool json);
