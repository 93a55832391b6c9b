/* tc_link.c — links: find, add, start, delete. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "faults/mech/tc.h"
#include "faults/mech/tc_netlink.h"

static bool is_raw_ip(unsigned short type) {
        return type == ARPHRD_NONE || type == ARPHRD_TUNNEL || type == ARPHRD_TUNNEL6 || type == ARPHRD_SIT ||
               type == ARPHRD_RAWIP;
}

static int read_link(struct nlmsghdr *h, struct tc_link *ret) {
        struct ifinfomsg *info = nlmsg_data(h);
        struct nlattr *attrs[IFLA_MAX + 1];
        struct rtnl_link_stats64 stats;

        if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
                return 0;

        *ret = (struct tc_link){
                .ifindex = (unsigned)info->ifi_index,
                .up = info->ifi_flags & IFF_UP,
                .loopback = info->ifi_flags & IFF_LOOPBACK,
                .ethernet = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK,
                .raw_ip = is_raw_ip(info->ifi_type),
                .mtu = attrs[IFLA_MTU] ? nla_get_u32(attrs[IFLA_MTU]) : 0,
        };
        if (attrs[IFLA_IFNAME])
                (void)nla_strlcpy(ret->name, attrs[IFLA_IFNAME], sizeof(ret->name));
        if (attrs[IFLA_STATS64] && (size_t)nla_len(attrs[IFLA_STATS64]) >= sizeof(uint64_t) * 8) {
                (void)memset(&stats, 0, sizeof(stats));
                (void)nla_memcpy(&stats, attrs[IFLA_STATS64], sizeof(stats));
                ret->rx_packets = stats.rx_packets;
                ret->tx_packets = stats.tx_packets;
                ret->tx_dropped = stats.tx_dropped;
        }
        return 1;
}

struct each {
        int (*seen)(void *arg, const struct tc_link *link);
        void *arg;
};

static int pass_link(void *arg, struct nlmsghdr *h) {
        struct each *each = arg;
        struct tc_link link;

        return read_link(h, &link) ? each->seen(each->arg, &link) : 0;
}

int tc_link_each(struct tc *tc, int (*seen)(void *arg, const struct tc_link *link), void *arg, struct err *e) {
        struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_GETLINK, 0, &info, sizeof(info));
        struct each each = { .seen = seen, .arg = arg };

        if (!msg)
                return tc_put_failed(1, e);
        return tc_dump(tc, msg, pass_link, &each, "list network devices", e);
}

struct wanted {
        unsigned ifindex;
        const char *name;
        struct tc_link *ret;
        bool found;
};

static int match_link(void *arg, const struct tc_link *link) {
        struct wanted *w = arg;

        if (w->name ? strcmp(w->name, link->name) == 0 : w->ifindex == link->ifindex) {
                *w->ret = *link;
                w->found = true;
        }
        return 0;
}

int tc_link_get(struct tc *tc, unsigned ifindex, struct tc_link *ret, struct err *e) {
        struct wanted w = { .ifindex = ifindex, .ret = ret };
        int r = tc_link_each(tc, match_link, &w, e);

        if (r < 0)
                return r;
        return w.found ? 0 : err_set(e, -ENODEV, "no network device has index %u", ifindex);
}

int tc_link_find(struct tc *tc, const char *name, struct tc_link *ret, struct err *e) {
        struct wanted w = { .name = name, .ret = ret };
        int r = tc_link_each(tc, match_link, &w, e);

        if (r < 0)
                return r;
        return w.found ? 0 : err_set(e, -ENODEV, "no network device is named %s", name);
}

int tc_link_add_ifb(struct tc *tc, const char *name, struct err *e) {
        struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
        struct nlattr *nest;
        char what[64];
        int failed, r;

        if (!msg)
                return tc_put_failed(1, e);

        failed = nla_put_string(msg, IFLA_IFNAME, name) < 0 || nla_put_u32(msg, IFLA_NUM_TX_QUEUES, 1) < 0 ||
                 nla_put_u32(msg, IFLA_NUM_RX_QUEUES, 1) < 0 || !(nest = nla_nest_start(msg, IFLA_LINKINFO)) ||
                 nla_put_string(msg, IFLA_INFO_KIND, "ifb") < 0 || nla_nest_end(msg, nest) < 0;
        r = tc_put_failed(failed, e);
        if (r < 0)
                return r;

        (void)snprintf(what, sizeof(what), "add IFB device %s", name);
        return tc_request(tc, msg, what, e);
}

/* A device of ours must not talk by itself: no link-local address, so no neighbour discovery and no MLD. */
static int silence(struct tc *tc, unsigned ifindex, struct err *e) {
        struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_NEWLINK, 0, &info, sizeof(info));
        struct nlattr *spec = NULL, *inet6 = NULL;
        int failed, r;

        if (!msg)
                return tc_put_failed(1, e);

        failed = !(spec = nla_nest_start(msg, IFLA_AF_SPEC)) || !(inet6 = nla_nest_start(msg, AF_INET6)) ||
                 nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0 ||
                 nla_nest_end(msg, inet6) < 0 || nla_nest_end(msg, spec) < 0;
        r = tc_put_failed(failed, e);
        if (r < 0)
                return r;

        r = tc_request(tc, msg, "turn IPv6 addresses off on a device", e);
        return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r; /* a kernel without IPv6 */
}

int tc_link_start(struct tc *tc, unsigned ifindex, unsigned mtu, unsigned queue, struct err *e) {
        struct ifinfomsg info = { .ifi_family = AF_UNSPEC,
                                  .ifi_index = (int)ifindex,
                                  .ifi_flags = IFF_UP | IFF_NOARP,
                                  .ifi_change = IFF_UP | IFF_NOARP };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_NEWLINK, 0, &info, sizeof(info));
        char what[64];
        int r;

        r = silence(tc, ifindex, e);
        if (r < 0)
                return r;

        r = tc_put_failed(
                !msg || (mtu && nla_put_u32(msg, IFLA_MTU, mtu) < 0) || nla_put_u32(msg, IFLA_TXQLEN, queue) < 0, e);
        if (r < 0)
                return r;

        (void)snprintf(what, sizeof(what), "start device %u", ifindex);
        return tc_request(tc, msg, what, e);
}

int tc_link_del(struct tc *tc, unsigned ifindex, struct err *e) {
        struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
        SCOPED_MSG struct nl_msg *msg = tc_message(RTM_DELLINK, 0, &info, sizeof(info));
        char what[64];

        if (!msg)
                return tc_put_failed(1, e);

        (void)snprintf(what, sizeof(what), "delete device %u", ifindex);
        return tc_request(tc, msg, what, e);
}
