#include "faults/sys/launcher/launch.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/sys/launcher/guard.h"

#define EXIT_LAUNCHER 125 /* as env(1) and timeout(1): 125 we failed, 126 not executable, 127 not found */

/* A copy of this process that shares the descriptor table: the listener that the command's process gets from
 * seccomp(2) is ours and the guard's in the same instant, so it needs no call to hand it over, and there is no
 * moment at which killing one of us closes it. */
static pid_t clone_sharing_files(int *pidfd) {
        return (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
}

static void fail_step(struct notif_shared *s, enum notif_step step) {
        s->fail_errno = errno;
        s->fail_step = step;
}

/* The command's process. From the filter on it may make no call but execve and exit: any other could be one that the
 * filter holds up. */
_Noreturn static void become_command(struct notif_shared *s, char *const *argv, const struct sock_fprog *filter,
                                     const sigset_t *mask) {
        long fd;

        (void)sigprocmask(SIG_SETMASK, mask, NULL);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
                fail_step(s, NOTIF_STEP_NNP);
                _exit(EXIT_LAUNCHER);
        }

        /* Waiting killably (Linux 5.19): else every signal handler that runs in the command makes the kernel ask the
         * same call a second time, and it would be counted twice. */
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, filter);
        if (fd < 0 && errno == EINVAL)
                fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, filter);
        if (fd < 0) {
                fail_step(s, NOTIF_STEP_FILTER);
                _exit(EXIT_LAUNCHER);
        }

        s->listener = (int)fd;
        (void)execvp(argv[0], argv);
        fail_step(s, NOTIF_STEP_EXEC);
        _exit(errno == ENOENT || errno == ENOTDIR ? 127 : 126);
}

static int start_guard(struct launch *l, int go, struct err *e) {
        SCOPED_FD int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

        if (self < 0)
                return err_errno(e, "pidfd_open");

        l->guard_pid = clone_sharing_files(&l->guard_pidfd);
        if (l->guard_pid < 0)
                return err_errno(e, "clone the guard");
        if (l->guard_pid == 0)
                guard_run(l->shared, self, go);

        /* The guard uses this number too, until it leaves our table. */
        (void)TAKE_FD(self);
        return 0;
}

/* The number appears in shared memory, without an event: seccomp(2) takes some 50 us, so this turns once or twice. */
static void wait_for_listener(struct launch *l) {
        struct pollfd child = { .fd = l->pidfd, .events = POLLIN };

        while (l->shared->listener < 0 && poll(&child, 1, 1) <= 0)
                ;
        l->listener = l->shared->listener;
}

int launch_start(char *const *argv, const struct sock_fprog *filter, const sigset_t *mask, struct launch *ret,
                 struct err *e) {
        struct launch l = { .pidfd = -1, .guard_pidfd = -1, .listener = -1 };
        int go = eventfd(0, EFD_CLOEXEC); /* stays open: the guard polls this number while it shares our table */
        int r;

        if (go < 0)
                return err_errno(e, "eventfd");

        r = notif_shared_new(&l.shared, e);
        if (r < 0)
                return r;

        r = start_guard(&l, go, e);
        if (r < 0)
                return r;

        l.pid = clone_sharing_files(&l.shared->child_pidfd);
        if (l.pid == 0)
                become_command(l.shared, argv, filter, mask);
        if (l.pid < 0) {
                r = err_errno(e, "clone the command");
                (void)kill(l.guard_pid, SIGKILL);
                (void)waitpid(l.guard_pid, NULL, 0);
                return r;
        }

        l.pidfd = l.shared->child_pidfd;
        wait_for_listener(&l);
        (void)eventfd_write(go, 1);
        *ret = l;
        return 0;
}

int launch_is_starting(const struct launch *l) {
        struct stat ours, theirs;
        char path[40];

        (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)l->pid);
        return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
               ours.st_dev == theirs.st_dev;
}
