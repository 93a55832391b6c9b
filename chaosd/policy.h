/* policy.h — what this node's owner allows: pure judgements over the configuration and the live faults. */
#pragma once

#include "chaosd/config.h"
#include "chaosd/request.h"

struct daemon;
struct err;
struct target;

/* policy_admit — before anything is resolved. Returns 0; -ECANCELED halted; -EDQUOT over maxFaults; -EPERM kind,
 * break-glass or whole-node not allowed; -ERANGE longer than maxTtl. */
int policy_admit(const struct daemon *d, const struct request *q, struct err *e);

/* policy_admit_target — with the target in hand: -EDQUOT when too many live faults share a part of it. */
int policy_admit_target(const struct daemon *d, const struct target *t, struct err *e);

/* Do they share a process, cgroup, interface or path? */
bool policy_targets_meet(const struct target *a, const struct target *b);
