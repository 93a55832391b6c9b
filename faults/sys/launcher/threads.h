/* threads.h — how many matching calls each thread of the command has made, per rule and call: what when= counts. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct threads;

struct thread {
        pid_t tid;       /* 0 = empty place in the table */
        uint32_t number; /* in order of appearance, from 0: what random draws depend on, since tids vary */
        uint64_t start_time, seen_us;
        uint64_t *counts; /* as many as threads_new() was told */
};

/* n_counts: counters per thread. NULL = no memory. */
struct threads *threads_new(size_t n_counts);
void threads_free(struct threads *t);

/* threads_get — the thread's record, made at first sight. A tid that the kernel gave to a new thread starts anew.
 * now_us: CLOCK_BOOTTIME. Borrowed until the next call; NULL = no memory. */
struct thread *threads_get(struct threads *t, pid_t tid, uint64_t now_us);
