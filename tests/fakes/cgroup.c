/* A fake cgroup is one directory in the unified hierarchy; who moved into it shows in the child's own state. */
#include "faults/mech/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/target/target.h"

void cgroup_done(struct cgroup *c) {
        for (int h = 0; h < CGROUP_HIERARCHIES; h++)
                if (c->fds[h] >= 0)
                        (void)close(c->fds[h]);
        *c = CGROUP_NONE;
}

static int open_path(const char *path, struct cgroup *ret, struct err *e) {
        static unsigned handles;
        struct cgroup c = CGROUP_NONE;

        c.fds[CGROUP_UNIFIED] = fake_fd(fake_key("cgroup-handle:%u", ++handles), "%s", path);
        if (c.fds[CGROUP_UNIFIED] < 0)
                return err_set(e, c.fds[CGROUP_UNIFIED], "no descriptor");

        (void)snprintf(c.path, sizeof(c.path), "%s", path);
        *ret = c;
        return 0;
}

int cgroup_open_process(const struct target_proc *proc, struct cgroup *ret, struct err *e) {
        int r = fake_step("cgroup_open_process", e);

        if (r < 0)
                return r;
        if (!fake_get(fake_key("process:%d", (int)proc->pid)))
                return err_set(e, -ESRCH, "no process %d", (int)proc->pid);
        return open_path("/of-process", ret, e);
}

int cgroup_open(const struct target_cgroup *group, struct cgroup *ret, struct err *e) {
        int r = fake_step("cgroup_open", e);

        return r < 0 ? r : open_path(group->path, ret, e);
}

bool cgroup_is_same(const struct cgroup *a, const struct cgroup *b) {
        return strcmp(a->path, b->path) == 0;
}

int cgroup_check_leaf(const struct cgroup *c, struct err *e) {
        (void)c;
        return fake_step("cgroup_check_leaf", e);
}

int cgroup_move(const struct cgroup *c, pid_t pid, struct err *e) {
        const char *key = fake_key("child:%d", (int)pid);
        int r = fake_step("cgroup_move", e);

        if (r < 0)
                return r;
        if (!fake_get(key))
                return err_set(e, -ESRCH, "no child %d", (int)pid);

        fake_set(key, "in cgroup %s", c->path);
        return 0;
}

int cgroup_cpu_usage_us(const struct cgroup *c, uint64_t *ret, struct err *e) {
        int r = fake_step("cgroup_cpu_usage_us", e);

        (void)c;
        if (r < 0)
                return r;
        *ret = 700000;
        return 0;
}

int cgroup_cpu_quota(const struct cgroup *c, uint64_t *ret_ppm, struct err *e) {
        int r = fake_step("cgroup_cpu_quota", e);

        (void)c;
        if (r < 0)
                return r;
        *ret_ppm = 1500000;
        return 1;
}

static int two_cpus(cpu_set_t *ret) {
        CPU_ZERO(ret);
        CPU_SET(0, ret);
        CPU_SET(1, ret);
        return 0;
}

int cgroup_cpus(const struct cgroup *c, cpu_set_t *ret, struct err *e) {
        int r = fake_step("cgroup_cpus", e);

        (void)c;
        return r < 0 ? r : two_cpus(ret);
}

int cgroup_cpus_of_process(pid_t pid, cpu_set_t *ret, struct err *e) {
        int r = fake_step("cgroup_cpus_of_process", e);

        (void)pid;
        return r < 0 ? r : two_cpus(ret);
}
