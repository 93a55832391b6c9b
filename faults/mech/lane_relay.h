/* lane_relay.h — the lane for kernels without netem: a TAP device of ours, and a child process that reads the packets
 * steered into it, keeps them in a timer queue and sends them on. GSO packets pass whole, checksums stay offloaded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/scoped.h"
#include "faults/mech/lane_delay.h"

struct err;
struct holds;
struct lane_relay;

struct lane_relay_spec {
        int netns_fd;     /* -1: the caller's own */
        const char *name; /* of the TAP device; must not exist yet */
        unsigned origin_ifindex;
        bool ingress;       /* what was delayed goes back up through the TAP device instead of out of the origin */
        uint32_t root_mark; /* egress: send through the origin's root qdisc, marked so; 0 = straight to the device */
        bool raw_ip;        /* the origin's packets carry no Ethernet header: a TUN device then */
        struct lane_delay delay;
        uint32_t limit; /* packets waiting; more are dropped */
        uint64_t seed;
};

/* Counted by the child, read by anyone. */
struct lane_relay_counters {
        uint64_t received, sent, dropped, failed; /* dropped: over the limit; failed: the send was refused */
        uint64_t queued;
        uint64_t late_max_us; /* worst difference between due and sent */
};

/* lane_relay_open — make the device and the sockets, start nothing. The device vanishes with its last descriptor. */
int lane_relay_open(const struct lane_relay_spec *spec, struct lane_relay **ret, struct err *e);

/* Kills and reaps nothing: the child belongs to the holds given to lane_relay_start(). */
void lane_relay_free(struct lane_relay *r);
DEFINE_SCOPED(struct lane_relay, lane_relay_free)

/* lane_relay_start — fork the child and wait until it beats; from then on only the child holds the device. */
int lane_relay_start(struct lane_relay *r, volatile uint64_t *beat_ns, struct holds *h, struct err *e);
bool lane_relay_is_alive(const struct lane_relay *r);
struct lane_relay_counters lane_relay_counters(const struct lane_relay *r);
