#include "faults/mech/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"

#define NOBODY        65534
#define EXIT_ORPHANED 125 /* the parent died before the signal was armed */
#define KEEP_MAX      32

static int compare_fds(const void *a, const void *b) {
        return *(const int *)a - *(const int *)b;
}

static void close_all_but(const int *keep, unsigned n_keep) {
        int sorted[KEEP_MAX];
        unsigned next = 3;

        for (unsigned i = 0; i < n_keep; i++)
                sorted[i] = keep[i];
        qsort(sorted, n_keep, sizeof(*sorted), compare_fds);
        for (unsigned i = 0; i < n_keep; i++) {
                unsigned fd = (unsigned)sorted[i];

                if (fd > next)
                        (void)syscall(SYS_close_range, next, fd - 1, 0);
                if (fd >= next)
                        next = fd + 1;
        }
        (void)syscall(SYS_close_range, next, ~0U, 0);
}

/* The signal is sent when the parent dies later; a parent that is dead already shows as another parent. */
static int arm_parent_death(pid_t parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        return getppid() == parent ? 0 : -ESRCH;
}

static void default_signals(void) {
        sigset_t none;

        for (int s = 1; s <= SIGRTMAX; s++)
                (void)signal(s, SIG_DFL); /* fails for SIGKILL and SIGSTOP, and the C library's own: as it should */

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* _exit(), never exit(): the daemon's handlers, buffers and leak checks are not the child's to run. */
static void __attribute__((noreturn))
be_child(pid_t parent, const char *name, int (*run)(void *arg), void *arg, const int *keep, unsigned n_keep) {
        if (arm_parent_death(parent) < 0)
                _exit(EXIT_ORPHANED);

        default_signals();
        (void)prctl(PR_SET_NAME, name);
        close_all_but(keep, n_keep);
        _exit(run(arg) & 0xff);
}

static void send_kill(const struct child *c) {
        if (c->pidfd >= 0)
                (void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
        else
                (void)kill(c->pid, SIGKILL); /* not reaped yet, so the number is still its own */
}

static void child_release(void *thing) {
        struct child *c = thing;
        siginfo_t info;
        int r;

        send_kill(c);
        do
                r = waitid(P_PID, (id_t)c->pid, &info, WEXITED);
        while (r < 0 && errno == EINTR);
        if (c->pidfd >= 0)
                (void)close(c->pidfd);
        free(c);
}

static int fork_child(const char *name, int (*run)(void *arg), void *arg, const int *keep, unsigned n_keep,
                      struct err *e) {
        pid_t parent = getpid(), pid;
        sigset_t all, old;
        int r;

        /* Blocked over the fork: no handler of the daemon may run in the child. */
        (void)sigfillset(&all);
        (void)sigprocmask(SIG_BLOCK, &all, &old);
        pid = fork();
        if (pid == 0)
                be_child(parent, name, run, arg, keep, n_keep);
        r = pid < 0 ? err_errno(e, "fork %s", name) : pid;
        (void)sigprocmask(SIG_SETMASK, &old, NULL);
        return r;
}

int child_spawn(struct holds *h, const char *name, int (*run)(void *arg), void *arg, const int *keep, unsigned n_keep,
                struct child *ret, struct err *e) {
        SCOPED_FREE struct child *c = calloc(1, sizeof(*c));
        struct child copy;
        int r;

        if (!c)
                return err_set(e, -ENOMEM, "no memory for the child %s", name);
        if (n_keep > KEEP_MAX)
                return err_set(e, -E2BIG, "the child %s keeps %u descriptors, at most %d", name, n_keep, KEEP_MAX);

        r = fork_child(name, run, arg, keep, n_keep, e);
        if (r < 0)
                return r;

        c->pid = r;
        c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
        if (c->pidfd < 0) {
                r = err_errno(e, "open a pidfd of %s", name);
                child_release(TAKE_PTR(c));
                return r;
        }

        copy = *c;
        r = holds_add(h, TAKE_PTR(c), child_release);
        if (r < 0)
                return err_set(e, r, "no memory to hold the child %s", name);

        *ret = copy;
        return 0;
}

struct children {
        unsigned n;
        struct child each[];
};

static void children_kill(void *thing) {
        const struct children *all = thing;

        for (unsigned i = 0; i < all->n; i++)
                send_kill(&all->each[i]);
        free(thing);
}

int child_kill_together(struct holds *h, const struct child *children, unsigned n) {
        struct children *all = malloc(sizeof(*all) + n * sizeof(*children));

        if (!all)
                return -ENOMEM;

        all->n = n;
        memcpy(all->each, children, n * sizeof(*children));
        return holds_add(h, all, children_kill);
}

int child_is_alive(const struct child *c) {
        siginfo_t info = { 0 };

        /* WNOWAIT: a child that has ended stays a zombie, so its pid cannot be reused before its release. */
        if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return 0;
        return info.si_pid == 0;
}

int child_wait(const struct child *c, int timeout_ms, int *ret_status, struct err *e) {
        struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
        siginfo_t info = { 0 };
        int r;

        r = poll(&p, 1, timeout_ms);
        if (r < 0 && errno != EINTR)
                return err_errno(e, "wait for child %d", (int)c->pid);

        if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return err_errno(e, "look at child %d", (int)c->pid);
        if (info.si_pid == 0)
                return 0;

        *ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        return 1;
}

int child_cpu_us(const struct child *c, uint64_t *ret, struct err *e) {
        struct timespec ts;
        clockid_t clock;
        int r;

        r = clock_getcpuclockid(c->pid, &clock);
        if (r != 0)
                return err_set(e, -r, "CPU clock of child %d: %s", (int)c->pid, strerror(r));
        if (clock_gettime(clock, &ts) < 0)
                return err_errno(e, "CPU clock of child %d", (int)c->pid);

        *ret = (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
        return 0;
}

/* A daemon protected from the OOM killer must not lend that to what it starts. */
static void reset_oom_score(void) {
        SCOPED_FD int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
        char text[16] = "";

        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || text[0] != '-')
                return;
        if (lseek(fd, 0, SEEK_SET) == 0)
                (void)!write(fd, "0", 1);
}

/* Only ever less: what is not permitted now cannot be had. */
static int keep_capabilities(uint64_t keep) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;

        for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
                data[i].permitted &= (uint32_t)(keep >> (32 * i));
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int child_confine(uint64_t keep) {
        struct sched_param normal = { 0 };
        pid_t parent = getppid();
        int r;

        reset_oom_score();
        (void)sched_setscheduler(0, SCHED_OTHER, &normal);
        (void)setpriority(PRIO_PROCESS, 0, 0);

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        /* Without CAP_SETUID (a daemon that dropped it) the user stays; the capabilities go in any case. */
        (void)prctl(PR_SET_KEEPCAPS, keep != 0);
        if (geteuid() == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0)
                (void)!setresuid(NOBODY, NOBODY, NOBODY);
        r = keep_capabilities(keep);
        if (r < 0)
                return r;

        return arm_parent_death(parent);
}
