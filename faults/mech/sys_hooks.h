/* sys_hooks.h — BPF programs that make system calls of chosen processes fail: at the call's entry (override) or at
 * the security hook inside it (lsm). Everything made here is owned by a struct holds and unpinned: it is gone when
 * this process is, and the programs themselves compare the clock with the deadline. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/sys_errno.h"

struct err;
struct holds;

enum sys_backend { SYS_BY_OVERRIDE, SYS_BY_LSM };

/* What to attach. Counters are per slot: the position in calls[] (override) or the enum sys_hook (lsm). */
struct sys_hooks_spec {
        enum sys_backend backend;
        const char *const *calls; /* override: names of system calls, at most SYS_ERRNO_SLOTS */
        size_t n_calls;
        uint32_t hooks;  /* lsm: bit i = enum sys_hook i */
        const char *uid; /* of the fault */
        uint64_t seed;
        struct sys_when when;
        uint32_t ppm;
        int error; /* 1 … 4095 */
};

struct sys_hooks; /* owned by the holds that it was attached with */

/* sys_hooks_probe — attach to this process only, for a moment, and see whether an open of /dev/null fails as it was
 * told to. 0, or -EOPNOTSUPP with the kernel's reason in words. */
int sys_hooks_probe(enum sys_backend backend, struct err *e);

/* sys_hooks_attach — load and attach, with nobody as target and not armed: nothing changes for anyone yet.
 * Returns 0; -ENOENT this kernel has no such system call; -EOPNOTSUPP, -EPERM or another -errno. */
int sys_hooks_attach(struct holds *h, const struct sys_hooks_spec *spec, struct sys_hooks **ret, struct err *e);

/* sys_hooks_add_process — the process, its living descendants, and from now on all that they start. pid names it in
 * /proc and pidfd holds it. *ret: how many processes were marked, 0 when it has just ended.
 * Returns 0 or -errno. */
int sys_hooks_add_process(struct sys_hooks *k, pid_t pid, int pidfd, unsigned *ret, struct err *e);

/* sys_hooks_add_cgroup — all that is in it or below. v2_fd: cgroup2 directory. -ENOSPC over SYS_ERRNO_CGROUPS_MAX. */
int sys_hooks_add_cgroup(struct sys_hooks *k, int v2_fd, struct err *e);

/* sys_hooks_arm — act until then. deadline_us: CLOCK_BOOTTIME; may be moved either way at any time, 0 disarms. */
int sys_hooks_arm(struct sys_hooks *k, uint64_t deadline_us, struct err *e);

/* sys_hooks_read — the programs' counters. */
int sys_hooks_read(struct sys_hooks *k, struct sys_errno_state *ret, struct err *e);

/* sys_hooks_disarm — every rule of this fault on the host, whoever holds it (all rules when uid is NULL): deadline 0,
 * so that nothing happens from now on. It needs no memory of who attached. found(), when given, is told the uid of
 * each; with dry_run that is all. *ret: how many there were: 0 when owner and links are gone. Returns 0 or -errno. */
int sys_hooks_disarm(const char *uid, bool dry_run, void (*found)(void *arg, const char *uid), void *arg, unsigned *ret,
                     struct err *e);
