/* probe_exec.c — runs a command (no shell) and takes its exit status; killed with its process group at the timeout. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "experiments/probe_load.h"

#define EVENTS_MAX 32

struct child {
        pid_t pid;
        int pidfd; /* -1 = free */
        uint64_t tag, deadline_us;
        bool killed;
};

struct load {
        int epoll_fd, null_fd;
        char *path;
        char **argv;
        uint64_t timeout_us;
        struct child *children;
        size_t n, in_flight;
        probe_done_t done;
        void *arg;
};

static void kill_group(const struct child *c) {
        (void)kill(-c->pid, SIGKILL); /* not reaped yet, so the number is still its own */
        (void)kill(c->pid, SIGKILL);  /* in case it died before it made its group */
}

static void exec_close(void *load) {
        struct load *l = load;

        for (size_t i = 0; l->children && i < l->n; i++)
                if (l->children[i].pidfd >= 0) {
                        kill_group(&l->children[i]);
                        (void)waitpid(l->children[i].pid, NULL, 0);
                        scoped_closep(&l->children[i].pidfd);
                }
        scoped_closep(&l->epoll_fd);
        scoped_closep(&l->null_fd);
        free(l->children);
        free(l->path);
        free(l->argv);
        free(l);
}

static void load_freep(struct load **l) {
        if (*l)
                exec_close(*l);
}

/* As execvp would find it, but before anything starts. */
static int find_program(const char *name, char **ret, struct err *e) {
        const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
        char candidate[4096];

        if (strchr(name, '/')) {
                if (access(name, X_OK) < 0)
                        return err_errno(e, "command %.150s", name);
                *ret = strdup(name);
                return *ret ? 0 : -ENOMEM;
        }
        while (*path) {
                size_t len = strcspn(path, ":");

                (void)snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)len, path, name);
                if (len > 0 && access(candidate, X_OK) == 0) {
                        *ret = strdup(candidate);
                        return *ret ? 0 : -ENOMEM;
                }
                path += len + (path[len] == ':');
        }
        return err_set(e, -ENOENT, "command %.150s: not found in PATH", name);
}

static int exec_open(const struct experiment_probe *spec, probe_done_t done, void *arg, void **ret, struct err *e) {
        SCOPED(load_freep) struct load *l = calloc(1, sizeof(*l));
        const struct param_list *command = &spec->exec.command;
        int r;

        if (!l)
                return err_set(e, -ENOMEM, "no memory");
        l->epoll_fd = l->null_fd = -1;
        l->done = done;
        l->arg = arg;
        l->timeout_us = spec->timeout_us;
        l->n = (size_t)spec->exec.parallel;
        l->argv = calloc(command->n + 1, sizeof(*l->argv));
        l->children = calloc(l->n, sizeof(*l->children));
        if (!l->argv || !l->children)
                return err_set(e, -ENOMEM, "no memory");
        for (size_t i = 0; i < l->n; i++)
                l->children[i].pidfd = -1;
        for (size_t i = 0; i < command->n; i++)
                l->argv[i] = ((char **)command->items)[i];

        r = find_program(l->argv[0], &l->path, e);
        if (r < 0)
                return r;
        l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        l->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (l->epoll_fd < 0 || l->null_fd < 0)
                return err_errno(e, "/dev/null");

        *ret = TAKE_PTR(l);
        return 0;
}

/* Between fork and exec: only what is safe in the child of a process with threads. */
static void run_child(const struct load *l, pid_t parent) {
        sigset_t none;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(127);
        (void)setpgid(0, 0);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)dup2(l->null_fd, 0);
        (void)dup2(l->null_fd, 1);
        (void)dup2(l->null_fd, 2);
        (void)execv(l->path, l->argv);
        _exit(127);
}

static int exec_start(void *load, uint64_t tag) {
        struct load *l = load;
        struct epoll_event ev = { .events = EPOLLIN };
        struct child *c = NULL;
        pid_t parent = getpid(), pid;
        int pidfd;

        for (size_t i = 0; i < l->n && !c; i++)
                if (l->children[i].pidfd < 0)
                        c = &l->children[i];
        if (!c)
                return -EBUSY;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                run_child(l, parent);

        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        ev.data.ptr = c;
        if (pidfd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, pidfd, &ev) < 0) {
                int code = -errno;

                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                scoped_closep(&pidfd);
                return code;
        }
        *c = (struct child){
                .pid = pid, .pidfd = pidfd, .tag = tag, .deadline_us = clock_boottime_us() + l->timeout_us
        };
        l->in_flight++;
        return 0;
}

static void reap(struct load *l, struct child *c) {
        uint64_t tag = c->tag;
        bool killed = c->killed;
        int wstatus = 0, status;

        if (waitpid(c->pid, &wstatus, WNOHANG) != c->pid)
                return;

        scoped_closep(&c->pidfd);
        c->pidfd = -1;
        l->in_flight--;
        status = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
        l->done(tag, clock_boottime_us(), killed ? 0 : status, killed, killed ? "killed at its timeout" : "", NULL,
                l->arg);
}

static void exec_dispatch(void *load) {
        struct load *l = load;
        struct epoll_event events[EVENTS_MAX];
        uint64_t now_us = clock_boottime_us();
        int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, 0);

        for (int i = 0; i < n; i++)
                reap(l, events[i].data.ptr);
        for (size_t i = 0; i < l->n; i++) {
                struct child *c = &l->children[i];

                if (c->pidfd < 0 || c->killed || c->deadline_us > now_us)
                        continue;
                c->killed = true;
                kill_group(c);
        }
}

static uint64_t exec_deadline_us(const void *load) {
        const struct load *l = load;
        uint64_t first = UINT64_MAX;

        for (size_t i = 0; i < l->n; i++)
                if (l->children[i].pidfd >= 0 && !l->children[i].killed && l->children[i].deadline_us < first)
                        first = l->children[i].deadline_us;
        return first;
}

static int exec_fd(const void *load) {
        return ((const struct load *)load)->epoll_fd;
}

static size_t exec_in_flight(const void *load) {
        return ((const struct load *)load)->in_flight;
}

const struct probe_load_ops probe_load_exec = {
        .open = exec_open,
        .start = exec_start,
        .fd = exec_fd,
        .deadline_us = exec_deadline_us,
        .dispatch = exec_dispatch,
        .in_flight = exec_in_flight,
        .close = exec_close,
};
