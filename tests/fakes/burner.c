/* A fake burner is a fake child that was moved; it fails where the real one can. */
#include "faults/mech/burner.h"

#include <errno.h>
#include <stdlib.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/holds.h"
#include "faults/mech/cgroup.h"

int burner_deadline_new(struct holds *h, uint64_t us, struct burner_deadline **ret, struct err *e) {
        struct burner_deadline *d;
        int r;

        r = fake_step("burner_deadline_new", e);
        if (r < 0)
                return r;

        d = calloc(1, sizeof(*d));
        if (!d || holds_add(h, d, free) < 0)
                return err_set(e, -ENOMEM, "no memory");
        d->us = us;
        *ret = d;
        return 0;
}

int burner_start(struct holds *h, const struct cgroup *where, const cpu_set_t *cpus, uint32_t load_ppm,
                 const struct burner_deadline *deadline, struct child *ret, struct err *e) {
        struct child c;
        int r;

        (void)cpus;
        (void)deadline;
        (void)load_ppm;
        r = child_spawn(h, "chaos-cpu", NULL, NULL, NULL, 0, &c, e);
        if (r == 0 && where)
                r = cgroup_move(where, c.pid, e);
        if (r == 0)
                r = fake_step("burner_gate", e);
        if (r < 0)
                return r;

        *ret = c;
        return 0;
}
