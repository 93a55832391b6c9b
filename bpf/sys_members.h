/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* sys_members.h — kernel side of sys.errno that both backends share: who is meant, and whose turn it is.
 * Only included by bpf/sys_*.bpf.c. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel_types.h"
#include "bpf/sys_errno.h"

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct sys_errno_rule);
} chaos_sys_rule SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct sys_errno_state);
} chaos_sys_state SEC(".maps");

/* Being a target is a mark on the task itself: it cannot meet a reused pid, needs no clean-up when the task ends, and
 * has no size limit. User space marks running processes by pidfd (that is their first thread). */
struct {
        __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, __u8);
} chaos_members SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
        __uint(max_entries, SYS_ERRNO_CGROUPS_MAX);
        __type(key, __u32);
        __type(value, __u32);
} chaos_cgroups SEC(".maps");

struct sys_thread {
        __u32 number;
        __u32 is_numbered;
        __u64 counts[SYS_ERRNO_SLOTS];
};

struct {
        __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, struct sys_thread);
} chaos_threads SEC(".maps");

static __always_inline bool is_member(struct task_struct *task) {
        if (bpf_task_storage_get(&chaos_members, task, 0, 0))
                return true;
        return task->group_leader != task && bpf_task_storage_get(&chaos_members, task->group_leader, 0, 0);
}

static __always_inline bool is_target(const struct sys_errno_rule *rule, struct task_struct *task) {
        if (is_member(task))
                return true;

        for (__u32 i = 0; i < SYS_ERRNO_CGROUPS_MAX; i++) {
                if (i >= rule->n_cgroups)
                        break;
                if (bpf_current_task_under_cgroup(&chaos_cgroups, i) == 1)
                        return true;
        }
        return false;
}

/* One call of the current thread: the errno that it shall get (positive), or 0. */
static __always_inline __u32 sys_decide(__u32 slot) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct sys_errno_state *state;
        struct sys_errno_rule *rule;
        struct sys_thread *thread;
        __u32 zero = 0;
        __u64 n;

        rule = bpf_map_lookup_elem(&chaos_sys_rule, &zero);
        state = bpf_map_lookup_elem(&chaos_sys_state, &zero);
        if (!rule || !state || slot >= SYS_ERRNO_SLOTS || !(rule->slots & (1U << slot)))
                return 0;
        /* Most calls of a host are not the target's: that is asked first. */
        if (!is_target(rule, task) || bpf_ktime_get_boot_ns() >= rule->deadline_ns)
                return 0;

        thread = bpf_task_storage_get(&chaos_threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (!thread) {
                __sync_fetch_and_add(&state->lost, 1);
                return 0;
        }
        if (!thread->is_numbered) {
                thread->is_numbered = 1;
                thread->number = __sync_fetch_and_add(&state->n_threads, 1);
        }

        n = ++thread->counts[slot];
        __sync_fetch_and_add(&state->slots[slot].matched, 1);
        if (!sys_when_hits(&rule->when, n) || !sys_draw_hits(rule->seed, thread->number, n, rule->ppm))
                return 0;

        __sync_fetch_and_add(&state->slots[slot].injected, 1);
        return rule->error & 0xfff;
}

/* What a member creates is a member: a thread, a child. (A thread needs the mark too: when it calls execve, it takes
 * the place of the first thread, whose mark goes with it.) */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(chaos_fork, struct task_struct *parent, struct task_struct *child) {
        struct sys_errno_state *state;
        __u32 zero = 0;

        if (!is_member(parent) || bpf_task_storage_get(&chaos_members, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE))
                return 0;

        state = bpf_map_lookup_elem(&chaos_sys_state, &zero);
        if (state)
                __sync_fetch_and_add(&state->lost, 1);
        return 0;
}
