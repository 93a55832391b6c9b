/* tc_qdisc.c — qdiscs: clsact and netem. */
#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "faults/mark.h"
#include "faults/mech/tc.h"
#include "faults/mech/tc_netlink.h"

#define NETEM_HANDLE (MARK_QDISC_MAJOR << 16)
#define NS_PER_TICK  64U /* PSCHED_SHIFT 6, since 2.6.31; only kernels before 4.17 look at ticks at all */

struct each {
        unsigned ifindex;
        int (*seen)(void *arg, const struct tc_qdisc *q);
        void *arg;
};

static int pass_qdisc(void *arg, struct nlmsghdr *h) {
        struct each *each = arg;
        struct tcmsg *t = nlmsg_data(h);
        struct nlattr *attrs[TCA_MAX + 1];
        struct tc_qdisc q;

        if (h->nlmsg_type != RTM_NEWQDISC || nlmsg_parse(h, sizeof(*t), attrs, TCA_MAX, NULL) < 0 ||
            t->tcm_ifindex != (int)each->ifindex)
                return 0;

        q = (struct tc_qdisc){ .ifindex = each->ifindex, .handle = t->tcm_handle, .parent = t->tcm_parent };
        q.is_root = t->tcm_parent == TC_H_ROOT;
        if (attrs[TCA_KIND])
                (void)nla_strlcpy(q.kind, attrs[TCA_KIND], sizeof(q.kind));
        return each->seen(each->arg, &q);
}

int tc_qdisc_each(struct tc *tc, unsigned ifindex, int (*seen)(void *arg, const struct tc_qdisc *q), void *arg,
                  struct err *e) {
        struct tcmsg t = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_GETQDISC, 0, &t, sizeof(t));
        struct each each = { .ifindex = ifindex, .seen = seen, .arg = arg };

        if (!msg)
                return tc_put_failed(1, e);
        return tc_dump(tc, msg, pass_qdisc, &each, "list qdiscs", e);
}

static int change_clsact(struct tc *tc, int type, int flags, unsigned ifindex, const char *verb, struct err *e) {
        struct tcmsg t = { .tcm_family = AF_UNSPEC,
                           .tcm_ifindex = (int)ifindex,
                           .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                           .tcm_parent = TC_H_CLSACT };
        SCOPED_MSG struct nl_msg *msg = tc_message(type, flags, &t, sizeof(t));
        char what[64];
        int r;

        r = tc_put_failed(!msg || nla_put_string(msg, TCA_KIND, "clsact") < 0, e);
        if (r < 0)
                return r;

        (void)snprintf(what, sizeof(what), "%s clsact on device %u", verb, ifindex);
        return tc_request(tc, msg, what, e);
}

int tc_clsact_add(struct tc *tc, unsigned ifindex, struct err *e) {
        return change_clsact(tc, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, "add", e);
}

int tc_clsact_del(struct tc *tc, unsigned ifindex, struct err *e) {
        int r = change_clsact(tc, RTM_DELQDISC, 0, ifindex, "delete", e);

        /* The kernel says -EINVAL when the place is empty, -ENODEV when the link is gone. */
        return r == -EINVAL || r == -ENODEV ? -ENOENT : r;
}

static uint32_t ticks(uint64_t ns) {
        return ns / NS_PER_TICK > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / NS_PER_TICK);
}

/* netem's options are a struct followed by attributes, all inside TCA_OPTIONS. */
static int put_netem(struct nl_msg *msg, const struct tc_netem *want) {
        struct tc_netem_qopt options = { .latency = ticks(want->delay_ns),
                                         .jitter = ticks(want->jitter_ns),
                                         .limit = want->limit };
        struct tc_netem_corr correlation = { .delay_corr = want->correlation };
        struct nlattr *nest = nla_nest_start(msg, TCA_OPTIONS);

        return !nest || nlmsg_append(msg, &options, sizeof(options), NLMSG_ALIGNTO) < 0 ||
               nla_put(msg, TCA_NETEM_LATENCY64, sizeof(int64_t), &want->delay_ns) < 0 ||
               nla_put(msg, TCA_NETEM_JITTER64, sizeof(int64_t), &want->jitter_ns) < 0 ||
               (want->correlation && nla_put(msg, TCA_NETEM_CORR, sizeof(correlation), &correlation) < 0) ||
               (want->table &&
                nla_put(msg, TCA_NETEM_DELAY_DIST, (int)(want->n_table * sizeof(*want->table)), want->table) < 0) ||
               nla_nest_end(msg, nest) < 0;
}

int tc_netem_compare(const struct tc_netem *want, const struct tc_netem *got, struct err *e) {
        const struct {
                const char *name;
                uint64_t want, got;
        } values[] = {
                { "delay", want->delay_ns, got->delay_ns },
                { "jitter", want->jitter_ns, got->jitter_ns },
                { "correlation", want->correlation, got->correlation },
                { "limit", want->limit, got->limit },
        };

        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                if (values[i].want != values[i].got)
                        return err_set(e, -EIO, "netem: asked for %s %llu, the kernel has %llu", values[i].name,
                                       (unsigned long long)values[i].want, (unsigned long long)values[i].got);
        return 0;
}

int tc_netem_set(struct tc *tc, unsigned ifindex, const struct tc_netem *want, struct err *e) {
        struct tcmsg t = { .tcm_family = AF_UNSPEC,
                           .tcm_ifindex = (int)ifindex,
                           .tcm_handle = NETEM_HANDLE,
                           .tcm_parent = TC_H_ROOT };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &t, sizeof(t));
        struct tc_qdisc_stats stats;
        struct tc_netem got;
        int r;

        r = tc_put_failed(!msg || nla_put_string(msg, TCA_KIND, "netem") < 0 || put_netem(msg, want), e);
        if (r < 0)
                return r;

        r = tc_request(tc, msg, "add netem", e);
        if (r < 0)
                return r;

        r = tc_netem_get(tc, ifindex, &got, &stats, e);
        return r < 0 ? r : tc_netem_compare(want, &got, e);
}

struct reading {
        unsigned ifindex;
        struct tc_netem *netem;
        struct tc_qdisc_stats *stats;
        bool found;
};

static void read_netem(struct nlattr *options, struct tc_netem *ret) {
        struct nlattr *attrs[TCA_NETEM_MAX + 1] = { 0 };
        struct tc_netem_qopt head = { 0 };
        struct tc_netem_corr correlation = { 0 };
        int size = (int)NLA_ALIGN(sizeof(head));

        (void)nla_memcpy(&head, options, sizeof(head));
        if (nla_len(options) > size)
                (void)nla_parse(attrs, TCA_NETEM_MAX, (struct nlattr *)((char *)nla_data(options) + size),
                                nla_len(options) - size, NULL);
        if (attrs[TCA_NETEM_CORR])
                (void)nla_memcpy(&correlation, attrs[TCA_NETEM_CORR], sizeof(correlation));

        *ret = (struct tc_netem){ .limit = head.limit,
                                  .correlation = correlation.delay_corr,
                                  .delay_ns = (uint64_t)head.latency * NS_PER_TICK,
                                  .jitter_ns = (uint64_t)head.jitter * NS_PER_TICK };
        if (attrs[TCA_NETEM_LATENCY64])
                ret->delay_ns = nla_get_u64(attrs[TCA_NETEM_LATENCY64]);
        if (attrs[TCA_NETEM_JITTER64])
                ret->jitter_ns = nla_get_u64(attrs[TCA_NETEM_JITTER64]);
}

static void read_stats(struct nlattr *nest, struct tc_qdisc_stats *ret) {
        struct nlattr *attrs[TCA_STATS_MAX + 1];
        struct gnet_stats_basic basic = { 0 };
        struct gnet_stats_queue queue = { 0 };

        if (!nest || nla_parse_nested(attrs, TCA_STATS_MAX, nest, NULL) < 0)
                return;

        if (attrs[TCA_STATS_BASIC])
                (void)nla_memcpy(&basic, attrs[TCA_STATS_BASIC], sizeof(basic));
        if (attrs[TCA_STATS_QUEUE])
                (void)nla_memcpy(&queue, attrs[TCA_STATS_QUEUE], sizeof(queue));
        *ret = (struct tc_qdisc_stats){ .bytes = basic.bytes,
                                        .packets = basic.packets,
                                        .drops = queue.drops,
                                        .queued = queue.qlen,
                                        .overlimits = queue.overlimits };
}

static int match_netem(void *arg, struct nlmsghdr *h) {
        struct reading *reading = arg;
        struct tcmsg *t = nlmsg_data(h);
        struct nlattr *attrs[TCA_MAX + 1];

        if (h->nlmsg_type != RTM_NEWQDISC || nlmsg_parse(h, sizeof(*t), attrs, TCA_MAX, NULL) < 0 ||
            t->tcm_ifindex != (int)reading->ifindex || t->tcm_parent != TC_H_ROOT || !attrs[TCA_KIND] ||
            strcmp(nla_get_string(attrs[TCA_KIND]), "netem") != 0 || !attrs[TCA_OPTIONS])
                return 0;

        read_netem(attrs[TCA_OPTIONS], reading->netem);
        *reading->stats = (struct tc_qdisc_stats){ 0 };
        read_stats(attrs[TCA_STATS2], reading->stats);
        reading->found = true;
        return 0;
}

int tc_netem_get(struct tc *tc, unsigned ifindex, struct tc_netem *ret, struct tc_qdisc_stats *ret_stats,
                 struct err *e) {
        struct tcmsg t = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_GETQDISC, 0, &t, sizeof(t));
        struct reading reading = { .ifindex = ifindex, .netem = ret, .stats = ret_stats };
        int r;

        if (!msg)
                return tc_put_failed(1, e);

        r = tc_dump(tc, msg, match_netem, &reading, "read netem back", e);
        if (r < 0)
                return r;
        return reading.found ? 0 : err_set(e, -ENOENT, "no netem on device %u", ifindex);
}
