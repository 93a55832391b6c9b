/* child.h — child processes that die with the daemon: stressors, fillers, the packet relay. */
#pragma once

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

/* 1 alive, 0 gone. */
int child_is_alive(const struct child *c);
