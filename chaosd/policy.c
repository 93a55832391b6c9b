#include "chaosd/policy.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "chaosd/daemon.h"
#include "chaosd/life.h"
#include "core/err.h"
#include "core/units.h"

static bool is_kind_allowed(const struct config_policy *policy, const char *kind) {
        char *const *patterns = policy->kinds.items;

        for (size_t i = 0; i < policy->kinds.n; i++)
                if (fnmatch(patterns[i], kind, 0) == 0)
                        return true;
        return policy->kinds.n == 0;
}

static int refuse(struct err *e, int code, const char *key, const char *why) {
        (void)err_set(e, code, "%s", why);
        return err_at(e, key);
}

static int check_times(const struct config_limits *limits, const struct request *q, struct err *e) {
        char text[UNITS_TEXT_SIZE];

        if (q->for_us > limits->max_ttl_us) {
                (void)err_set(e, -ERANGE, "longer than this node allows: limits.maxTtl is %s",
                              units_format_duration(limits->max_ttl_us, text));
                return err_at(e, "for");
        }
        if (q->lease_us > limits->max_ttl_us) {
                (void)err_set(e, -ERANGE, "longer than this node allows: limits.maxTtl is %s",
                              units_format_duration(limits->max_ttl_us, text));
                return err_at(e, "lease");
        }
        return 0;
}

int policy_admit(const struct daemon *d, const struct request *q, struct err *e) {
        const struct config_policy *policy = &d->config->policy;
        unsigned live = 0;

        if (d->stopping)
                return err_set(e, -ECANCELED, "the daemon is stopping");
        if (d->halted)
                return err_set(e, -ECANCELED, "this node is halted: %s", d->halt_reason);
        if (!is_kind_allowed(policy, q->kind))
                return refuse(e, -EPERM, "kind", "this node's policy does not allow this kind (policy.kinds)");
        if (q->break_glass && !policy->break_glass)
                return refuse(e, -EPERM, "breakGlass", "this node's policy does not allow it (policy.breakGlass)");
        if (q->target.set == 0 && q->ops->target_optional && !policy->whole_node)
                return refuse(e, -EPERM, "target",
                              "none given, and this node's policy does not allow the whole node (policy.wholeNode)");

        for (const struct life *l = d->lives; l; l = l->next)
                live++;
        if (live >= d->config->limits.max_faults)
                return err_set(e, -EDQUOT, "%u faults are live: limits.maxFaults", live);

        return check_times(&d->config->limits, q, e);
}

static bool processes_meet(const struct target *a, const struct target *b) {
        for (size_t i = 0; i < a->n_procs; i++)
                for (size_t j = 0; j < b->n_procs; j++)
                        if (a->procs[i].pid == b->procs[j].pid && a->procs[i].start_time == b->procs[j].start_time)
                                return true;
        return false;
}

static bool cgroups_meet(const struct target *a, const struct target *b) {
        for (size_t i = 0; i < a->n_cgroups; i++)
                for (size_t j = 0; j < b->n_cgroups; j++)
                        if (strcmp(a->cgroups[i].path, b->cgroups[j].path) == 0)
                                return true;
        return false;
}

bool policy_targets_meet(const struct target *a, const struct target *b) {
        bool same_interface = a->ifindex && a->ifindex == b->ifindex && a->netns_inode == b->netns_inode;
        bool same_path = a->path && b->path && strcmp(a->path, b->path) == 0;

        return same_interface || same_path || processes_meet(a, b) || cgroups_meet(a, b);
}

int policy_admit_target(const struct daemon *d, const struct target *t, struct err *e) {
        unsigned same = 0;

        for (const struct life *l = d->lives; l; l = l->next)
                if (l->target && policy_targets_meet(l->target, t))
                        same++;
        if (same >= d->config->limits.max_faults_per_target) {
                (void)err_set(e, -EDQUOT, "%u live faults act on it already: limits.maxFaultsPerTarget", same);
                return err_at(e, "target");
        }
        return 0;
}
