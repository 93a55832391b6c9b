#include "faults/mech/lane_classifier.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "bpf/net_classify.skel.h"
#include "core/err.h"
#include "faults/mech/bpf.h"

struct lane_classifier {
        struct net_classify *skeleton;
        enum lane_kind lane;
};

static int add_cidrs(struct net_classify *skeleton, const struct net_classify_cidr *cidrs, size_t n, struct err *e) {
        uint8_t one = 1;

        for (size_t i = 0; i < n; i++)
                if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.chaos_cidrs), &cidrs[i], &one, BPF_ANY) < 0)
                        return err_errno(e, "put prefix %zu into the classifier", i);
        return 0;
}

static int load(struct lane_classifier *c, const struct net_classify_config *config, struct err *e) {
        int r;

        bpf_quiet();
        c->skeleton = net_classify__open();
        if (!c->skeleton)
                return bpf_fail(e, -errno, "open the packet classifier");

        c->skeleton->rodata->config = *config;
        (void)bpf_program__set_autoload(c->skeleton->progs.chaos_steer_ifb, c->lane == LANE_NETEM);
        (void)bpf_program__set_autoload(c->skeleton->progs.chaos_steer_tap, c->lane == LANE_RELAY);
        (void)bpf_program__set_autoload(c->skeleton->progs.chaos_return, c->lane == LANE_RELAY && config->ingress);
        r = net_classify__load(c->skeleton);
        return r < 0 ? bpf_fail(e, r, "load the packet classifier") : 0;
}

int lane_classifier_new(enum lane_kind lane, const struct net_classify_config *config,
                        const struct net_classify_cidr *cidrs, size_t n_cidrs, struct lane_classifier **ret,
                        struct err *e) {
        SCOPED(lane_classifier_freep) struct lane_classifier *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return err_set(e, -ENOMEM, "no memory for the packet classifier");

        c->lane = lane;
        r = load(c, config, e);
        if (r < 0)
                return r;

        r = add_cidrs(c->skeleton, cidrs, n_cidrs, e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

void lane_classifier_free(struct lane_classifier *c) {
        if (!c)
                return;

        net_classify__destroy(c->skeleton);
        free(c);
}

static struct bpf_program *steering(const struct lane_classifier *c) {
        return c->lane == LANE_NETEM ? c->skeleton->progs.chaos_steer_ifb : c->skeleton->progs.chaos_steer_tap;
}

int lane_classifier_fd(const struct lane_classifier *c) {
        return bpf_program__fd(steering(c));
}

const char *lane_classifier_name(const struct lane_classifier *c) {
        return bpf_program__name(steering(c));
}

int lane_classifier_return_fd(const struct lane_classifier *c) {
        return bpf_program__fd(c->skeleton->progs.chaos_return);
}

const char *lane_classifier_return_name(const struct lane_classifier *c) {
        return bpf_program__name(c->skeleton->progs.chaos_return);
}

/* One aligned word: the program sees the old value or the new one. */
void lane_classifier_set_deadline(struct lane_classifier *c, uint64_t deadline_us) {
        __atomic_store_n(&c->skeleton->bss->live.deadline_ns, deadline_us * 1000U, __ATOMIC_RELAXED);
}

volatile uint64_t *lane_classifier_beat(struct lane_classifier *c) {
        return (volatile uint64_t *)&c->skeleton->bss->live.beat_ns;
}

int lane_classifier_counters(const struct lane_classifier *c, struct net_classify_counters *ret, struct err *e) {
        int cpus = libbpf_num_possible_cpus();
        SCOPED_FREE struct net_classify_counters *each = NULL;
        struct net_classify_counters sum = { 0 };
        uint32_t zero = 0;

        if (cpus < 1)
                return err_set(e, -EIO, "number of CPUs: %d", cpus);

        each = calloc((size_t)cpus, sizeof(*each));
        if (!each)
                return err_set(e, -ENOMEM, "no memory for counters");
        if (bpf_map_lookup_elem(bpf_map__fd(c->skeleton->maps.chaos_counters), &zero, each) < 0)
                return err_errno(e, "read the classifier's counters");

        for (int i = 0; i < cpus; i++) {
                sum.seen += each[i].seen;
                sum.packets += each[i].packets;
                sum.bytes += each[i].bytes;
                sum.expired += each[i].expired;
                sum.relay_dead += each[i].relay_dead;
                sum.exempt += each[i].exempt;
                sum.returned += each[i].returned;
        }
        *ret = sum;
        return 0;
}
