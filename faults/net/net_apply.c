#include "faults/net/net_apply.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "faults/mech/lane_relay.h"
#include "faults/net/net_mark.h"

/* A burst must fit into the device before the relay or netem has looked at it. */
#define DEVICE_QUEUE_PACKETS 10000

/* TAP devices take no more; nothing is lost, for packets that are redirected are not held against it. */
#define TAP_MTU_MAX 65521U

struct tc_netem net_netem_from(const struct net_lane_wish *wish, int16_t *table) {
        struct tc_netem netem = {
                .delay_ns = wish->delay.delay_ns,
                .jitter_ns = wish->delay.jitter_ns,
                .correlation = wish->delay.correlation,
                .limit = wish->limit,
        };

        if (table) {
                netem.n_table = lane_delay_table(wish->delay.distribution, table);
                netem.table = netem.n_table ? table : NULL;
        }
        return netem;
}

static int make_ifb(const struct net_steps *s, struct net_made *made, struct err *e) {
        int16_t table[LANE_TABLE_SIZE];
        struct tc_netem netem = net_netem_from(s->wish, table);
        struct tc_link link;
        int r;

        r = tc_link_add_ifb(s->tc, s->decision->device, e);
        if (r < 0)
                return r;

        r = tc_link_find(s->tc, s->decision->device, &link, e);
        if (r < 0)
                return r;

        made->device_ifindex = link.ifindex;
        r = tc_netem_set(s->tc, link.ifindex, &netem, e);
        if (r < 0)
                return r;
        return tc_link_start(s->tc, link.ifindex, 0, DEVICE_QUEUE_PACKETS, e);
}

static int make_tap(const struct net_steps *s, struct net_made *made, struct lane_relay **ret_relay, struct err *e) {
        const struct lane_relay_spec spec = {
                .netns_fd = s->netns_fd,
                .name = s->decision->device,
                .origin_ifindex = s->origin.ifindex,
                .ingress = s->decision->hook == TC_HOOK_INGRESS,
                .root_mark = s->decision->via_root ? s->decision->config.return_mark : 0,
                .raw_ip = s->origin.raw_ip,
                .delay = s->wish->delay,
                .limit = s->wish->limit,
                .seed = s->seed + s->decision->hook,
        };
        struct tc_link link;
        int r;

        r = lane_relay_open(&spec, ret_relay, e);
        if (r < 0)
                return r;

        r = tc_link_find(s->tc, s->decision->device, &link, e);
        if (r < 0)
                return r;

        made->device_ifindex = link.ifindex;
        return tc_link_start(s->tc, link.ifindex, s->origin.mtu < TAP_MTU_MAX ? s->origin.mtu : TAP_MTU_MAX,
                             DEVICE_QUEUE_PACKETS, e);
}

int net_make_device(const struct net_steps *s, struct net_made *made, struct lane_relay **ret_relay, struct err *e) {
        return s->kind == LANE_NETEM ? make_ifb(s, made, e) : make_tap(s, made, ret_relay, e);
}

/* The relay writes to the TAP device; what comes in there is handed up as if it had arrived on the origin. */
static int make_return(const struct net_steps *s, const struct net_made *made, const struct lane_classifier *c,
                       struct err *e) {
        struct tc_filter filter = { .ifindex = made->device_ifindex, .hook = TC_HOOK_INGRESS, .direct_action = true };
        int r;

        if (s->kind != LANE_RELAY || s->decision->hook != TC_HOOK_INGRESS)
                return 0;

        r = tc_clsact_add(s->tc, made->device_ifindex, e);
        if (r < 0)
                return r;

        (void)snprintf(filter.name, sizeof(filter.name), "%s", lane_classifier_return_name(c));
        r = tc_filter_pick(s->tc, &filter, true, e);
        return r < 0 ? r : tc_filter_add(s->tc, &filter, lane_classifier_return_fd(c), 0, e);
}

static int plan_filter(const struct net_steps *s, struct net_made *made, const struct lane_classifier *c,
                       struct err *e) {
        struct tc_filter filter = {
                .ifindex = s->origin.ifindex,
                .hook = s->decision->hook,
                .direct_action = s->kind == LANE_RELAY,
        };
        int r;

        (void)snprintf(filter.name, sizeof(filter.name), "%s%s", lane_classifier_name(c),
                       s->owns_clsact ? NET_OWNS_CLSACT : "");
        r = tc_filter_pick(s->tc, &filter, s->decision->first, e);
        if (r < 0)
                return r;

        made->filter = filter;
        return 0;
}

int net_make_classifier(const struct net_steps *s, struct net_made *made, struct lane_relay *relay, struct holds *h,
                        struct lane_classifier **ret, struct err *e) {
        struct net_classify_config config = s->decision->config;
        int r;

        config.lane_ifindex = made->device_ifindex;
        r = lane_classifier_new(s->kind, &config, s->cidrs, s->n_cidrs, ret, e);
        if (r < 0)
                return r;

        r = make_return(s, made, *ret, e);
        if (r < 0)
                return r;

        r = plan_filter(s, made, *ret, e);
        if (r < 0 || s->kind != LANE_RELAY || !h)
                return r;
        return lane_relay_start(relay, lane_classifier_beat(*ret), h, e);
}

int net_make_filter(const struct net_steps *s, const struct net_made *made, const struct lane_classifier *c,
                    struct err *e) {
        return tc_filter_add(s->tc, &made->filter, lane_classifier_fd(c),
                             s->kind == LANE_NETEM ? made->device_ifindex : 0, e);
}
