/* One fake attachment is one object "hooks:UID", owned by the holds that it was made with; its state is what the
 * programs would act by. Every slot asked for has seen 9 calls and refused 4. */
#include "faults/mech/sys_hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/scoped.h"
#include "fakes/fake_kernel.h"
#include "faults/holds.h"

struct sys_hooks {
        char uid[40];
        uint32_t slots;
        unsigned processes, cgroups;
        uint64_t deadline_us;
};

static void show(const struct sys_hooks *k) {
        fake_set(fake_key("hooks:%s", k->uid), "%u processes, %u cgroups, %s", k->processes, k->cgroups,
                 k->deadline_us ? "armed" : "not armed");
}

int sys_hooks_probe(enum sys_backend backend, struct err *e) {
        (void)backend;
        return fake_step("sys_hooks_probe", e);
}

int sys_hooks_attach(struct holds *h, const struct sys_hooks_spec *spec, struct sys_hooks **ret, struct err *e) {
        static const char *const steps[] = { "sys_hooks_attach: load", "sys_hooks_attach: first link",
                                             "sys_hooks_attach: last link" };
        struct sys_hooks *k = calloc(1, sizeof(*k));
        int r;

        if (!k || holds_add(h, k, free) < 0)
                return err_set(e, -ENOMEM, "no memory");

        (void)snprintf(k->uid, sizeof(k->uid), "%s", spec->uid);
        k->slots = spec->backend == SYS_BY_LSM ? spec->hooks : (uint32_t)((1ULL << spec->n_calls) - 1);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                r = fake_step(steps[i], e);
                if (r == 0 && i == 0)
                        r = fake_own(h, fake_key("hooks:%s", k->uid), "loaded");
                if (r < 0)
                        return r;
        }
        show(k);
        *ret = k;
        return 0;
}

int sys_hooks_add_process(struct sys_hooks *k, pid_t pid, int pidfd, unsigned *ret, struct err *e) {
        int r = fake_step("sys_hooks_add_process", e);

        (void)pid;
        (void)pidfd;
        if (r < 0)
                return r;

        k->processes++;
        show(k);
        *ret = 1;
        return 0;
}

int sys_hooks_add_cgroup(struct sys_hooks *k, int v2_fd, struct err *e) {
        int r = fake_step("sys_hooks_add_cgroup", e);

        (void)v2_fd;
        if (r < 0)
                return r;

        k->cgroups++;
        show(k);
        return 0;
}

int sys_hooks_arm(struct sys_hooks *k, uint64_t deadline_us, struct err *e) {
        int r = fake_step("sys_hooks_arm", e);

        if (r < 0)
                return r;

        k->deadline_us = deadline_us;
        show(k);
        return 0;
}

int sys_hooks_read(struct sys_hooks *k, struct sys_errno_state *ret, struct err *e) {
        int r = fake_step("sys_hooks_read", e);

        if (r < 0)
                return r;

        *ret = (struct sys_errno_state){ .n_threads = 1 };
        for (unsigned i = 0; i < SYS_ERRNO_SLOTS; i++)
                if (k->slots & (1U << i)) {
                        ret->slots[i].matched = 9;
                        ret->slots[i].injected = 4;
                }
        return 0;
}

int sys_hooks_disarm(const char *uid, bool dry_run, void (*found)(void *arg, const char *uid), void *arg, unsigned *ret,
                     struct err *e) {
        const char *key = fake_key("hooks:%s", uid ? uid : "");
        int r = fake_step("sys_hooks_disarm", e);

        if (r < 0)
                return r;

        *ret = uid && fake_get(key);
        if (*ret && found)
                found(arg, uid);
        if (*ret && !dry_run)
                fake_set(key, "disarmed");
        return 0;
}
