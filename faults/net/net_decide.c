#include "faults/net/net_decide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "faults/fault.h"
#include "faults/mark.h"
#include "faults/target/target.h"

const char *const net_directions[] = {
        [NET_EGRESS] = "egress",
        [NET_INGRESS] = "ingress",
        [NET_BOTH] = "both",
        NULL,
};

bool net_direction_has(enum net_direction direction, enum tc_hook hook) {
        return direction == NET_BOTH || direction == (hook == TC_HOOK_INGRESS ? NET_INGRESS : NET_EGRESS);
}

static int check_link(const struct net_decision *d, struct err *e) {
        const struct tc_link *link = &d->link;

        if (strncmp(link->name, MARK_DEVICE_PREFIX, strlen(MARK_DEVICE_PREFIX)) == 0)
                return err_set(e, -EPERM, "%s is a device of ours", link->name);
        if (!link->up)
                return err_set(e, -ENETDOWN, "interface %s is down", link->name);
        if (!link->ethernet && !link->raw_ip)
                return err_set(e, -EOPNOTSUPP, "interface %s carries neither Ethernet nor bare IP packets", link->name);
        /* What a process sends into it lacks the route that a loopback packet must have. */
        if (link->loopback && d->kind == LANE_RELAY)
                return err_set(e, -EOPNOTSUPP,
                               "the relay lane cannot serve the loopback interface: the kernel drops "
                               "loopback packets that come back from user space");
        return 0;
}

static int check_reach(const struct fault_env *env, const struct fault *f, const struct net_decision *d,
                       struct err *e) {
        const struct target_peer_spec *peer = &f->target->spec->peer;

        if (env->break_glass || !netns_is_host(d->netns_inode) || peer->cidr.n || peer->ports.n ||
            peer->protocol != TARGET_PROTOCOL_ANY || f->target->n_cgroups)
                return 0;
        return err_set(e, -EPERM,
                       "%s is an interface of the host itself: name the peers (cidr, ports or protocol), or "
                       "break the glass",
                       d->link.name);
}

/* These only queue: a packet that goes past them misses nothing. */
static bool is_plain_queue(const char *kind) {
        static const char *const plain[] = { "noqueue", "pfifo_fast", "pfifo", "bfifo", "fq", "fq_codel", "mq" };

        for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
                if (strcmp(plain[i], kind) == 0)
                        return true;
        return false;
}

struct qdiscs {
        char clsact[16]; /* "clsact", "ingress" or "" */
        char root[16];
};

static int note_qdisc(void *arg, const struct tc_qdisc *q) {
        struct qdiscs *found = arg;

        if (strcmp(q->kind, "clsact") == 0 || strcmp(q->kind, "ingress") == 0)
                (void)snprintf(found->clsact, sizeof(found->clsact), "%s", q->kind);
        else if (q->is_root && !is_plain_queue(q->kind))
                (void)snprintf(found->root, sizeof(found->root), "%s", q->kind);
        return 0;
}

static int decide_qdiscs(const struct fault_env *env, const struct fault *f, struct net_decision *d, struct err *e) {
        struct qdiscs found = { 0 };
        int r;

        r = tc_qdisc_each(d->tc, d->link.ifindex, note_qdisc, &found, e);
        if (r < 0)
                return r;
        if (strcmp(found.clsact, "ingress") == 0)
                return err_set(e, -EBUSY, "%s has an ingress qdisc where clsact must go", d->link.name);

        (void)memcpy(d->root, found.root, sizeof(d->root));
        d->add_clsact = found.clsact[0] == '\0';
        d->own_clsact = d->add_clsact || net_is_clsact_shared(env, f, d->netns_inode, d->link.ifindex);
        return 0;
}

static int count_foreign(void *arg, const struct tc_filter *filter) {
        struct net_others *others = arg;

        if (!tc_filter_is_ours(filter)) {
                others->n++;
                others->at_front = others->at_front || filter->prio == 1;
        }
        return 0;
}

/* "chx" + 10 hex digits of the uid + "e" or "i": never longer than a device name may be. */
static void name_device(const struct fault *f, enum tc_hook hook, char *ret, size_t size) {
        char digits[11] = "";
        size_t n = 0;

        for (const char *p = f->uid; *p && n < sizeof(digits) - 1; p++)
                if (*p != '-')
                        digits[n++] = *p;
        (void)snprintf(ret, size, MARK_DEVICE_PREFIX "%s%c", digits, hook == TC_HOOK_INGRESS ? 'i' : 'e');
}

/* Never 0, and different for faults that run side by side. */
static uint32_t return_mark(const struct fault *f) {
        uint32_t hash = 2166136261U; /* FNV-1a */

        for (const char *p = f->uid; *p; p++)
                hash = (hash ^ (uint8_t)*p) * 16777619U;
        return hash | 0x80000000U;
}

static int decide_lane(const struct fault_env *env, const struct fault *f, const struct net_lane_wish *wish,
                       enum tc_hook hook, struct net_decision *d, struct err *e) {
        struct net_lane_decision *lane = &d->lanes[d->n_lanes];
        int r;

        r = net_target_config(f, hook, &lane->config, e);
        if (r < 0)
                return r;

        r = tc_filter_each(d->tc, d->link.ifindex, hook, count_foreign, &d->others[hook], e);
        if (r < 0)
                return r;

        lane->hook = hook;
        /* The delay is the outermost thing that happens to a packet, and others' filters see it exactly once: behind
         * them on the way out; on the way in, in front of them when packets come back to the same place (relay), and
         * behind them when they come back past it (IFB). */
        lane->first = d->kind == LANE_RELAY && hook == TC_HOOK_INGRESS;
        lane->via_root = d->kind == LANE_RELAY && hook == TC_HOOK_EGRESS && d->root[0];
        name_device(f, hook, lane->device, sizeof(lane->device));
        lane->config.origin_ifindex = d->link.ifindex;
        lane->config.return_mark = return_mark(f);
        lane->config.check_beat = d->kind == LANE_RELAY;
        lane->config.exempt_management = !env->break_glass;
        lane->config.percent_ppm = wish->percent_ppm;
        d->n_lanes++;
        return 0;
}

static int acquire(const struct fault *f, struct net_decision *d, struct err *e) {
        struct err ignored;
        int r;

        d->netns_fd = f->target->netns_fd;
        d->kind = strcmp(f->backend, "netem") == 0 ? LANE_NETEM : LANE_RELAY;
        r = netns_inode(d->netns_fd, &d->netns_inode, e);
        if (r < 0)
                return r;

        if (netns_path(d->netns_inode, d->netns_path, sizeof(d->netns_path), &ignored) < 0)
                d->netns_path[0] = '\0';

        r = tc_open(d->netns_fd, &d->tc, e);
        if (r < 0)
                return r;
        return tc_link_get(d->tc, f->target->ifindex, &d->link, e);
}

static int decide(const struct fault_env *env, const struct fault *f, const struct net_lane_wish *wish,
                  struct net_decision *d, struct err *e) {
        int r;

        r = acquire(f, d, e);
        if (r < 0)
                return r;

        r = check_link(d, e);
        if (r < 0)
                return r;

        r = check_reach(env, f, d, e);
        if (r < 0)
                return r;

        r = net_overlap_check(env, f, d->netns_inode, wish->direction, e);
        if (r < 0)
                return r;

        r = decide_qdiscs(env, f, d, e);
        if (r < 0)
                return r;

        for (int hook = TC_HOOK_EGRESS; r >= 0 && hook <= TC_HOOK_INGRESS; hook++)
                if (net_direction_has(wish->direction, hook))
                        r = decide_lane(env, f, wish, hook, d, e);
        return r < 0 ? r : net_target_cidrs(f, &d->cidrs, &d->n_cidrs, e);
}

int net_decide(const struct fault_env *env, const struct fault *f, const struct net_lane_wish *wish,
               struct net_decision *ret, struct err *e) {
        struct net_decision d = { .netns_fd = -1 };
        int r = decide(env, f, wish, &d, e);

        if (r < 0) {
                net_decision_done(&d);
                return r;
        }
        *ret = d;
        return 0;
}

void net_decision_done(struct net_decision *d) {
        tc_free(d->tc);
        free(d->cidrs);
        d->tc = NULL;
        d->cidrs = NULL;
}
