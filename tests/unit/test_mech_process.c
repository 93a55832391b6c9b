/* The real mechanisms: signals and states by pidfd, and the freezer, on children of this test. */
#include "faults/mech/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/mech/freezer.h"
#include "faults/target/procfs.h"
#include "lib/check.h"

static void on_signal(int signal) {
        (void)signal;
}

/* A child that waits; handled, when not 0, gets a handler, ignored is ignored. */
static pid_t fork_waiting(int handled, int ignored) {
        int ready[2];
        pid_t pid;
        char byte;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -1;
        pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (handled)
                        (void)signal(handled, on_signal);
                if (ignored)
                        (void)signal(ignored, SIG_IGN);
                (void)!write(ready[1], "x", 1);
                for (;;)
                        (void)pause();
        }
        (void)close(ready[1]);
        (void)!read(ready[0], &byte, 1);
        (void)close(ready[0]);
        return pid;
}

static struct target_proc hold(pid_t pid) {
        struct target_proc p = { .pid = pid, .pidfd = -1 };
        struct procfs_stat stat;
        struct err e = { 0 };

        CHECK(procfs_read_stat(pid, &stat) == 0, "stat of %d", pid);
        CHECK(process_open(pid, stat.start_time, &p, &e) == 0, "%s", e.msg);
        return p;
}

static void test_stop_and_kill(void) {
        pid_t pid = fork_waiting(SIGHUP, SIGTERM);
        struct target_proc p = hold(pid), other;
        enum process_disposition d = PROCESS_DEFAULT;
        struct process_state s = { 0 };
        struct err e = { 0 };
        char title[64];

        CHECK(process_probe(&e) == 0, "%s", e.msg);
        CHECK(process_open(pid, p.start_time + 1, &other, &e) == -ESRCH, "another start time is another process");
        CHECK(strstr(process_title(&p, title, sizeof(title)), "test_mech_process"), "title '%s'", title);

        CHECK(process_read_disposition(&p, SIGHUP, &d, &e) == 0 && d == PROCESS_CAUGHT, "SIGHUP: %d", (int)d);
        CHECK(process_read_disposition(&p, SIGTERM, &d, &e) == 0 && d == PROCESS_IGNORED, "SIGTERM: %d", (int)d);
        CHECK(process_read_disposition(&p, SIGUSR1, &d, &e) == 0 && d == PROCESS_DEFAULT, "SIGUSR1: %d", (int)d);

        CHECK(process_read_state(&p, &s, &e) == 0 && !s.stopped, "runs");
        CHECK(process_wait_stopped(&p, 5) == 0, "nobody has stopped it");
        CHECK(process_signal(&p, SIGSTOP, &e) == 0 && process_wait_stopped(&p, 5000) == 1, "stops: %s", e.msg);
        CHECK(process_read_state(&p, &s, &e) == 0 && s.stopped && !s.by_tracer, "is stopped");
        CHECK(process_signal(&p, SIGCONT, &e) == 0, "%s", e.msg);

        CHECK(process_wait_exit(&p, 5) == 0 && !process_has_exited(&p), "lives");
        CHECK(process_signal(&p, SIGKILL, &e) == 0 && process_wait_exit(&p, 5000) == 1, "exits: %s", e.msg);
        CHECK(process_has_exited(&p) && process_read_state(&p, &s, &e) == -ESRCH, "a zombie has exited");
        (void)waitpid(pid, NULL, 0);
        CHECK(process_signal(&p, SIGKILL, &e) == -ESRCH, "gone");
        CHECK(process_open(pid, p.start_time, &other, &e) == -ESRCH, "gone");
        process_close(&p);
}

static void test_successors(void) {
        pid_t first = fork_waiting(0, 0), second;
        struct target_proc p = hold(first), q;
        struct process_lineage l = { 0 };
        unsigned n = 9;
        struct err e = { 0 };

        CHECK(process_read_lineage(&p, &l, &e) == 0 && l.parent == getpid(), "%s", e.msg);
        CHECK(process_lineage_equal(&l, &l), "equal to itself");
        (void)process_signal(&p, SIGKILL, &e);
        CHECK(process_wait_exit(&p, 5000) == 1, "exit");
        CHECK(process_count_since(&l, p.start_time, &n, &e) == 0 && n == 0, "a zombie is no successor: %u", n);
        (void)waitpid(first, NULL, 0);

        second = fork_waiting(0, 0);
        q = hold(second);
        CHECK(process_count_since(&l, q.start_time, &n, &e) == 0 && n == 1, "its successor: %u", n);
        CHECK(process_count_since(&l, q.start_time + 1, &n, &e) == 0 && n == 0, "it began before that: %u", n);
        (void)kill(second, SIGKILL);
        (void)waitpid(second, NULL, 0);
        process_lineage_done(&l);
        process_close(&p);
        process_close(&q);
}

/* In a cgroup of this test's own, in each hierarchy that can freeze and lets us. Returns how many there were. */
static unsigned test_freezer(const char *mount, enum freezer_version version) {
        char dir[200], name[80], file[300], text[20];
        struct target_cgroup cg;
        struct freezer f, again;
        struct freezer_state s;
        struct err e = { 0 };
        pid_t pid;
        int fd;

        (void)snprintf(name, sizeof(name), "/proc-mech-%d", (int)getpid());
        (void)snprintf(dir, sizeof(dir), "%s%s", mount, name);
        if (mkdir(dir, 0755) < 0)
                return 0;

        pid = fork_waiting(0, 0);
        (void)snprintf(file, sizeof(file), "%s/cgroup.procs", dir);
        (void)snprintf(text, sizeof(text), "%d", (int)pid);
        fd = open(file, O_WRONLY | O_CLOEXEC);
        CHECK(fd >= 0 && write(fd, text, strlen(text)) > 0, "move a process into %s", dir);
        (void)close(fd);

        CHECK(target_cgroup_open(name, &cg, &e) == 0, "%s", e.msg);
        CHECK(freezer_probe(&e) == 0 && freezer_choose(&cg, &f, &e) == 0 && f.version == version, "%s", e.msg);
        CHECK(freezer_read(&f, &s, &e) == 0 && !s.asked && !s.frozen && s.processes == 1, "before: %s", e.msg);
        CHECK(freezer_wait(&f, 5) == 0, "nobody has frozen it");
        CHECK(freezer_set(&f, true, &e) == 0 && freezer_wait(&f, 5000) == 1, "freezes: %s", e.msg);
        CHECK(freezer_read(&f, &s, &e) == 0 && s.asked && s.frozen, "frozen: %s", e.msg);

        CHECK(freezer_open(version, name, f.id + 1, &again, &e) == -ENOENT, "another inode is another cgroup");
        CHECK(freezer_open(version, name, f.id, &again, &e) == 0 && freezer_set(&again, false, &e) == 0, "%s", e.msg);
        freezer_close(&again);
        CHECK(freezer_read(&f, &s, &e) == 0 && !s.asked && !s.frozen, "thawed: %s", e.msg);

        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        CHECK(rmdir(dir) == 0, "remove %s", dir);
        CHECK(freezer_read(&f, &s, &e) < 0, "a removed cgroup cannot be read");
        CHECK(freezer_open(version, name, f.id, &again, &e) == -ENOENT, "nor opened");
        target_cgroup_done(&cg);
        return 1;
}

int main(void) {
        unsigned tried;

        test_stop_and_kill();
        test_successors();
        tried = test_freezer("/sys/fs/cgroup/freezer", FREEZER_V1) +
                (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
                         ? test_freezer("/sys/fs/cgroup", FREEZER_V2)
                         : test_freezer("/sys/fs/cgroup/unified", FREEZER_V2));
        if (tried == 0)
                (void)fprintf(stderr, "part skipped: no cgroup that this user may freeze\n");
        return check_result();
}
