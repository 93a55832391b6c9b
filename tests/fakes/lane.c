/* Fake lanes: a classifier is a descriptor, a relay is a descriptor whose TAP device vanishes with it, plus a child. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/mech/child.h"
#include "faults/mech/lane_classifier.h"
#include "faults/mech/lane_relay.h"

/* Pure arithmetic: the real one. */
#include "faults/mech/lane_delay.c" // NOLINT(bugprone-suspicious-include)

struct lane_classifier {
        int fd;
        uint64_t deadline_us, beat_ns;
};

int lane_classifier_new(enum lane_kind lane, const struct net_classify_config *config,
                        const struct net_classify_cidr *cidrs, size_t n_cidrs, struct lane_classifier **ret,
                        struct err *e) {
        static unsigned number;
        struct lane_classifier *c;
        int r = fake_step("lane_classifier_new", e);

        (void)cidrs;
        if (r < 0)
                return r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return err_set(e, -ENOMEM, "no memory");

        c->fd = fake_fd(fake_key("bpf:classifier %u", ++number), "%s, %s, %zu prefixes",
                        lane == LANE_NETEM ? "netem" : "relay", config->ingress ? "ingress" : "egress", n_cidrs);
        *ret = c;
        return 0;
}

void lane_classifier_free(struct lane_classifier *c) {
        if (!c)
                return;

        (void)close(c->fd);
        free(c);
}

int lane_classifier_fd(const struct lane_classifier *c) {
        return c->fd;
}

const char *lane_classifier_name(const struct lane_classifier *c) {
        (void)c;
        return "chaos_steer";
}

int lane_classifier_return_fd(const struct lane_classifier *c) {
        return c->fd;
}

const char *lane_classifier_return_name(const struct lane_classifier *c) {
        (void)c;
        return "chaos_return";
}

void lane_classifier_set_deadline(struct lane_classifier *c, uint64_t deadline_us) {
        c->deadline_us = deadline_us;
}

volatile uint64_t *lane_classifier_beat(struct lane_classifier *c) {
        return &c->beat_ns;
}

int lane_classifier_counters(const struct lane_classifier *c, struct net_classify_counters *ret, struct err *e) {
        int r = fake_step("lane_classifier_counters", e);

        (void)c;
        if (r < 0)
                return r;
        *ret = (struct net_classify_counters){ .seen = 50, .packets = 42, .bytes = 4200 };
        return 0;
}

struct lane_relay {
        int fd;
        struct child child;
};

int lane_relay_open(const struct lane_relay_spec *spec, struct lane_relay **ret, struct err *e) {
        static unsigned number = 500;
        struct lane_relay *relay;
        int r = fake_step("lane_relay_open", e);

        if (r < 0)
                return r;
        if (fake_get(fake_key("link:%s", spec->name)))
                return err_set(e, -EBUSY, "make TAP device %s: Device or resource busy", spec->name);

        relay = calloc(1, sizeof(*relay));
        if (!relay)
                return err_set(e, -ENOMEM, "no memory");

        relay->fd = fake_fd(fake_key("link:%s", spec->name), "index %u tap", ++number);
        *ret = relay;
        return 0;
}

void lane_relay_free(struct lane_relay *r) {
        if (!r)
                return;

        (void)close(r->fd);
        free(r);
}

int lane_relay_start(struct lane_relay *r, volatile uint64_t *beat_ns, struct holds *h, struct err *e) {
        *beat_ns = 1;
        return child_spawn(h, "chaos-relay", NULL, NULL, NULL, 0, &r->child, e);
}

bool lane_relay_is_alive(const struct lane_relay *r) {
        return child_is_alive(&r->child);
}

struct lane_relay_counters lane_relay_counters(const struct lane_relay *r) {
        (void)r;
        return (struct lane_relay_counters){ .received = 42, .sent = 42 };
}
