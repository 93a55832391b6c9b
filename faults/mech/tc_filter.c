/* tc_filter.c — cls_bpf filters on clsact: find a place, add, delete, list. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "faults/mark.h"
#include "faults/mech/tc.h"
#include "faults/mech/tc_netlink.h"

/* Above what the kernel gives out by itself (0xC000 and below). */
#define PRIO_LAST 0xF000U

static const uint32_t parents[] = {
        [TC_HOOK_EGRESS] = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
        [TC_HOOK_INGRESS] = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
};

const char *tc_hook_name(enum tc_hook hook) {
        return hook == TC_HOOK_INGRESS ? "ingress" : "egress";
}

bool tc_filter_is_ours(const struct tc_filter *f) {
        return (f->handle & MARK_FILTER_MASK) == MARK_FILTER_HANDLE && strcmp(f->kind, "bpf") == 0 &&
               strncmp(f->name, MARK_NAME_PREFIX, strlen(MARK_NAME_PREFIX)) == 0;
}

struct each {
        unsigned ifindex;
        enum tc_hook hook;
        int (*seen)(void *arg, const struct tc_filter *f);
        void *arg;
};

static int pass_filter(void *arg, struct nlmsghdr *h) {
        struct each *each = arg;
        struct tcmsg *t = nlmsg_data(h);
        struct nlattr *attrs[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1] = { 0 };
        struct tc_filter f;

        if (h->nlmsg_type != RTM_NEWTFILTER || nlmsg_parse(h, sizeof(*t), attrs, TCA_MAX, NULL) < 0 ||
            t->tcm_ifindex != (int)each->ifindex || !attrs[TCA_KIND])
                return 0;

        f = (struct tc_filter){ .ifindex = each->ifindex,
                                .hook = each->hook,
                                .prio = (uint16_t)(t->tcm_info >> 16),
                                .handle = t->tcm_handle };
        (void)nla_strlcpy(f.kind, attrs[TCA_KIND], sizeof(f.kind));
        if (strcmp(f.kind, "bpf") == 0 && attrs[TCA_OPTIONS])
                (void)nla_parse_nested(bpf, TCA_BPF_MAX, attrs[TCA_OPTIONS], NULL);
        if (bpf[TCA_BPF_NAME])
                (void)nla_strlcpy(f.name, bpf[TCA_BPF_NAME], sizeof(f.name));
        if (bpf[TCA_BPF_ID])
                f.prog_id = nla_get_u32(bpf[TCA_BPF_ID]);
        if (bpf[TCA_BPF_FLAGS])
                f.direct_action = nla_get_u32(bpf[TCA_BPF_FLAGS]) & TCA_BPF_FLAG_ACT_DIRECT;
        return each->seen(each->arg, &f);
}

int tc_filter_each(struct tc *tc, unsigned ifindex, enum tc_hook hook,
                   int (*seen)(void *arg, const struct tc_filter *f), void *arg, struct err *e) {
        struct tcmsg t = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parents[hook] };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_GETTFILTER, 0, &t, sizeof(t));
        struct each each = { .ifindex = ifindex, .hook = hook, .seen = seen, .arg = arg };
        int r;

        if (!msg)
                return tc_put_failed(1, e);

        r = tc_dump(tc, msg, pass_filter, &each, "list filters", e);
        /* No qdisc for the filters to sit on: there are none. */
        return r == -EINVAL || r == -ENODEV || r == -ENOENT ? 0 : r;
}

struct taken {
        uint8_t prios[0x10000 / 8];
        uint8_t handles[(~MARK_FILTER_MASK + 1) / 8];
        unsigned lowest, highest;
};

static int note_taken(void *arg, const struct tc_filter *f) {
        struct taken *t = arg;
        uint32_t slot = f->handle & ~MARK_FILTER_MASK;

        t->prios[f->prio / 8] |= (uint8_t)(1U << f->prio % 8);
        if ((f->handle & MARK_FILTER_MASK) == MARK_FILTER_HANDLE)
                t->handles[slot / 8] |= (uint8_t)(1U << slot % 8);
        if (f->prio && f->prio < t->lowest)
                t->lowest = f->prio;
        if (f->prio > t->highest)
                t->highest = f->prio;
        return 0;
}

static bool is_taken(const uint8_t *bits, unsigned n) {
        return bits[n / 8] >> n % 8 & 1;
}

/* A number of its own for each filter: two kinds of classifier cannot share one. 0 = none free. */
static unsigned pick_prio(const struct taken *t, bool first) {
        unsigned prio;

        if (first) {
                if (t->lowest > 1)
                        return t->lowest > 0xF000 ? 0x100 : t->lowest - 1;
                for (prio = 1; prio < 0x10000 && is_taken(t->prios, prio); prio++)
                        ;
                return prio & 0xFFFF;
        }
        if (t->highest < 0xFFFF)
                return t->highest < PRIO_LAST ? PRIO_LAST : t->highest + 1;
        for (prio = 0xFFFF; prio && is_taken(t->prios, prio); prio--)
                ;
        return prio;
}

int tc_filter_pick(struct tc *tc, struct tc_filter *f, bool first, struct err *e) {
        struct taken taken = { .lowest = 0x10000 };
        unsigned slot = 1, prio;
        int r;

        r = tc_filter_each(tc, f->ifindex, f->hook, note_taken, &taken, e);
        if (r < 0)
                return r;

        while (slot <= ~MARK_FILTER_MASK && is_taken(taken.handles, slot))
                slot++;
        prio = pick_prio(&taken, first);
        if (slot > ~MARK_FILTER_MASK || prio == 0)
                return err_set(e, -ENOSPC, "no filter number is free on %s of device %u", tc_hook_name(f->hook),
                               f->ifindex);

        f->prio = (uint16_t)prio;
        f->handle = MARK_FILTER_HANDLE | slot;
        return 0;
}

static struct tcmsg filter_header(const struct tc_filter *f) {
        return (struct tcmsg){ .tcm_family = AF_UNSPEC,
                               .tcm_ifindex = (int)f->ifindex,
                               .tcm_parent = parents[f->hook],
                               .tcm_handle = f->handle,
                               .tcm_info = TC_H_MAKE((uint32_t)f->prio << 16, htons(ETH_P_ALL)) };
}

static int put_mirred(struct nl_msg *msg, unsigned ifindex) {
        struct tc_mirred mirred = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = ifindex };
        struct nlattr *actions, *one, *options;

        return !(actions = nla_nest_start(msg, TCA_BPF_ACT)) || !(one = nla_nest_start(msg, 1)) ||
               nla_put_string(msg, TCA_ACT_KIND, "mirred") < 0 || !(options = nla_nest_start(msg, TCA_ACT_OPTIONS)) ||
               nla_put(msg, TCA_MIRRED_PARMS, sizeof(mirred), &mirred) < 0 || nla_nest_end(msg, options) < 0 ||
               nla_nest_end(msg, one) < 0 || nla_nest_end(msg, actions) < 0;
}

static int put_bpf(struct nl_msg *msg, const struct tc_filter *f, int prog_fd, unsigned redirect_ifindex) {
        struct nlattr *nest;

        return nla_put_string(msg, TCA_KIND, "bpf") < 0 || !(nest = nla_nest_start(msg, TCA_OPTIONS)) ||
               nla_put_u32(msg, TCA_BPF_FD, (uint32_t)prog_fd) < 0 || nla_put_string(msg, TCA_BPF_NAME, f->name) < 0 ||
               (f->direct_action && nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) < 0) ||
               (redirect_ifindex && put_mirred(msg, redirect_ifindex)) || nla_nest_end(msg, nest) < 0;
}

int tc_filter_add(struct tc *tc, const struct tc_filter *f, int prog_fd, unsigned redirect_ifindex, struct err *e) {
        struct tcmsg t = filter_header(f);
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
        char what[96];
        int r;

        r = tc_put_failed(!msg || put_bpf(msg, f, prog_fd, redirect_ifindex), e);
        if (r < 0)
                return r;

        (void)snprintf(what, sizeof(what), "add filter %s to %s of device %u", f->name, tc_hook_name(f->hook),
                       f->ifindex);
        return tc_request(tc, msg, what, e);
}

struct wanted {
        const struct tc_filter *want;
        bool there, ours;
};

static int match_filter(void *arg, const struct tc_filter *f) {
        struct wanted *w = arg;

        if (f->prio == w->want->prio && f->handle == w->want->handle) {
                w->there = true;
                w->ours = tc_filter_is_ours(f);
        }
        return 0;
}

int tc_filter_is_there(struct tc *tc, const struct tc_filter *f, struct err *e) {
        struct wanted w = { .want = f };
        int r = tc_filter_each(tc, f->ifindex, f->hook, match_filter, &w, e);

        return r < 0 ? r : w.there && w.ours;
}

int tc_filter_del(struct tc *tc, const struct tc_filter *f, struct err *e) {
        struct tcmsg t = filter_header(f);
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_DELTFILTER, 0, &t, sizeof(t));
        struct wanted w = { .want = f };
        int r;

        r = tc_filter_each(tc, f->ifindex, f->hook, match_filter, &w, e);
        if (r < 0)
                return r;
        if (!w.there)
                return err_set(e, -ENOENT, "no such filter on device %u", f->ifindex);
        if (!w.ours)
                return err_set(e, -EEXIST, "the filter at prio %u of device %u is not ours", f->prio, f->ifindex);

        r = tc_put_failed(!msg || nla_put_string(msg, TCA_KIND, "bpf") < 0, e);
        if (r < 0)
                return r;
        return tc_request(tc, msg, "delete filter", e);
}
