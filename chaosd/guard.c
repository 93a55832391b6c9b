#include "chaosd/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chaosd/daemon.h"
#include "chaosd/lock.h"
#include "chaosd/log.h"
#include "chaosd/paths.h"
#include "chaosd/recovery.h"
#include "core/err.h"
#include "core/scoped.h"

#define DISMISSED 'q'
#define READY     'r'
#define LEAVE_MS  1000
#define READY_S   5 /* a node too busy to start a process in that time should not be broken further */

struct guard {
        struct daemon *daemon;
        char *runtime_dir;
        pid_t pid;
        int pidfd;
        int line; /* our end of a socket pair */
        sd_event_source *watch;
};

/* From here to run_guard(): the guard's own process. */

static void close_all_but(int a, int b) {
        int low = a < b ? a : b, high = a < b ? b : a;

        (void)close_range(3, (unsigned)low - 1, 0);
        if (high > low + 1)
                (void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
        (void)close_range((unsigned)high + 1, ~0U, 0);
}

/* 1 = the daemon dismissed us, 0 = it is dead. */
static int wait_for_daemon(int daemon_pidfd, int line) {
        struct pollfd fds[] = { { .fd = daemon_pidfd, .events = POLLIN }, { .fd = line, .events = POLLIN } };
        char word;

        for (;;) {
                if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
                        continue;
                if ((fds[1].revents & POLLIN) && recv(line, &word, 1, MSG_DONTWAIT) == 1 && word == DISMISSED)
                        return 1;
                if (fds[0].revents)
                        return 0;
                if (fds[1].revents & (POLLHUP | POLLERR)) /* its end is closed: it is about to be dead */
                        fds[1].fd = -1;
        }
}

static void say_healed(const struct journal_entry *entry, void *arg) {
        (void)arg;
        log_info("guard: undone %s %s", entry->kind, entry->uid);
}

static void say_failed(struct journal_entry **entry, const struct err *why, void *arg) {
        (void)arg;
        log_error("guard: %s %s: %s", (*entry)->kind, (*entry)->uid, why->msg);
}

static void say_broken(const char *name, const struct err *why, void *arg) {
        (void)arg;
        log_error("guard: %s: %s", name, why->msg);
}

/* The lock says whether another daemon has started meanwhile: then the healing is its work, done before it listens. */
static int heal(const char *runtime_dir, const struct fault_ops *const *kinds) {
        struct journal journal = { 0 };
        SCOPED_FD int lock = -1, self = paths_open_self();
        struct fault_env env = { .runtime_dir = runtime_dir, .self_pidfd = self };
        struct recovery r = {
                .journal = &journal,
                .kinds = kinds,
                .env = &env,
                .on_healed = say_healed,
                .on_failed = say_failed,
                .on_broken = say_broken,
        };
        char path[PATHS_MAX];
        struct err e = { 0 };
        int code;

        code = paths_join(path, runtime_dir, PATHS_LOCK, &e);
        if (code == 0)
                code = lock_take(path, &lock, NULL, &e);
        if (code == -EBUSY)
                return 0;
        if (code == 0)
                code = journal_open(&journal, runtime_dir, &e);
        if (code == 0)
                code = recovery_run_records(&r, &e);
        if (code < 0)
                log_error("guard: %s", e.msg);
        return code < 0 || r.failed > 0;
}

__attribute__((noreturn)) static void run_guard(const char *runtime_dir, const struct fault_ops *const *kinds,
                                                int daemon_pidfd, int line) {
        static const char ready = READY;
        static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
        sigset_t none;

        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                (void)signal(ignored[i], SIG_IGN);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)setsid();
        IGNORE_RESULT(chdir("/")); /* only so as not to keep a filesystem busy */
        (void)prctl(PR_SET_NAME, GUARD_COMM);
        close_all_but(daemon_pidfd, line);
        (void)send(line, &ready, 1, MSG_NOSIGNAL);

        if (wait_for_daemon(daemon_pidfd, line) == 1)
                _exit(0);
        _exit(heal(runtime_dir, kinds));
}

static void bury(struct guard *g) {
        g->watch = sd_event_source_disable_unref(g->watch);
        scoped_closep(&g->pidfd);
        scoped_closep(&g->line);
        g->pidfd = g->line = -1;
        (void)waitpid(g->pid, NULL, 0);
}

/* Only a guard that ignores SIGTERM and watches us is one. */
static int await_ready(struct guard *g, struct err *e) {
        struct pollfd line = { .fd = g->line, .events = POLLIN };
        char word = 0;

        if (poll(&line, 1, READY_S * 1000) == 1 && recv(g->line, &word, 1, MSG_DONTWAIT) == 1 && word == READY)
                return 0;

        (void)kill(g->pid, SIGKILL);
        bury(g);
        return err_set(e, -ETIMEDOUT, "the guard process did not come up");
}

static int spawn(struct guard *g, struct err *e) {
        SCOPED_FD int daemon_pidfd = paths_open_self(), ours = -1, theirs = -1;
        int pair[2];
        pid_t pid;

        if (daemon_pidfd < 0)
                return err_errno(e, "cannot open a pidfd of this process");

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return err_errno(e, "cannot make a socket pair");

        ours = pair[0];
        theirs = pair[1];
        pid = fork();
        if (pid < 0)
                return err_errno(e, "cannot fork the guard");
        if (pid == 0)
                run_guard(g->runtime_dir, g->daemon->kinds, daemon_pidfd, theirs);

        g->pid = pid;
        g->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        g->line = TAKE_FD(ours);
        scoped_closep(&theirs); /* else a guard that died would keep us waiting */
        theirs = -1;
        return await_ready(g, e);
}

static int on_guard_exit(sd_event_source *source, int fd, uint32_t events, void *arg);

int guard_watch(struct guard *g, struct err *e) {
        int r = sd_event_add_io(g->daemon->event, &g->watch, g->pidfd, EPOLLIN, on_guard_exit, g);

        return r < 0 ? err_set(e, r, "cannot watch the guard: %s", strerror(-r)) : 0;
}

static int on_guard_exit(sd_event_source *source, int fd, uint32_t events, void *arg) {
        struct guard *g = arg;
        struct err e = { 0 };

        (void)source;
        (void)fd;
        (void)events;
        log_warning("the guard process %d died: starting another", (int)g->pid);
        bury(g);
        if (spawn(g, &e) < 0 || guard_watch(g, &e) < 0)
                log_error("no guard: %s; faults still heal at the next start", e.msg);
        return 0;
}

int guard_start(struct daemon *d, const char *runtime_dir, struct guard **ret, struct err *e) {
        struct guard *g = calloc(1, sizeof(*g));
        int r;

        if (!g)
                return err_set(e, -ENOMEM, "no memory");

        g->daemon = d;
        g->pidfd = g->line = -1;
        g->runtime_dir = strdup(runtime_dir);
        r = g->runtime_dir ? spawn(g, e) : err_set(e, -ENOMEM, "no memory");
        if (r < 0) {
                free(g->runtime_dir);
                free(g);
                return r;
        }

        *ret = g;
        return 0;
}

void guard_dismiss(struct guard *g) {
        static const char word = DISMISSED;

        if (!g)
                return;

        if (g->line >= 0) {
                struct pollfd exit = { .fd = g->pidfd, .events = POLLIN };

                (void)send(g->line, &word, 1, MSG_NOSIGNAL);
                if (poll(&exit, 1, LEAVE_MS) != 1) /* somebody stopped it */
                        (void)kill(g->pid, SIGKILL);
                bury(g);
        }
        free(g->runtime_dir);
        free(g);
}
