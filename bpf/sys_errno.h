/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* sys_errno.h — what the programs of sys.errno (sys_override.bpf.c, sys_lsm.bpf.c) and user space share. */
#pragma once

#include <linux/types.h>

#include "bpf/sys_decide.h"

#define SYS_ERRNO_SLOTS       32 /* counters of one fault: per call (override) or per hook (LSM) */
#define SYS_ERRNO_CGROUPS_MAX 8
#define SYS_ERRNO_RULE_MAP    "chaos_sys_rule"

/* The places in the kernel that bpf-lsm can refuse at. */
enum sys_hook {
        SYS_HOOK_OPEN,
        SYS_HOOK_READ,
        SYS_HOOK_WRITE,
        SYS_HOOK_IOCTL,
        SYS_HOOK_MMAP,
        SYS_HOOK_UNLINK,
        SYS_HOOK_MKDIR,
        SYS_HOOK_RMDIR,
        SYS_HOOK_RENAME,
        SYS_HOOK_LINK,
        SYS_HOOK_SYMLINK,
        SYS_HOOK_SOCKET,
        SYS_HOOK_BIND,
        SYS_HOOK_CONNECT,
        SYS_HOOK_LISTEN,
        SYS_HOOK_ACCEPT,
        SYS_HOOK_SENDMSG,
        SYS_HOOK_RECVMSG,
        SYS_HOOK_EXEC,
        SYS_HOOK_FORK,
        SYS_HOOK_KILL,
        SYS_HOOK_COUNT,
};

/* Written by user space only. All zero: nothing happens. */
struct sys_errno_rule {
        char uid[40];      /* of the fault: how a record finds the map of a fault whose owner is dead */
        __u64 deadline_ns; /* CLOCK_BOOTTIME; from then on every call passes; 0 = not armed */
        __u64 seed;
        struct sys_when when;
        __u32 ppm;
        __u32 error; /* 1 … 4095 */
        __u32 n_cgroups;
        __u32 slots; /* bit i: slot i is asked for (LSM: one program may serve two) */
};

/* Written by the programs only, with atomic additions. */
struct sys_errno_state {
        __u32 n_threads; /* that made a matching call: numbers them in order of appearance */
        __u32 lost;      /* threads or children that could not be recorded (no memory, or contention) */
        struct {
                __u64 matched, injected;
        } slots[SYS_ERRNO_SLOTS];
};
