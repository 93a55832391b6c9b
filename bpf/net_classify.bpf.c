// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* net_classify — picks the packets that a network fault applies to and steers them into its lane.
 * It compares the clock with the fault's deadline itself: past it every packet passes, even if nobody is
 * left to remove the filter. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/net_classify.h"

#define MAX_EXTENSION_HEADERS 6
#define IP_OFFSET_MASK        0x1fff

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct net_classify_config config;
struct net_classify_live live;

struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, NET_CLASSIFY_MAX_CIDRS);
        __type(key, struct net_classify_cidr);
        __type(value, __u8);
} chaos_cidrs SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct net_classify_counters);
} chaos_counters SEC(".maps");

struct flow {
        __u8 peer[16]; /* IPv4 mapped */
        __u16 source, dest;
        __u8 protocol;
        bool first_fragment;
};

static __always_inline bool is_extension(__u8 header) {
        return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_DSTOPTS ||
               header == IPPROTO_FRAGMENT || header == IPPROTO_AH;
}

static __always_inline int load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size) {
        return bpf_skb_load_bytes_relative(skb, offset, to, size, BPF_HDR_START_NET);
}

/* Both return the offset of the transport header, or 0 for what is not a whole packet of that family. */
static __always_inline __u32 parse_ipv4(struct __sk_buff *skb, struct flow *f) {
        struct iphdr ip;

        if (load(skb, 0, &ip, sizeof(ip)) < 0 || ip.ihl < 5)
                return 0;

        f->peer[10] = f->peer[11] = 0xff;
        __builtin_memcpy(&f->peer[12], config.ingress ? &ip.saddr : &ip.daddr, 4);
        f->protocol = ip.protocol;
        f->first_fragment = !(ip.frag_off & bpf_htons(IP_OFFSET_MASK));
        return ip.ihl * 4;
}

static __always_inline __u32 parse_ipv6(struct __sk_buff *skb, struct flow *f) {
        struct ipv6hdr ip;
        __u32 offset = sizeof(ip);
        __u8 header;

        if (load(skb, 0, &ip, sizeof(ip)) < 0)
                return 0;

        __builtin_memcpy(f->peer, config.ingress ? &ip.saddr : &ip.daddr, 16);
        f->first_fragment = true;
        header = ip.nexthdr;
        for (int i = 0; i < MAX_EXTENSION_HEADERS && is_extension(header); i++) {
                __u8 ext[4];

                if (load(skb, offset, ext, sizeof(ext)) < 0)
                        return 0;

                if (header == IPPROTO_FRAGMENT) {
                        f->first_fragment = !((ext[2] << 8 | ext[3]) & 0xfff8);
                        offset += 8;
                } else {
                        /* AH counts in words of 4 bytes less 2, the others in words of 8 less 1. */
                        offset += header == IPPROTO_AH ? (ext[1] + 2) * 4 : (ext[1] + 1) * 8;
                }
                header = ext[0];
                if (!f->first_fragment)
                        break;
        }
        f->protocol = header;
        return offset;
}

/* Neighbour discovery is to IPv6 what ARP is to IPv4: a fault that delays it breaks more than was asked for. */
static __always_inline bool is_neighbour_discovery(struct __sk_buff *skb, const struct flow *f, __u32 offset) {
        __u8 type;

        return f->protocol == IPPROTO_ICMPV6 && f->first_fragment && load(skb, offset, &type, 1) == 0 && type >= 133 &&
               type <= 137;
}

static __always_inline bool parse(struct __sk_buff *skb, struct flow *f) {
        __u32 offset = 0;
        __be16 ports[2];

        if (skb->protocol == bpf_htons(ETH_P_IP))
                offset = parse_ipv4(skb, f);
        else if (skb->protocol == bpf_htons(ETH_P_IPV6))
                offset = parse_ipv6(skb, f);
        if (!offset || is_neighbour_discovery(skb, f, offset))
                return false;

        if (f->first_fragment && (f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP) &&
            load(skb, offset, ports, sizeof(ports)) == 0) {
                f->source = bpf_ntohs(ports[0]);
                f->dest = bpf_ntohs(ports[1]);
        }
        return true;
}

static __always_inline bool is_protocol_wanted(const struct flow *f) {
        return !config.protocol || f->protocol == config.protocol ||
               (config.protocol == IPPROTO_ICMP && f->protocol == IPPROTO_ICMPV6);
}

static __always_inline bool is_peer_wanted(const struct flow *f) {
        struct net_classify_cidr key = { .prefix = 128 };

        if (!config.has_cidrs)
                return true;

        __builtin_memcpy(key.address, f->peer, sizeof(key.address));
        return bpf_map_lookup_elem(&chaos_cidrs, &key);
}

static __always_inline bool is_port_wanted(const struct flow *f) {
        __u16 port = config.ingress ? f->source : f->dest;

        if (!config.n_ports)
                return true;
        if (!port)
                return false;

        for (__u32 i = 0; i < NET_CLASSIFY_MAX_PORTS; i++)
                if (i < config.n_ports && port >= config.ports[i].first && port <= config.ports[i].last)
                        return true;
        return false;
}

static __always_inline bool is_cgroup_wanted(struct __sk_buff *skb) {
        if (!config.n_cgroups)
                return true;

        for (__u32 i = 0; i < NET_CLASSIFY_MAX_CGROUPS; i++)
                if (i < config.n_cgroups &&
                    bpf_skb_ancestor_cgroup_id(skb, config.cgroups[i].level) == config.cgroups[i].id)
                        return true;
        return false;
}

static __always_inline bool is_management_port(__u16 port) {
        return port == 22 || port == 6443 || port == 10250;
}

static __always_inline bool is_management(const struct flow *f) {
        return config.exempt_management && f->protocol == IPPROTO_TCP &&
               (is_management_port(f->source) || is_management_port(f->dest));
}

static __always_inline struct net_classify_counters *counters(void) {
        __u32 zero = 0;

        return bpf_map_lookup_elem(&chaos_counters, &zero);
}

static __always_inline bool is_wanted(struct __sk_buff *skb, struct net_classify_counters *c) {
        struct flow f = { 0 };
        __u64 now;

        c->seen++;
        if (!parse(skb, &f) || !is_protocol_wanted(&f) || !is_peer_wanted(&f) || !is_port_wanted(&f) ||
            !is_cgroup_wanted(skb))
                return false;

        if (is_management(&f)) {
                c->exempt++;
                return false;
        }
        now = bpf_ktime_get_boot_ns();
        if (now >= live.deadline_ns) {
                c->expired++;
                return false;
        }
        /* The beat may be written between our reading the clock and reading it. */
        if (config.check_beat && live.beat_ns < now && now - live.beat_ns > NET_CLASSIFY_BEAT_STALE_NS) {
                c->relay_dead++;
                return false;
        }
        if (config.percent_ppm < 1000000 && bpf_get_prandom_u32() % 1000000 >= config.percent_ppm)
                return false;

        c->packets += skb->gso_segs > 1 ? skb->gso_segs : 1;
        c->bytes += skb->len;
        return true;
}

/* netem lane: a plain classifier, 0 = no match, -1 = match; the filter's action redirects to the IFB device. */
SEC("tc")
int chaos_steer_ifb(struct __sk_buff *skb) {
        struct net_classify_counters *c = counters();

        return c && is_wanted(skb, c) ? -1 : 0;
}

/* relay lane: direct action. */
SEC("tc")
int chaos_steer_tap(struct __sk_buff *skb) {
        struct net_classify_counters *c = counters();

        if (!c)
                return TC_ACT_UNSPEC;

        if (skb->mark == config.return_mark) {
                skb->mark = 0;
                c->returned++;
                return TC_ACT_UNSPEC;
        }
        return is_wanted(skb, c) ? bpf_redirect(config.lane_ifindex, 0) : TC_ACT_UNSPEC;
}

/* relay lane, ingress: on the lane's device, hands what the relay wrote to the interface it once arrived on. */
SEC("tc")
int chaos_return(struct __sk_buff *skb) {
        skb->mark = config.return_mark;
        return bpf_redirect(config.origin_ifindex, BPF_F_INGRESS);
}
