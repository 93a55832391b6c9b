/* A fake burner is a fake child that was moved; it fails where the real one can. */
#include "faults/mech/burner.h"

#include "fakes/fake_kernel.h"
#include "faults/mech/cgroup.h"

int burner_start(struct holds *h, const struct cgroup *where, const cpu_set_t *cpus, uint32_t load_ppm,
                 struct child *ret, struct err *e) {
        struct child c;
        int r;

        (void)cpus;
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
