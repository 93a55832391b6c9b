/* probes.h — which backend of which kind works on this node: found by trying, once, and kept. */
#pragma once

#include <stdbool.h>

#include "core/json.h"
#include "faults/fault.h"

struct err;
struct probes;

/* The table stays borrowed. NULL = no memory. */
struct probes *probes_new(const struct fault_ops *const *kinds);
void probes_free(struct probes *p);
DEFINE_SCOPED(struct probes, probes_free)

void probes_forget(struct probes *p); /* try everything anew when next asked */

/* One answer. why is "" when it works. Borrowed. */
struct probe_result {
        bool known, works;
        uint64_t at_us; /* CLOCK_BOOTTIME of the trial */
        char why[300];
        char extack[120]; /* the kernel's own words, or "" */
};
const struct probe_result *probes_ask(struct probes *p, struct fault_env *env, const struct fault_ops *ops,
                                      const struct fault_backend *backend);

/* probes_are_known — has every backend of the kind (NULL: of every kind) been tried? A kind of which none works is
 * forgotten after a while: somebody may have loaded the module that it lacks. */
bool probes_are_known(struct probes *p, const struct fault_ops *ops);

/* Answers that somebody else found (prober.c). kind and backend are indexes. */
void probes_learn(struct probes *p, unsigned kind, unsigned backend, const struct probe_result *result);
/* What is still unknown of this kind does not work, for this reason. */
void probes_give_up(struct probes *p, const struct fault_ops *ops, const char *why);

/* probes_choose — the wanted backend, or the first that works. ret_reason (heap): why those before it were not
 * taken, or "" — "netem: Specified qdisc not found". What is not known is tried here and now.
 * Returns 0; -EINVAL no backend of that name; -EOPNOTSUPP with every reason in e. */
int probes_choose(struct probes *p, struct fault_env *env, const struct fault_ops *ops, const char *wanted,
                  const char **ret_backend, char **ret_reason, struct err *e);

/* probes_describe — fault_describe() with "available", "backend" and per backend "available" and "reason". */
json_t *probes_describe(struct probes *p, struct fault_env *env, const struct fault_ops *ops);
