/* net_lane.h — what every network fault that needs a queue has in common: decide, say, do, look and undo the steering
 * of one interface's packets into lanes. A kind brings its parameters as a struct net_lane_wish. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/net_classify.h"
#include "core/scoped.h"
#include "faults/mech/lane_classifier.h"
#include "faults/mech/lane_delay.h"
#include "faults/mech/netns.h"
#include "faults/mech/tc.h"

struct err;
struct evidence;
struct fault;
struct fault_env;

enum net_direction { NET_EGRESS, NET_INGRESS, NET_BOTH };
extern const char *const net_directions[]; /* NULL-ended, parallel to the enum */
bool net_direction_has(enum net_direction direction, enum tc_hook hook);

struct net_lane_wish {
        enum net_direction direction;
        struct lane_delay delay;
        uint32_t limit;       /* packets waiting in each direction */
        uint32_t percent_ppm; /* share of the matching packets */
};

/* net_lane_probe — try the lane in a namespace of its own. 0, or -EOPNOTSUPP with the reason. */
int net_lane_probe(const char *backend, struct err *e);

/* net_lane_plan — the changes in words, one per line; checks everything that inject would refuse. */
int net_lane_plan(const struct fault_env *env, const struct fault *f, const struct net_lane_wish *wish, char **ret,
                  struct err *e);
int net_lane_inject(const struct fault_env *env, struct fault *f, const struct net_lane_wish *wish, struct err *e);
int net_lane_verify(struct fault *f, const struct net_lane_wish *wish, struct evidence *ret, struct err *e);
int net_lane_renew(struct fault *f, struct err *e);
int net_lane_revert(const char *record, struct err *e);
int net_lane_sweep(bool dry_run, void (*found)(void *arg, const char *what), void *arg, struct err *e);
