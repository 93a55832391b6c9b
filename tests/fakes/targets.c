#include "fakes/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/fake_kernel.h"

#define FAKE_PID 4242

static void add_process(struct target *t, pid_t pid) {
        struct target_proc *proc;

        t->procs = realloc(t->procs, (t->n_procs + 1) * sizeof(*t->procs));
        if (!t->procs)
                abort();

        proc = &t->procs[t->n_procs++];
        *proc = (struct target_proc){
                .pid = pid, .start_time = 1000, .comm = "nginx", .exe = strdup("/usr/sbin/nginx")
        };
        proc->pidfd = fake_fd(fake_key("target-pidfd:%d", (int)pid), "held");
        fake_set(fake_key("process:%d", (int)pid), "running");
}

static void add_cgroup(struct target *t, const char *path) {
        t->cgroups = calloc(1, sizeof(*t->cgroups));
        if (!t->cgroups)
                abort();

        t->n_cgroups = 1;
        t->cgroups[0] = (struct target_cgroup){
                .path = strdup(path), .freezer_fd = -1, .cpu_fd = -1, .systemd_fd = -1, .id = 77
        };
        t->cgroups[0].v2_fd = fake_fd(fake_key("target-cgroup:%s", path), "held");
        fake_set(fake_key("cgroup:%s", path), "thawed");
}

static void add_processes(const struct target_spec *spec, uint64_t accepted, struct target *t) {
        for (size_t i = 0; i < spec->pid.n; i++)
                add_process(t, (pid_t)((const uint64_t *)spec->pid.items)[i]);
        if (PARAM_IS_SET(spec, TARGET_ROW_PROCESS) || (t->n_cgroups > 0 && (accepted & TARGET_MEMBERS)))
                add_process(t, FAKE_PID);
}

struct target *fake_target(const struct target_spec *spec, uint64_t accepted) {
        struct target *t = calloc(1, sizeof(*t));
        const char *group = spec->cgroup ? spec->cgroup : spec->unit ? spec->unit : spec->container;

        if (!t)
                abort();

        t->spec = spec;
        t->netns_fd = -1;
        t->path_fd = -1;
        if (group || spec->pod)
                add_cgroup(t, group ? group : spec->pod);
        add_processes(spec, accepted, t);
        if (spec->netns) {
                t->netns_fd = fake_fd(fake_key("netns:%s", spec->netns), "held");
                t->netns_inode = 4026532000U;
        }
        if (spec->interface) {
                t->ifindex = 7;
                (void)snprintf(t->ifname, sizeof(t->ifname), "%s", spec->interface);
                fake_set(fake_key("link:%s", spec->interface), "index 7");
        }
        if (spec->path) {
                t->path = strdup(spec->path);
                t->path_fd = fake_fd(fake_key("path:%s", spec->path), "held");
        }
        return t;
}
