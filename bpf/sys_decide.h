/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* sys_decide.h — does the n-th call of a thread get the fault? Pure arithmetic, the same in the kernel
 * (bpf/sys_*.bpf.c) and in user space (faults/sys/sys_rule.c): same seed, same choices, whatever the backend. */
#pragma once

#include <linux/types.h>

#define SYS_WHEN_NO_END 0xFFFFFFFFU
#define SYS_PPM_ALWAYS  1000000U

/* strace's when=first..last+step: calls first, first + step, … up to last, counted from 1. */
struct sys_when {
        __u32 first; /* >= 1 */
        __u32 last;  /* >= first; SYS_WHEN_NO_END = for ever */
        __u32 step;  /* >= 1 */
};

/* n: which call this is, from 1. */
static inline int sys_when_hits(const struct sys_when *w, __u64 n) {
        if (n < w->first || (w->last != SYS_WHEN_NO_END && n > w->last))
                return 0;
        return w->step <= 1 || (n - w->first) % w->step == 0;
}

/* splitmix64's output function: all bits of the result depend on all bits of x. */
static inline __u64 sys_mix(__u64 x) {
        x += 0x9E3779B97F4A7C15ULL;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
        return x ^ (x >> 31);
}

/* One draw per call, without state: seed, which thread (in order of appearance, so that a rerun agrees although the
 * pids differ), which call of it. ppm: 0 … SYS_PPM_ALWAYS. */
static inline int sys_draw_hits(__u64 seed, __u32 thread, __u64 n, __u32 ppm) {
        __u64 x = sys_mix(sys_mix(seed + thread) + n);

        return (((x >> 32) * SYS_PPM_ALWAYS) >> 32) < ppm;
}
