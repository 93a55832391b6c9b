/* sys_rule.h — the fault grammar for system calls, strace's and more: text to rule, rule and call number to decision.
 * Pure: knows no kernel and no library of system call numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/sys_decide.h"
#include "core/scoped.h"

struct err;

/* The names that exist on this machine; suggestions come from them too. */
struct sys_names {
        const char *const *words;
        size_t n;
};

struct sys_rule {
        char *text;         /* as the user wrote it */
        const char **calls; /* borrowed from the sys_names that parsed it; no name twice */
        size_t n_calls;
        enum {
                SYS_RULE_ERRNO = 1 << 0,
                SYS_RULE_RETVAL = 1 << 1,
                SYS_RULE_DELAY = 1 << 2,
                SYS_RULE_WHEN = 1 << 3,
                SYS_RULE_PROBABILITY = 1 << 4,
                SYS_RULE_PATH = 1 << 5,
        } set;
        int error;         /* positive errno, 1 … 4095 */
        int64_t retval;    /* >= 0 */
        uint64_t delay_us; /* before the call: (0, SYS_DELAY_MAX_US] */
        struct sys_when when;
        uint32_t ppm; /* of the calls that `when` picks */
        char *path;   /* fnmatch(3) pattern over the absolute path; * crosses slashes */
};

#define SYS_DELAY_MAX_US 3600000000ULL /* one hour */

/* sys_rule_parse — "openat,%network:errno=ENOSPC:when=3..10+2:probability=50%:path=/var/lib/\*".
 * Also strace's spellings: a prefix inject= or fault=, error=, delay_enter= (a bare number is microseconds), ?name (no
 * error when this machine lacks it). A colon in a path is written "\:".
 * Returns 0; -EINVAL or -ERANGE with "column N: …" in e, and N (from 1) in *ret_column when that is not NULL.
 * On failure *ret is untouched. Free with sys_rule_done(). */
int sys_rule_parse(const char *text, const struct sys_names *names, struct sys_rule *ret, unsigned *ret_column,
                   struct err *e);
void sys_rule_done(struct sys_rule *r);

/* sys_when_parse — "3", "3+", "3+2", "3..10", "3..10+2". Numbers 1 … 2^32 - 2. Returns 0, -EINVAL or -ERANGE. */
int sys_when_parse(const char *text, struct sys_when *ret, struct err *e);

/* The decision over the n-th matching call (from 1) of a thread. */
bool sys_rule_fires(const struct sys_rule *r, uint64_t seed, uint32_t thread, uint64_t n);
