/* net_decide.h — acquire and decide, before anything changes: shared by plan and inject of net_lane.h. */
#pragma once

#include "faults/net/net_lane.h"

#define NET_MAX_LANES 2

struct net_lane_decision {
        enum tc_hook hook;
        char device[16]; /* of ours, to be made */
        bool first;      /* in front of others' filters, or behind them */
        bool via_root;   /* relay lane, egress: delayed packets still have to pass the root qdisc */
        struct net_classify_config config;
};

struct net_decision {
        enum lane_kind kind;
        struct tc *tc;
        struct tc_link link;
        int netns_fd; /* borrowed from the target */
        uint64_t netns_inode;
        char netns_path[NETNS_PATH_SIZE]; /* "" when only the descriptor leads there */
        bool add_clsact;                  /* there is none yet */
        char root[16];                    /* kind of the root qdisc when it shapes traffic, or "" */
        bool own_clsact;                  /* … or it is another live fault's: whoever ends last removes it */
        struct net_others {               /* filters of others, by hook */
                unsigned n;
                bool at_front; /* prio 1: nothing can be put in front of it */
        } others[2];
        struct net_classify_cidr *cidrs;
        size_t n_cidrs;
        struct net_lane_decision lanes[NET_MAX_LANES];
        unsigned n_lanes;
};

int net_decide(const struct fault_env *env, const struct fault *f, const struct net_lane_wish *wish,
               struct net_decision *ret, struct err *e);
void net_decision_done(struct net_decision *d);

/* net_overlap_check — -EBUSY, naming the fault, when a live network fault may meet the same packets (ADR 0003). */
int net_overlap_check(const struct fault_env *env, const struct fault *f, uint64_t netns_inode,
                      enum net_direction direction, struct err *e);

/* True when a live network fault made the clsact of this interface: its records say so. */
bool net_is_clsact_shared(const struct fault_env *env, const struct fault *f, uint64_t netns_inode, unsigned ifindex);

/* net_target_config, net_target_cidrs — what the target's selectors say to the classifier; *ret_cidrs is heap. */
int net_target_config(const struct fault *f, enum tc_hook hook, struct net_classify_config *config, struct err *e);
int net_target_cidrs(const struct fault *f, struct net_classify_cidr **ret_cidrs, size_t *ret_n, struct err *e);
