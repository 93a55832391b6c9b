/* child.h — child processes that die with the daemon: stressors, fillers, the packet relay. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;
struct holds;

struct child {
        pid_t pid;
        int pidfd; /* owned by holds */
};

/* child_spawn — fork a child that runs run(arg) and exits with its result (0…255).
 * Before run(): SIGKILL as parent-death signal (and a check that the parent still lives), default signal handlers,
 * empty signal mask, comm set to name (mark.h's prefix, at most 15 bytes), every descriptor closed but 0-2 and keep[].
 * h: releasing it kills (SIGKILL) and reaps the child. The child must not return from run() into anything of the
 * daemon's and must not use its event loop. Returns 0 or -errno; on failure nothing is left. */
int child_spawn(struct holds *h, const char *name, int (*run)(void *arg), void *arg, const int *keep, unsigned n_keep,
                struct child *ret, struct err *e);

/* child_kill_together — for one who holds many: added to h after them, so that on release all are killed before the
 * first is waited for, and the end of many takes as long as the end of one.
 * Returns 0 or -ENOMEM. */
int child_kill_together(struct holds *h, const struct child *children, unsigned n);

/* 1 alive, 0 gone. */
int child_is_alive(const struct child *c);

/* child_cpu_us — CPU time that the child has used so far, from the kernel's clock of that process (nanosecond
 * resolution, unlike /proc). Works on a child that has ended and is not yet reaped. Returns 0 or -errno. */
int child_cpu_us(const struct child *c, uint64_t *ret, struct err *e);

/* child_wait — wait at most timeout_ms (0 = only look) for the child to end; it stays to be reaped by its holds.
 * Returns 1 and its exit status in *ret_status (0…255, or 128 + signal), 0 when it still runs, or -errno. */
int child_wait(const struct child *c, int timeout_ms, int *ret_status, struct err *e);

/* child_confine — called by a child that needs little privilege from now on: no capability but those in keep
 * (bits 1 << CAP_…; what the daemon itself lacks stays lacking), no_new_privs, and the user nobody where that is
 * possible (it goes on as the same user where not). Normal scheduling, nice 0, and an OOM score that does not
 * protect it. The parent-death signal, which the kernel drops with the user id, is armed again. Descriptors stay
 * usable. Returns 0 or -errno. */
int child_confine(uint64_t keep);
