/* net_classify.h — what the packet classifier and user space share: its configuration, its clock, its counters. */
#pragma once

#include <linux/types.h>

#define NET_CLASSIFY_MAX_CIDRS   256
#define NET_CLASSIFY_MAX_PORTS   16
#define NET_CLASSIFY_MAX_CGROUPS 8

/* Past this silence of the relay its packets pass undelayed. */
#define NET_CLASSIFY_BEAT_STALE_NS 200000000ULL

/* Key of the prefix trie; IPv4 as ::ffff:a.b.c.d, so the prefix length is 96 + n. */
struct net_classify_cidr {
        __u32 prefix;
        __u8 address[16]; /* network byte order */
};

struct net_classify_ports {
        __u16 first, last; /* host byte order */
};

struct net_classify_cgroup {
        __u64 id;
        __u32 level; /* depth below the root of the hierarchy */
        __u32 unused;
};

/* Fixed when the program is loaded. */
struct net_classify_config {
        __u32 ingress;           /* the peer is the source, not the destination */
        __u32 lane_ifindex;      /* relay lane: the TAP (or TUN) device that packets are redirected to */
        __u32 origin_ifindex;    /* the interface under test */
        __u32 return_mark;       /* relay lane: marks packets that were delayed already; never 0 */
        __u32 check_beat;        /* relay lane: let packets pass when the relay is dead */
        __u32 exempt_management; /* never touch SSH, API server and kubelet */
        __u32 protocol;          /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (both families), 0 = any */
        __u32 percent_ppm;       /* share of the matching packets, 1 … 1000000 */
        __u32 has_cidrs;
        __u32 n_ports;
        __u32 n_cgroups;
        __u32 unused;
        struct net_classify_ports ports[NET_CLASSIFY_MAX_PORTS];
        struct net_classify_cgroup cgroups[NET_CLASSIFY_MAX_CGROUPS];
};

/* Written by user space through a mapping while the program runs. */
struct net_classify_live {
        __u64 deadline_ns; /* CLOCK_BOOTTIME: packets pass from then on, whoever is still alive */
        __u64 beat_ns;     /* CLOCK_BOOTTIME: the relay's last sign of life */
};

/* One per CPU. */
struct net_classify_counters {
        __u64 seen;    /* packets of the interface in this direction */
        __u64 packets; /* steered into the lane; each segment of a GSO packet counts */
        __u64 bytes;
        __u64 expired;    /* matched, but the deadline had passed */
        __u64 relay_dead; /* matched, but the relay was silent */
        __u64 exempt;     /* matched, but on the management path */
        __u64 returned;   /* relay lane: came back from the lane */
};
