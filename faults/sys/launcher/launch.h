/* launch.h — the three processes: launcher (us, the command's parent), the command with its filter, and the guard,
 * which answers every call should the launcher be killed. */
#pragma once

#include <linux/filter.h>
#include <signal.h>
#include <sys/types.h>

#include "faults/sys/launcher/notif.h"

struct err;

struct launch {
        struct notif_shared *shared;
        pid_t pid, guard_pid;
        int pidfd, guard_pidfd; /* close-on-exec */
        int listener;           /* -1 when the command never got its filter: see shared->fail_* */
};

/* launch_start — returns as soon as the filter is in place; execve may still be under way and may be waiting for an
 * answer. mask: the signal mask that the command gets. Nothing runs on failure. Returns 0 or -errno. */
int launch_start(char *const *argv, const struct sock_fprog *filter, const sigset_t *mask, struct launch *ret,
                 struct err *e);

/* Is this process still ours before its execve? Asked per call, so that the launch itself meets no fault. */
int launch_is_starting(const struct launch *l);
