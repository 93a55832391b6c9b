/* burner.h — child processes that use CPU time: a precise share of one CPU each, in a given cgroup. */
#pragma once

#include <sched.h>
#include <stdint.h>

#include "faults/mech/child.h"

struct cgroup;
struct err;
struct holds;

/* When burners end by themselves, even if the daemon hangs: they look every 20 ms. Shared with all of them, to be
 * written by the daemon; owned by holds, so made before the burners. */
struct burner_deadline {
        volatile uint64_t us; /* CLOCK_BOOTTIME; 0 = never */
};
int burner_deadline_new(struct holds *h, uint64_t us, struct burner_deadline **ret, struct err *e);

/* burner_start — one child (comm "chaos-cpu") that uses load_ppm of one CPU, [1, 1000000], measured by its own CPU
 * clock, so that neighbours who take the CPU away for a moment do not change the sum. It starts only once it is
 * in where (NULL = stays in the daemon's), runs on cpus only, as nobody, without capabilities, at nice 0.
 * Killed when h is released. Returns 0 or -errno; on failure no child is left once h is released. */
int burner_start(struct holds *h, const struct cgroup *where, const cpu_set_t *cpus, uint32_t load_ppm,
                 const struct burner_deadline *deadline, struct child *ret, struct err *e);
