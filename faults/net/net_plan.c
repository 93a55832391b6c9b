/* net_plan.c — the decision in words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/units.h"
#include "faults/fault.h"
#include "faults/net/net_decide.h"
#include "faults/target/target.h"

static void write_delay(FILE *out, const struct net_lane_wish *wish) {
        char text[UNITS_TEXT_SIZE];

        (void)fprintf(out, "delay %s", units_format_duration(wish->delay.delay_ns / 1000, text));
        if (wish->delay.jitter_ns)
                (void)fprintf(out, " jitter %s %s", units_format_duration(wish->delay.jitter_ns / 1000, text),
                              lane_distributions[wish->delay.distribution]);
}

static void write_match(FILE *out, const struct fault *f, const struct net_lane_wish *wish,
                        const struct net_lane_decision *lane) {
        const struct target_peer_spec *peer = &f->target->spec->peer;
        char text[UNITS_TEXT_SIZE];

        if (wish->percent_ppm < 1000000)
                (void)fprintf(out, "%s of the ", units_format_percent(wish->percent_ppm, text));
        (void)fprintf(out, "%s packets %s ", peer->protocol ? target_protocols[peer->protocol] : "IP",
                      lane->hook == TC_HOOK_INGRESS ? "from" : "to");
        (void)fprintf(out, peer->cidr.n ? "%zu prefix(es)" : "anyone", peer->cidr.n);
        if (peer->ports.n)
                (void)fprintf(out, ", %zu port range(s)", peer->ports.n);
        for (size_t i = 0; i < f->target->n_cgroups; i++)
                (void)fprintf(out, "%s%s", i ? ", " : ", of cgroup ", f->target->cgroups[i].path);
}

static void write_warnings(FILE *out, const struct net_decision *d, const struct net_lane_decision *lane) {
        const struct net_others *others = &d->others[lane->hook];
        const char *hook = tc_hook_name(lane->hook);

        if (others->n && !lane->first)
                (void)fprintf(out,
                              "warning: %u filter(s) of others on %s of %s: packets that they decide about never meet "
                              "this fault\n",
                              others->n, hook, d->link.name);
        if (others->n && lane->via_root)
                (void)fprintf(out, "warning: %u filter(s) of others on egress of %s see delayed packets twice\n",
                              others->n, d->link.name);
        if (others->at_front && lane->first)
                (void)fprintf(out, "warning: a filter of others is first on %s of %s: it sees delayed packets twice\n",
                              hook, d->link.name);
}

static void write_plan(FILE *out, const struct fault *f, const struct net_lane_wish *wish,
                       const struct net_decision *d) {
        if (d->add_clsact)
                (void)fprintf(out, "add clsact to %s\n", d->link.name);

        for (unsigned i = 0; i < d->n_lanes; i++) {
                const struct net_lane_decision *lane = &d->lanes[i];

                (void)fprintf(out,
                              d->kind == LANE_NETEM ? "create IFB device %s with netem "
                                                    : "create TAP device %s with a relay process: ",
                              lane->device);
                write_delay(out, wish);
                (void)fprintf(out, "\nadd a filter to %s of %s, %s other filters: ", tc_hook_name(lane->hook),
                              d->link.name, lane->first ? "before all" : "after all");
                write_match(out, f, wish, lane);
                (void)fputc('\n', out);
                if (lane->via_root)
                        (void)fprintf(out, "delayed packets pass the root qdisc of %s (%s)\n", d->link.name, d->root);
                write_warnings(out, d, lane);
        }
        if (d->lanes[0].config.exempt_management)
                (void)fputs("TCP ports 22, 6443 and 10250 are exempt\n", out);
}

int net_lane_plan(const struct fault_env *env, const struct fault *f, const struct net_lane_wish *wish, char **ret,
                  struct err *e) {
        struct net_decision d;
        char *text = NULL;
        size_t size = 0;
        FILE *out;
        int r;

        r = net_decide(env, f, wish, &d, e);
        if (r < 0)
                return r;

        out = open_memstream(&text, &size);
        if (out)
                write_plan(out, f, wish, &d);
        net_decision_done(&d);
        if (!out || fclose(out) != 0) {
                free(text);
                return err_set(e, -ENOMEM, "no memory for the plan");
        }
        *ret = text;
        return 0;
}
