/* tc.h — traffic control over netlink: links, clsact, cls_bpf filters, netem. What is set is read back and compared;
 * errors carry the kernel's own words (extack). One handle speaks for one network namespace. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/scoped.h"

struct err;
struct tc;

enum tc_hook { TC_HOOK_EGRESS, TC_HOOK_INGRESS };
const char *tc_hook_name(enum tc_hook hook); /* "egress", "ingress" */

/* netns_fd -1: the caller's own. The handle stays in that namespace and needs no descriptor of it. */
int tc_open(int netns_fd, struct tc **ret, struct err *e);
void tc_free(struct tc *tc);
DEFINE_SCOPED(struct tc, tc_free)

/* --- links --- */
struct tc_link {
        unsigned ifindex;
        char name[16];
        bool up;
        bool loopback;
        bool ethernet; /* packets carry an Ethernet header (also on loopback) */
        bool raw_ip;   /* packets begin with the IP header: tun, ipip, wireguard … */
        unsigned mtu;
        uint64_t rx_packets, tx_packets, tx_dropped; /* read only */
};

/* Both: -ENODEV when there is no such link. */
int tc_link_get(struct tc *tc, unsigned ifindex, struct tc_link *ret, struct err *e);
int tc_link_find(struct tc *tc, const char *name, struct tc_link *ret, struct err *e);
int tc_link_each(struct tc *tc, int (*seen)(void *arg, const struct tc_link *link), void *arg, struct err *e);

/* -EEXIST when the name is taken, -EOPNOTSUPP without the driver. */
int tc_link_add_ifb(struct tc *tc, const char *name, struct err *e);
/* No addresses of its own, room for `queue` packets, this MTU (0 = leave it), up. */
int tc_link_start(struct tc *tc, unsigned ifindex, unsigned mtu, unsigned queue, struct err *e);
/* -ENODEV when it is gone. */
int tc_link_del(struct tc *tc, unsigned ifindex, struct err *e);

/* --- qdiscs --- */
struct tc_qdisc {
        unsigned ifindex;
        uint32_t handle, parent;
        char kind[16];
        bool is_root;
};
int tc_qdisc_each(struct tc *tc, unsigned ifindex, int (*seen)(void *arg, const struct tc_qdisc *q), void *arg,
                  struct err *e);

/* -EEXIST when there is one, or an ingress qdisc in its place. */
int tc_clsact_add(struct tc *tc, unsigned ifindex, struct err *e);
/* -ENOENT when there is none. */
int tc_clsact_del(struct tc *tc, unsigned ifindex, struct err *e);

struct tc_netem {
        uint64_t delay_ns, jitter_ns;
        uint32_t correlation; /* share of 2^32 */
        uint32_t limit;       /* packets */
        const int16_t *table; /* of the distribution, NULL = uniform */
        size_t n_table;
};

struct tc_qdisc_stats {
        uint64_t bytes;
        uint64_t packets;
        uint32_t drops, queued, overlimits;
};

/* tc_netem_set — make netem (handle MARK_QDISC_MAJOR:) the root of a device of ours, then read it back: -EIO when the
 * kernel kept other values than asked. -ENOENT "Specified qdisc not found" on a kernel without sch_netem. */
int tc_netem_set(struct tc *tc, unsigned ifindex, const struct tc_netem *want, struct err *e);
/* The table cannot be read back: the kernel does not tell it. */
int tc_netem_get(struct tc *tc, unsigned ifindex, struct tc_netem *ret, struct tc_qdisc_stats *ret_stats,
                 struct err *e);

/* Every attribute that can be read back: 0 the same, -EIO naming the first that differs. Pure. */
int tc_netem_compare(const struct tc_netem *want, const struct tc_netem *got, struct err *e);

/* --- filters --- */
struct tc_filter {
        unsigned ifindex;
        enum tc_hook hook;
        uint16_t prio; /* smaller runs first */
        uint32_t handle;
        char kind[16]; /* "bpf" … */
        char name[32]; /* of the program, or "" */
        uint32_t prog_id;
        bool direct_action;
};
int tc_filter_each(struct tc *tc, unsigned ifindex, enum tc_hook hook,
                   int (*seen)(void *arg, const struct tc_filter *f), void *arg, struct err *e);

/* tc_filter_pick — a free place: prio in front of all others (first) or behind them (last), or a free number nearest
 * to that, and a free handle with our mark. Fills prio and handle of *f from ifindex and hook. */
int tc_filter_pick(struct tc *tc, struct tc_filter *f, bool first, struct err *e);

/* tc_filter_add — attach a program. direct_action: its result is the verdict; otherwise a match redirects the packet to
 * redirect_ifindex (mirred, egress), or accepts it when that is 0. -EEXIST when prio and handle are taken. */
int tc_filter_add(struct tc *tc, const struct tc_filter *f, int prog_fd, unsigned redirect_ifindex, struct err *e);
/* -ENOENT when it (or its qdisc, or its link) is gone; -EEXIST when what sits there is not ours: it is left alone. */
int tc_filter_del(struct tc *tc, const struct tc_filter *f, struct err *e);
/* 1 it is there and ours, 0 it is not. */
int tc_filter_is_there(struct tc *tc, const struct tc_filter *f, struct err *e);
/* Marked by handle and name (faults/mark.h). */
bool tc_filter_is_ours(const struct tc_filter *f);
