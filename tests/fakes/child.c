/* A fake child is an object that its holds keep; run() is never called. */
#include "faults/mech/child.h"

#include <errno.h>
#include <stddef.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/holds.h"

#define FIRST_PID 500000 /* far above what the machine that runs the test is likely to use */
#define CPU_US    12345U

static const char *key_of(pid_t pid) {
        return fake_key("child:%d", (int)pid);
}

int child_spawn(struct holds *h, const char *name, int (*run)(void *arg), void *arg, const int *keep, unsigned n_keep,
                struct child *ret, struct err *e) {
        struct child c = { .pid = FIRST_PID };
        int r;

        (void)run;
        (void)arg;
        (void)keep;
        r = fake_step("child_spawn", e);
        if (r < 0)
                return r;

        while (fake_get(key_of(c.pid)))
                c.pid++;

        c.pidfd = fake_fd(fake_key("pidfd:%d", (int)c.pid), "of our child");
        if (c.pidfd < 0)
                return err_set(e, c.pidfd, "no pidfd");
        r = holds_add_fd(h, c.pidfd);
        if (r == 0)
                r = fake_own(h, key_of(c.pid), "%s with %u descriptors", name, n_keep);
        if (r < 0)
                return err_set(e, r, "no memory to hold the child");

        *ret = c;
        return 0;
}

int child_kill_together(struct holds *h, const struct child *children, unsigned n) {
        (void)h;
        (void)children;
        (void)n;
        return 0;
}

int child_is_alive(const struct child *c) {
        return fake_get(key_of(c->pid)) != NULL;
}

int child_cpu_us(const struct child *c, uint64_t *ret, struct err *e) {
        int r = fake_step("child_cpu_us", e);

        if (r < 0)
                return r;
        if (!child_is_alive(c))
                return err_set(e, -ESRCH, "no child %d", (int)c->pid);

        *ret = CPU_US;
        return 0;
}

int child_wait(const struct child *c, int timeout_ms, int *ret_status, struct err *e) {
        int r = fake_step("child_wait", e);

        (void)timeout_ms;
        (void)ret_status;
        if (r < 0)
                return r;
        return child_is_alive(c) ? 0 : err_set(e, -ECHILD, "no child %d", (int)c->pid);
}

int child_confine(uint64_t keep) {
        (void)keep;
        return 0;
}
