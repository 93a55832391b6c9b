/* burner.h — child processes that use CPU time: a precise share of one CPU each, in a given cgroup. */
#pragma once

#include <sched.h>
#include <stdint.h>

#include "faults/mech/child.h"

struct cgroup;
struct err;
struct holds;

/* burner_start — one child (comm "chaos-cpu") that uses load_ppm of one CPU, [1, 1000000], measured by its own CPU
 * clock, so that neighbours who take the CPU away for a moment do not change the sum. It starts only once it is
 * in where (NULL = stays in the daemon's), runs on cpus only, as nobody, without capabilities, at nice 0.
 * Killed when h is released. Returns 0 or -errno; on failure no child is left once h is released. */
int burner_start(struct holds *h, const struct cgroup *where, const cpu_set_t *cpus, uint32_t load_ppm,
                 struct child *ret, struct err *e);
