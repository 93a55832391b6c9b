/* net.delay — packets arrive late. */
#include <errno.h>
#include <stddef.h>

#include "core/err.h"
#include "faults/fault.h"
#include "faults/net/net_lane.h"
#include "faults/target/target.h"

#define DELAY_MAX_US  (60 * 1000000ULL)
#define JITTER_MAX_US (2 * 1000000ULL) /* netem computes with 31 bits of nanoseconds */

struct delay_params {
        uint64_t set;
        uint64_t delay_us, jitter_us;
        uint32_t correlation_ppm;
        int distribution; /* enum lane_distribution */
        int direction;    /* enum net_direction */
        uint32_t percent_ppm;
        uint64_t limit;
};

enum { ROW_DELAY, ROW_JITTER, ROW_CORRELATION, ROW_DISTRIBUTION, ROW_DIRECTION, ROW_PERCENT, ROW_LIMIT, ROW_END };

static const struct param delay_table[] = {
        [ROW_DELAY] = { "delay", PARAM_DURATION, .required = true, .offset = offsetof(struct delay_params, delay_us),
                        .min = 1, .max = DELAY_MAX_US, .help = "how late packets are", .example = "80ms" },
        [ROW_JITTER] = { "jitter", PARAM_DURATION, .offset = offsetof(struct delay_params, jitter_us),
                         .max = JITTER_MAX_US,
                         .help = "spread around the delay: half the width of uniform, else the standard deviation",
                         .example = "10ms" },
        [ROW_CORRELATION] = { "correlation", PARAM_PERCENT, .offset = offsetof(struct delay_params, correlation_ppm),
                              .max = 1000000, .help = "how much one packet's jitter resembles the last one's",
                              .example = "25%" },
        [ROW_DISTRIBUTION] = { "distribution", PARAM_ENUM, .offset = offsetof(struct delay_params, distribution),
                               .choices = lane_distributions, .fallback = "uniform", .help = "shape of the jitter",
                               .example = "normal" },
        [ROW_DIRECTION] = { "direction", PARAM_ENUM, .offset = offsetof(struct delay_params, direction),
                            .choices = net_directions, .fallback = "egress",
                            .help = "packets that leave the interface, that arrive on it, or both", .example = "both" },
        [ROW_PERCENT] = { "percent", PARAM_PERCENT, .offset = offsetof(struct delay_params, percent_ppm), .min = 1,
                          .max = 1000000, .fallback = "100%", .help = "share of the matching packets that is delayed",
                          .example = "10%" },
        [ROW_LIMIT] = { "limit", PARAM_UINT, .offset = offsetof(struct delay_params, limit), .min = 1, .max = 1000000,
                        .fallback = "10000", .help = "packets that may wait in each direction; more are dropped",
                        .example = "1000" },
        [ROW_END] = { 0 },
};

static const struct fault_backend delay_backends[] = {
        { "netem", "sch_netem, ifb, cls_bpf and act_mirred", "any interface" },
        { "relay", "tun, cls_bpf and packet sockets", "any interface but loopback" },
        { 0 },
};

static struct net_lane_wish wish_of(const void *params) {
        const struct delay_params *p = params;

        return (struct net_lane_wish){
                .direction = (enum net_direction)p->direction,
                .delay = { .delay_ns = p->delay_us * 1000,
                           .jitter_ns = p->jitter_us * 1000,
                           .correlation = (uint32_t)((uint64_t)p->correlation_ppm * UINT32_MAX / 1000000),
                           .distribution = (enum lane_distribution)p->distribution },
                .limit = (uint32_t)p->limit,
                .percent_ppm = p->percent_ppm,
        };
}

static int refuse(struct err *e, int row, const char *text) {
        int r = err_set(e, -EINVAL, "%s", text);

        (void)err_at(e, delay_table[row].name);
        return r;
}

static int delay_probe(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        return net_lane_probe(backend, e);
}

static int delay_validate(const void *params, struct err *e) {
        const struct delay_params *p = params;

        if (p->jitter_us > p->delay_us)
                return refuse(e, ROW_JITTER, "jitter is larger than the delay: packets cannot arrive early");
        if (p->jitter_us == 0 && PARAM_IS_SET(p, ROW_DISTRIBUTION))
                return refuse(e, ROW_DISTRIBUTION, "a distribution needs a jitter");
        if (p->jitter_us == 0 && p->correlation_ppm)
                return refuse(e, ROW_CORRELATION, "a correlation needs a jitter");
        return 0;
}

static int delay_plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        struct net_lane_wish wish = wish_of(f->params);

        return net_lane_plan(env, f, &wish, ret, e);
}

static int delay_inject(struct fault_env *env, struct fault *f, struct err *e) {
        struct net_lane_wish wish = wish_of(f->params);

        return net_lane_inject(env, f, &wish, e);
}

static int delay_verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        struct net_lane_wish wish = wish_of(f->params);

        (void)env;
        return net_lane_verify(f, &wish, ret, e);
}

static int delay_revert(struct fault_env *env, const char *record, struct err *e) {
        (void)env;
        return net_lane_revert(record, e);
}

static int delay_renew(struct fault_env *env, struct fault *f, struct err *e) {
        (void)env;
        return net_lane_renew(f, e);
}

static int delay_sweep(struct fault_env *env, bool dry_run, void (*found)(void *arg, const char *what), void *arg,
                       struct err *e) {
        (void)env;
        return net_lane_sweep(dry_run, found, arg, e);
}

const struct fault_ops fault_net_delay = {
        .name = "net.delay",
        .summary = "Packets arrive late: fixed delay, jitter, distributions",
        .owner = FAULT_OWNER_DEADLINE,
        .backends = delay_backends,
        .targets = TARGET_NETNS | TARGET_INTERFACE | TARGET_PEER | TARGET_CGROUP,
        .target_required = TARGET_INTERFACE,
        .params = delay_table,
        .params_size = sizeof(struct delay_params),
        .probe = delay_probe,
        .validate = delay_validate,
        .plan = delay_plan,
        .inject = delay_inject,
        .verify = delay_verify,
        .revert = delay_revert,
        .renew = delay_renew,
        .sweep = delay_sweep,
};
