/* supervise.h — the loop: answer every call of the command, count, keep the deadline, pass signals on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/sys/launcher/launch.h"
#include "faults/sys/sys_rule.h"

struct err;

struct call_counts {
        uint64_t matched;  /* calls that the rule is about (name and path) */
        uint64_t injected; /* … that got the fault, and the kernel took the answer */
        uint64_t passed;   /* … that ran as if nothing were there */
};

struct supervise_plan {
        const struct sys_rule *rules;
        size_t n_rules;
        uint64_t seed;
        uint64_t for_us; /* faults end this long after the start; 0 = when the command ends */
};

struct supervise_result {
        struct call_counts **counts; /* [rule][call], heap */
        uint64_t asked;              /* notifications in all */
        int wait_status;             /* as waitpid(2) gives it */
        bool deadline_passed, interrupted;
        bool survivors; /* processes of the command live on; the guard lets their calls continue */
};

/* supervise_run — until the command has ended. signals: the set that is blocked here and passed on to the command.
 * Returns 0 or -errno; the command is not harmed by a failure: the caller exits and the guard takes over. */
int supervise_run(const struct supervise_plan *plan, struct launch *l, const sigset_t *signals,
                  struct supervise_result *ret, struct err *e);
void supervise_result_done(struct supervise_result *r, size_t n_rules);
