/* fault.h — the whole contract between a fault kind and everything else.
 * A kind is one struct fault_ops in faults/<family>/<verb>.c; adding one edits no list. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/param.h"

struct err;
struct holds;
struct target;
struct target_spec;
struct undo;

/* One way to make the kind happen. A kind lists its backends best first. */
struct fault_backend {
        const char *name;    /* "bpf-override", "netem" … */
        const char *needs;   /* one line for people: what the kernel must have */
        const char *reaches; /* one line: what it can act on */
};

/* What dies with the process, and how a fault vanishes if nobody cleans up (docs/architecture.md §5). */
enum fault_owner {
        FAULT_OWNER_LINK,         /* unpinned BPF link, plus a deadline in the program */
        FAULT_OWNER_DEADLINE,     /* kernel program compares the clock; reaper removes the shell */
        FAULT_OWNER_CHILD,        /* child process with a parent-death signal */
        FAULT_OWNER_FD,           /* unlinked file, freed with the last descriptor */
        FAULT_OWNER_GUARD,        /* guard process waits on chaosd's pidfd and reverts */
        FAULT_OWNER_IRREVERSIBLE, /* nothing to revert; the plan says so */
};

/* Counters read from the kernel: how often the fault really acted. */
#define EVIDENCE_MAX 12
struct evidence {
        uint64_t hits; /* the headline: 0 makes a run inconclusive */
        struct evidence_counter {
                char name[32];
                char unit[16];
                uint64_t value;
        } counters[EVIDENCE_MAX];
        unsigned n_counters;
        char note[200]; /* in words, or "" */
};
void evidence_add(struct evidence *ev, const char *name, const char *unit, uint64_t value);

/* Everything outside of one fault that its functions may use. Owned by the daemon (or a test). */
struct fault_env {
        uint64_t now_us;            /* CLOCK_BOOTTIME when the call was made */
        const char *runtime_dir;    /* the journal's directory: disk.fill must refuse its filesystem */
        int self_pidfd;             /* of the process whose death ends all faults */
        bool break_glass;           /* the user insists and the policy allows it: no exemptions */
        const struct fault *others; /* live faults, linked by ->next: to refuse overlaps; NULL = none */
};

/* One fault on its way through its life. */
struct fault {
        const struct fault_ops *ops;
        char uid[37];
        const struct target *target; /* resolved, held by fd */
        const void *params;          /* ops->params_size bytes, filled from ops->params */
        const char *backend;         /* chosen by probe() or forced by the user; never NULL in inject() */
        uint64_t seed;               /* same seed, same choices */
        uint64_t deadline_us;        /* CLOCK_BOOTTIME: min(lease, end); moves when the lease is renewed */
        struct undo *undo;           /* inject() pushes its records here, before each change */
        struct holds *holds;         /* descriptors, links and children: released after the records are reverted */
        void *state;                 /* the kind's own, owned through holds; NULL after a restart */
        const struct fault *next;
};

struct fault_ops {
        const char *name;    /* "net.delay": stable, journals store it */
        const char *summary; /* one line for `chaosctl faults` */
        enum fault_owner owner;
        const struct fault_backend *backends; /* ends with name NULL; at least one */
        uint64_t targets;                     /* TARGET_* bits it accepts (faults/target/target.h) */
        uint64_t target_required;             /* … of which one at least must be given; 0 = none needed */
        bool target_optional;                 /* may act on the whole node when policy allows */
        const struct param *params;
        size_t params_size;

        /* Read-only, by trying: can this node do it with this backend? 0, or -EOPNOTSUPP with the reason. */
        int (*probe)(struct fault_env *env, const char *backend, struct err *e);
        /* Pure: are these params sane together? (Single values were checked by the table.) e->path names the key. */
        int (*validate)(const void *params, struct err *e);
        /* Read-only: the exact changes, one per line; what dry-run prints. f->undo and f->holds are NULL.
         * -EOPNOTSUPP: f->backend cannot act on this target; the caller tries the next one, unless it was forced. */
        int (*plan)(struct fault_env *env, const struct fault *f, char **ret, struct err *e);
        /* Push the undo record, then change; may fail between any two steps: the caller then reverts. */
        int (*inject)(struct fault_env *env, struct fault *f, struct err *e);
        /* Is the effect really there, and how often has it acted? 1 yes, 0 no, <0 cannot tell. Fills *ret in all
         * cases that are not negative. May be called at any time between inject and revert. */
        int (*verify)(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e);
        /* Undo one record. Idempotent; 0 also if the change never happened or its object is gone — after checking.
         * Needs nothing but the record: the process that injected may be dead. */
        int (*revert)(struct fault_env *env, const char *record, struct err *e);
        /* f->deadline_us has moved: tell the kernel. NULL where no kernel object knows the deadline (ADR 0002). */
        int (*renew)(struct fault_env *env, struct fault *f, struct err *e);
        /* Find objects that carry our mark with no record at all, and remove them unless dry_run; found() is told
         * each in words. Only called when no fault is live. NULL when such objects cannot exist (ADR 0002). */
        int (*sweep)(struct fault_env *env, bool dry_run, void (*found)(void *arg, const char *what), void *arg,
                     struct err *e);
};

/* Every kind of this build, sorted by name, NULL-ended (generated). */
extern const struct fault_ops *const fault_table[];
const struct fault_ops *fault_find(const char *name); /* or NULL */

/* fault_describe — {kind,summary,owner,irreversible,backends[],targets[],params[]} for the catalogue. */
json_t *fault_describe(const struct fault_ops *ops);

/* fault_undo_all — records last to first, each through ops->revert; goes on after a failure and returns the
 * first error. Then, if all went well, drops the records. Used by every end of a fault. */
int fault_undo_all(struct fault_env *env, const struct fault_ops *ops, struct undo *u, struct err *e);
