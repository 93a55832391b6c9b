/* net_apply.h — the single steps that build one lane; inject puts undo records between them, probe does not. */
#pragma once

#include "faults/net/net_decide.h"

struct holds;
struct lane_relay;

/* Everything that the steps need; all borrowed. */
struct net_steps {
        struct tc *tc;
        int netns_fd;
        enum lane_kind kind;
        struct tc_link origin;
        const struct net_lane_decision *decision;
        const struct net_lane_wish *wish;
        const struct net_classify_cidr *cidrs;
        size_t n_cidrs;
        uint64_t seed;
        bool owns_clsact;
};

/* What they made. */
struct net_made {
        unsigned device_ifindex;
        struct tc_filter filter; /* on the interface under test: planned by net_make_classifier(), then made */
};

/* table: room for LANE_TABLE_SIZE entries, NULL = leave the distribution out. */
struct tc_netem net_netem_from(const struct net_lane_wish *wish, int16_t *table);

/* The IFB device with its netem, or the TAP device; started. *ret_relay only for the relay lane. */
int net_make_device(const struct net_steps *s, struct net_made *made, struct lane_relay **ret_relay, struct err *e);

/* Loads the program, picks the filter's place, starts the relay. */
int net_make_classifier(const struct net_steps *s, struct net_made *made, struct lane_relay *relay, struct holds *h,
                        struct lane_classifier **ret, struct err *e);

/* The one step that packets feel. */
int net_make_filter(const struct net_steps *s, const struct net_made *made, const struct lane_classifier *c,
                    struct err *e);
