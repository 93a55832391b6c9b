/* Cgroups by path, unit, container and pod, in hierarchies of this host, made here and removed. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "faults/target/target.h"
#include "lib/check.h"

#define KIND (TARGET_PROCESS | TARGET_CGROUP)

static char top[64]; /* "/tgt-cgroup-PID" below the mount point */

static const struct {
        const char *below, *selector, *value;
} groups[] = {
        { "/kubepods-burstable-pod0d1a3f0e_5b7c_4a58_9d53_2f1f6f0b7a11.slice", "pod",
          "0d1a3f0e-5b7c-4a58-9d53-2f1f6f0b7a11" },
        { "/pod77777777-5b7c-4a58-9d53-2f1f6f0b7a11", "pod", "77777777-5b7c-4a58-9d53-2f1f6f0b7a11" },
        { "/cri-containerd-aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44.scope", "container",
          "aa11bb22cc33" },
        { "/docker-bb11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44.scope", "container", "BB11bb" },
        { "/cc11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44", "container", "cc11bb22" },
        { "/tgt-demo.service", "unit", "tgt-demo.service" },
        { "/tgt-other.service", "unit", "tgt-other" },
};

/* Two whose names only look alike: neither may be taken for what is looked for. */
static const char *const decoys[] = {
        "/crio-conmon-aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44.scope",
        "/tgt-demo.service.d",
};

struct outcome {
        int r;
        struct err e;
        struct target_spec spec;
        struct target *t;
};

static void resolve(const char *selector, const char *value, uint64_t accepted, const struct target_policy *policy,
                    struct outcome *o) {
        SCOPED_JSON json_t *json = json_pack("{s:s}", selector, value);

        *o = (struct outcome){ 0 };
        o->r = param_parse_object(target_params, json, &o->spec, &o->e);
        if (o->r == 0)
                o->r = target_resolve(&o->spec, accepted, TARGET_CGROUP, false, policy, 1, &o->t, &o->e);
}

static void outcome_done(struct outcome *o) {
        target_free(o->t);
        param_done(target_params, &o->spec);
}

static const char *path_of(const char *mount, const char *below) {
        static char buf[400];

        (void)snprintf(buf, sizeof(buf), "%s%s%s", mount, top, below);
        return buf;
}

static pid_t fork_into(const char *dir, const char *comm) {
        char file[450];
        pid_t pid;
        int ready[2];
        char byte = 'n';

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -1;
        (void)snprintf(file, sizeof(file), "%s/cgroup.procs", dir);
        pid = fork();
        if (pid == 0) {
                int fd = open(file, O_WRONLY | O_CLOEXEC);

                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, comm);
                byte = fd >= 0 && write(fd, "0", 1) == 1 ? 'y' : 'n';
                (void)!write(ready[1], &byte, 1);
                for (;;)
                        (void)pause();
        }
        (void)!read(ready[0], &byte, 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
        CHECK(byte == 'y', "a process in %s", dir);
        return pid;
}

static void end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

static void test_names(void) {
        static const struct target_policy policy = { 0 };
        struct outcome o;
        char want[300];

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
                (void)snprintf(want, sizeof(want), "%s%s", top, groups[i].below);
                resolve(groups[i].selector, groups[i].value, KIND, &policy, &o);
                CHECK(o.r == 0, "%s %s: %s", groups[i].selector, groups[i].value, o.e.msg);
                if (o.t) {
                        CHECK_STR(o.t->cgroups[0].path, want);
                        CHECK(o.t->n_procs == 0, "a cgroup is no process");
                }
                outcome_done(&o);
        }
}

static void test_paths(const char *mount, bool v2) {
        static const struct target_policy policy = { 0 };
        const char *absolute = path_of(mount, "/tgt-demo.service/");
        char want[200];
        struct outcome o;

        (void)snprintf(want, sizeof(want), "%s/tgt-demo.service", top);
        resolve("cgroup", absolute, KIND, &policy, &o);
        CHECK(o.r == 0, "%s: %s", absolute, o.e.msg);
        if (o.t) {
                const struct target_cgroup *cg = &o.t->cgroups[0];

                CHECK_STR(cg->path, want);
                CHECK((v2 ? cg->v2_fd : cg->freezer_fd) >= 0, "held in the hierarchy that has it");
                CHECK(!v2 || cg->id > 0, "with its id");
        }
        outcome_done(&o);
}

static void test_members(const char *mount) {
        const char *selector = "unit", *name = "tgt-demo.service";
        pid_t inside = fork_into(path_of(mount, "/tgt-demo.service"), "tgt-inside");
        pid_t other = fork_into(path_of(mount, ""), "tgt-outside");
        const struct target_policy policy = { 0 }, as_daemon = { .daemon = inside };
        struct outcome o;
        char text[20];

        resolve(selector, name, KIND | TARGET_MEMBERS, &policy, &o);
        CHECK(o.r == 0 && o.t->n_procs == 1 && o.t->procs[0].pid == inside, "the one in it: %s", o.e.msg);
        outcome_done(&o);

        /* Its parent holds both, one of them a level below. */
        resolve("cgroup", top, KIND | TARGET_MEMBERS, &policy, &o);
        CHECK(o.r == 0 && o.t->n_procs == 2, "both: %s", o.e.msg);
        outcome_done(&o);

        resolve(selector, name, KIND, &as_daemon, &o);
        CHECK(o.r == -EPERM && strstr(o.e.msg, "the daemon itself"), "the daemon's own cgroup: %d %s", o.r, o.e.msg);
        CHECK_STR(o.e.path, "/unit");
        outcome_done(&o);

        /* A process narrowed by a cgroup that it is not in. */
        {
                SCOPED_JSON json_t *json = json_pack("{s:s, s:{s:s}}", "unit", name, "process", "comm", "tgt-outside");

                o = (struct outcome){ 0 };
                (void)param_parse_object(target_params, json, &o.spec, &o.e);
                o.r = target_resolve(&o.spec, KIND, KIND, false, &policy, 1, &o.t, &o.e);
                CHECK(o.r == -ESRCH, "not in it: %d %s", o.r, o.e.msg);
                outcome_done(&o);
        }
        (void)snprintf(text, sizeof(text), "%d", (int)other);
        {
                SCOPED_JSON json_t *json = json_pack("{s:s, s:s}", "unit", name, "pid", text);

                o = (struct outcome){ 0 };
                (void)param_parse_object(target_params, json, &o.spec, &o.e);
                o.r = target_resolve(&o.spec, KIND, KIND, false, &policy, 1, &o.t, &o.e);
                CHECK(o.r == -ESRCH, "nor by its pid: %d %s", o.r, o.e.msg);
                outcome_done(&o);
        }
        end(inside);
        end(other);
}

/* 1 when the hierarchy is there and ours to change. */
static unsigned test_hierarchy(const char *mount, bool v2) {
        if (mkdir(path_of(mount, ""), 0755) < 0)
                return 0;

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                CHECK(mkdir(path_of(mount, groups[i].below), 0755) == 0, "mkdir %s", groups[i].below);
        for (size_t i = 0; i < ARRAY_SIZE(decoys); i++)
                CHECK(mkdir(path_of(mount, decoys[i]), 0755) == 0, "mkdir %s", decoys[i]);

        test_names();
        test_paths(mount, v2);
        test_members(mount);

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                CHECK(rmdir(path_of(mount, groups[i].below)) == 0, "rmdir %s", groups[i].below);
        for (size_t i = 0; i < ARRAY_SIZE(decoys); i++)
                CHECK(rmdir(path_of(mount, decoys[i])) == 0, "rmdir %s", decoys[i]);
        CHECK(rmdir(path_of(mount, "")) == 0, "rmdir the top");
        return 1;
}

int main(void) {
        bool unified = access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0;
        unsigned tried;

        (void)snprintf(top, sizeof(top), "/tgt-cgroup-%d", (int)getpid());
        tried = test_hierarchy(unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified", true) +
                test_hierarchy("/sys/fs/cgroup/freezer", false);
        if (tried == 0) {
                (void)printf("SKIP: no cgroup hierarchy that this user may change\n");
                return CHECK_SKIP;
        }
        return check_result();
}
