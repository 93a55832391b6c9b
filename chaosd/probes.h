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
        char why[300];
};
const struct probe_result *probes_ask(struct probes *p, struct fault_env *env, const struct fault_ops *ops,
                                      const struct fault_backend *backend);

/* probes_choose — the wanted backend, or the first that works. ret_reason (heap): why those before it were not
 * taken, or "" — "netem: Specified qdisc not found". A refusal is tried anew before it is believed.
 * Returns 0; -EINVAL no backend of that name; -EOPNOTSUPP with every reason in e. */
int probes_choose(struct probes *p, struct fault_env *env, const struct fault_ops *ops, const char *wanted,
                  const char **ret_backend, char **ret_reason, struct err *e);

/* probes_describe — fault_describe() with "available", "backend" and per backend "available" and "reason". */
json_t *probes_describe(struct probes *p, struct fault_env *env, const struct fault_ops *ops);
