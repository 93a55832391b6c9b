/* Real children: what they inherit, how they end, and that they die with their parent. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"
#include "faults/mech/child.h"
#include "faults/mech/kfile.h"
#include "lib/check.h"

struct seen {
        volatile int done;
        int kept, closed, confined;
        char comm[32];
        char status[4096];
};

static int look(void *arg) {
        struct seen *seen = arg;
        struct err e = { 0 };
        char *text = NULL;

        seen->kept = fcntl(100, F_GETFD) >= 0;
        seen->closed = fcntl(99, F_GETFD) < 0 && fcntl(101, F_GETFD) < 0;
        if (kfile_read(AT_FDCWD, "/proc/self/comm", &text, &e) == 0)
                (void)snprintf(seen->comm, sizeof(seen->comm), "%s", text);
        seen->confined = child_confine(0);
        if (kfile_read(AT_FDCWD, "/proc/self/status", &text, &e) == 0)
                (void)snprintf(seen->status, sizeof(seen->status), "%s", text);
        seen->done = 1;
        return 7;
}

static int wait_for_ever(void *arg) {
        while (!arg)
                (void)pause();
        return 0;
}

static int burn_for_ever(void *arg) {
        volatile unsigned long n = 0;

        while (!arg)
                n++;
        return 0;
}

static void test_inherits_little(struct seen *seen) {
        struct holds *h = holds_new();
        struct err e = { 0 };
        int keep[] = { 100 }, status = -1;
        struct child c;
        int r;

        for (int fd = 99; fd <= 101; fd++)
                CHECK(dup2(0, fd) == fd, "dup2: %s", strerror(errno));
        r = child_spawn(h, "chaos-test", look, seen, keep, 1, &c, &e);
        CHECK(r == 0, "spawn: %s", e.msg);
        r = child_wait(&c, 10000, &status, &e);
        CHECK(r == 1 && status == 7, "wait: %d, status %d: %s", r, status, e.msg);
        CHECK(!child_is_alive(&c), "a child that has ended is alive");
        CHECK(seen->done && seen->kept && seen->closed, "kept %d, closed %d", seen->kept, seen->closed);
        CHECK_STR(seen->comm, "chaos-test");
        CHECK(seen->confined == 0, "confine: %s", strerror(-seen->confined));
        CHECK(strstr(seen->status, "CapEff:\t0000000000000000") && strstr(seen->status, "NoNewPrivs:\t1"), "%s",
              seen->status);
        CHECK(geteuid() != 0 || strstr(seen->status, "Uid:\t65534\t65534\t65534\t65534"), "%s", seen->status);
        holds_free(h);
        CHECK(kill(c.pid, 0) < 0 && errno == ESRCH, "not reaped");
        for (int fd = 99; fd <= 101; fd++)
                (void)close(fd);
}

static void test_release_kills(void) {
        struct holds *h = holds_new();
        struct err e = { 0 };
        struct child c;
        uint64_t cpu = 0;
        int status, r;

        r = child_spawn(h, "chaos-test", burn_for_ever, NULL, NULL, 0, &c, &e);
        CHECK(r == 0, "spawn: %s", e.msg);
        CHECK(child_is_alive(&c), "dead at birth");
        CHECK(child_wait(&c, 0, &status, &e) == 0, "ended by itself");
        while (r == 0 && cpu < 1000)
                r = child_cpu_us(&c, &cpu, &e);
        CHECK(r == 0, "cpu: %s", e.msg);
        holds_free(h);
        CHECK(kill(c.pid, 0) < 0 && errno == ESRCH, "still there after release");
        CHECK(child_cpu_us(&c, &cpu, &e) < 0, "a clock of nobody");
}

static int confined_for_ever(void *arg) {
        int r = child_confine(0);

        *(volatile int *)arg = r == 0 ? 1 : -1;
        return r < 0 ? 1 : wait_for_ever(NULL);
}

/* kill -9 of the parent; the grandchild must go although it has changed its user since. */
static void test_dies_with_parent(int (*run)(void *arg), volatile int *ready) {
        int fds[2];
        pid_t parent, grandchild = 0;
        struct pollfd p;

        *ready = 0;
        CHECK(pipe2(fds, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
        parent = fork();
        if (parent == 0) {
                struct holds *h = holds_new();
                int keep[] = { fds[1] };
                struct child c;

                if (child_spawn(h, "chaos-test", run, (void *)ready, keep, 1, &c, NULL) < 0)
                        _exit(1);
                (void)!write(fds[1], &c.pid, sizeof(c.pid));
                for (;;)
                        (void)pause();
        }
        (void)close(fds[1]);
        CHECK(read(fds[0], &grandchild, sizeof(grandchild)) == sizeof(grandchild), "no word from the parent");
        while (run == confined_for_ever && *ready == 0)
                (void)usleep(1000);
        CHECK(*ready >= 0, "confine failed");
        CHECK(kill(parent, SIGKILL) == 0 && waitpid(parent, NULL, 0) == parent, "cannot kill the parent");

        /* The grandchild holds the pipe's other end: it closes when the kernel has killed it. */
        p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
        CHECK(poll(&p, 1, 10000) == 1 && (p.revents & POLLHUP), "the child outlived its parent");
        (void)close(fds[0]);
}

int main(void) {
        struct seen *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (seen == MAP_FAILED)
                return 1;

        test_inherits_little(seen);
        test_release_kills();
        test_dies_with_parent(wait_for_ever, &seen->done);
        test_dies_with_parent(confined_for_ever, &seen->done);
        return check_result();
}
