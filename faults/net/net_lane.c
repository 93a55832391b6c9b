/* net_lane.c — do and look: lanes of one fault, from decision to packets. */
#include "faults/net/net_lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/mech/lane_relay.h"
#include "faults/net/net_apply.h"
#include "faults/net/net_decide.h"
#include "faults/net/net_records.h"
#include "faults/target/target.h"

/* What inject made; owned by the fault's holds. */
struct net_lane {
        struct net_made made;
        struct lane_classifier *classifier;
        struct lane_relay *relay; /* relay lane only */
};

struct net_lanes {
        enum lane_kind kind;
        struct tc *tc;
        struct net_lane lanes[NET_MAX_LANES];
        unsigned n;
};

static void lanes_free(void *thing) {
        struct net_lanes *s = thing;

        for (unsigned i = 0; i < NET_MAX_LANES; i++) {
                lane_classifier_free(s->lanes[i].classifier);
                lane_relay_free(s->lanes[i].relay);
        }
        tc_free(s->tc);
        free(s);
}

static struct net_record record_for(const struct net_decision *d, enum net_record_type type) {
        struct net_record record = { .type = type, .netns_inode = d->netns_inode, .ifindex = d->link.ifindex };

        (void)snprintf(record.ifname, sizeof(record.ifname), "%s", d->link.name);
        (void)snprintf(record.netns_path, sizeof(record.netns_path), "%s", d->netns_path);
        return record;
}

static int add_clsact(struct fault *f, const struct net_decision *d, struct err *e) {
        struct net_record record = record_for(d, NET_RECORD_CLSACT);
        int r;

        if (!d->own_clsact)
                return 0;

        r = net_record_push(f->undo, &record, e);
        if (r < 0)
                return r;
        return d->add_clsact ? tc_clsact_add(d->tc, d->link.ifindex, e) : 0;
}

static int push_device(struct fault *f, const struct net_decision *d, const struct net_lane_decision *lane,
                       struct err *e) {
        struct net_record record = record_for(d, NET_RECORD_LINK);

        (void)snprintf(record.ifname, sizeof(record.ifname), "%s", lane->device);
        record.ifindex = 0; /* not known before it exists */
        return net_record_push(f->undo, &record, e);
}

static int push_filter(struct fault *f, const struct net_decision *d, const struct tc_filter *filter, struct err *e) {
        struct net_record record = record_for(d, NET_RECORD_FILTER);

        record.filter = *filter;
        return net_record_push(f->undo, &record, e);
}

static int build_lane(struct fault *f, const struct net_decision *d, const struct net_lane_decision *decision,
                      const struct net_lane_wish *wish, struct net_lane *lane, struct err *e) {
        struct net_steps steps = {
                .tc = d->tc,
                .netns_fd = d->netns_fd,
                .kind = d->kind,
                .origin = d->link,
                .decision = decision,
                .wish = wish,
                .cidrs = d->cidrs,
                .n_cidrs = d->n_cidrs,
                .seed = f->seed,
                .owns_clsact = d->own_clsact,
        };
        int r;

        r = push_device(f, d, decision, e);
        if (r < 0)
                return r;

        r = net_make_device(&steps, &lane->made, &lane->relay, e);
        if (r < 0)
                return err_wrap(e, r, "lane device %s", decision->device);

        r = net_make_classifier(&steps, &lane->made, lane->relay, f->holds, &lane->classifier, e);
        if (r < 0)
                return r;

        lane_classifier_set_deadline(lane->classifier, f->deadline_us);
        r = push_filter(f, d, &lane->made.filter, e);
        return r < 0 ? r : net_make_filter(&steps, &lane->made, lane->classifier, e);
}

static int build(const struct fault_env *env, struct fault *f, const struct net_lane_wish *wish, struct net_decision *d,
                 struct net_lanes *s, struct err *e) {
        int r;

        (void)env;
        r = add_clsact(f, d, e);
        for (unsigned i = 0; r >= 0 && i < d->n_lanes; i++) {
                s->n = i + 1;
                r = build_lane(f, d, &d->lanes[i], wish, &s->lanes[i], e);
        }
        return r;
}

int net_lane_inject(const struct fault_env *env, struct fault *f, const struct net_lane_wish *wish, struct err *e) {
        struct net_decision d;
        struct net_lanes *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return err_set(e, -ENOMEM, "no memory for the lanes");

        r = holds_add(f->holds, s, lanes_free);
        if (r < 0)
                return err_set(e, r, "no memory to hold the lanes");

        r = net_decide(env, f, wish, &d, e);
        if (r < 0)
                return r;

        s->kind = d.kind;
        f->state = s;
        r = build(env, f, wish, &d, s, e);
        s->tc = TAKE_PTR(d.tc);
        net_decision_done(&d);
        return r;
}

int net_lane_renew(struct fault *f, struct err *e) {
        struct net_lanes *s = f->state;

        if (!s)
                return err_set(e, -ENODATA, "this process does not hold the fault's classifiers");

        for (unsigned i = 0; i < s->n; i++)
                if (s->lanes[i].classifier)
                        lane_classifier_set_deadline(s->lanes[i].classifier, f->deadline_us);
        return 0;
}

/* Sums over both directions. */
struct reading {
        struct net_classify_counters seen;
        uint64_t lane_packets, lane_dropped, lane_queued, late_max_us;
        bool gone;
};

static int read_netem(struct net_lanes *s, struct net_lane *lane, const struct net_lane_wish *wish,
                      struct reading *reading, char *note, size_t size) {
        struct tc_qdisc_stats stats;
        struct tc_netem want, got;
        struct err e = { 0 };
        int r;

        want = net_netem_from(wish, NULL);
        r = tc_netem_get(s->tc, lane->made.device_ifindex, &got, &stats, &e);
        if (r == -ENOENT || r == -ENODEV) {
                (void)snprintf(note, size, "%.*s", (int)size - 1, e.msg);
                reading->gone = true;
                return 0;
        }
        if (r < 0)
                return r;

        if (tc_netem_compare(&want, &got, &e) < 0) {
                (void)snprintf(note, size, "%.*s", (int)size - 1, e.msg);
                reading->gone = true;
        }
        reading->lane_packets += stats.packets;
        reading->lane_dropped += stats.drops;
        reading->lane_queued += stats.queued;
        return 0;
}

static void read_relay(const struct net_lane *lane, struct reading *reading, char *note, size_t size) {
        struct lane_relay_counters c = lane_relay_counters(lane->relay);

        if (!lane_relay_is_alive(lane->relay)) {
                (void)snprintf(note, size, "the relay process is dead: packets pass undelayed");
                reading->gone = true;
        }
        reading->lane_packets += c.sent;
        reading->lane_dropped += c.dropped + c.failed;
        reading->lane_queued += c.queued;
        if (c.late_max_us > reading->late_max_us)
                reading->late_max_us = c.late_max_us;
}

static int read_lane(struct net_lanes *s, struct net_lane *lane, const struct net_lane_wish *wish,
                     struct reading *reading, char *note, size_t size, struct err *e) {
        struct net_classify_counters c;
        int r;

        if (!lane->classifier)
                return err_set(e, -ENODATA, "the lane was never built");

        r = lane_classifier_counters(lane->classifier, &c, e);
        if (r < 0)
                return r;

        reading->seen.seen += c.seen;
        reading->seen.packets += c.packets;
        reading->seen.bytes += c.bytes;
        reading->seen.expired += c.expired;
        reading->seen.relay_dead += c.relay_dead;
        reading->seen.exempt += c.exempt;

        r = tc_filter_is_there(s->tc, &lane->made.filter, e);
        if (r < 0)
                return r;
        if (r == 0) {
                (void)snprintf(note, size, "the filter on %s is gone", tc_hook_name(lane->made.filter.hook));
                reading->gone = true;
        }

        if (s->kind == LANE_NETEM)
                return read_netem(s, lane, wish, reading, note, size);
        read_relay(lane, reading, note, size);
        return 0;
}

static void report(const struct net_lanes *s, const struct reading *reading, struct evidence *ret) {
        const struct net_classify_counters *c = &reading->seen;

        ret->hits = c->packets;
        evidence_add(ret, "packets", "packets", c->packets);
        evidence_add(ret, "bytes", "bytes", c->bytes);
        evidence_add(ret, "seen", "packets", c->seen);
        evidence_add(ret, "exempt", "packets", c->exempt);
        evidence_add(ret, "passed_after_deadline", "packets", c->expired);
        evidence_add(ret, "lane_packets", "packets", reading->lane_packets);
        evidence_add(ret, "lane_dropped", "packets", reading->lane_dropped);
        evidence_add(ret, "lane_queued", "packets", reading->lane_queued);
        if (s->kind == LANE_RELAY) {
                evidence_add(ret, "passed_relay_silent", "packets", c->relay_dead);
                evidence_add(ret, "late_max", "us", reading->late_max_us);
        }
        if (!ret->note[0] && c->packets == 0 && c->seen > 0)
                (void)snprintf(ret->note, sizeof(ret->note), "%llu packets passed the interface, none matched",
                               (unsigned long long)c->seen);
}

int net_lane_verify(struct fault *f, const struct net_lane_wish *wish, struct evidence *ret, struct err *e) {
        struct net_lanes *s = f->state;
        struct reading reading = { 0 };
        struct evidence evidence = { 0 };
        int r;

        if (!s || !s->tc)
                return err_set(e, -ENODATA, "this process did not inject the fault: its counters are gone");

        for (unsigned i = 0; i < s->n; i++) {
                r = read_lane(s, &s->lanes[i], wish, &reading, evidence.note, sizeof(evidence.note), e);
                if (r < 0)
                        return r;
        }
        report(s, &reading, &evidence);
        *ret = evidence;
        return reading.gone ? 0 : 1;
}
