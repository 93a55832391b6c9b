/* run_budget.c — what is left of the error budgets before a run, and what the run would leave. */
#include <math.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/prometheus.h"
#include "experiments/run_internal.h"

/* From Prometheus for its own SLIs, from the run history for probes. NAN = unknown. */
static double remaining_before(struct run *r, const struct slo *s, bool probe) {
        int64_t now_s = (int64_t)(clock_realtime_us() / USEC_PER_SEC), begin_s, end_s;
        char warning[200] = "";
        struct err e = { 0 };
        double remaining;

        if (!probe) {
                if (prom_remaining(s, &remaining, warning, &e) < 0) {
                        run_note(r, "%s: the remaining error budget is unknown: %s", s->name, e.msg);
                        return NAN;
                }
                if (warning[0])
                        run_note(r, "%s: the remaining error budget may be incomplete: Prometheus warns: %s", s->name,
                                 warning);
                return remaining;
        }

        if (!r->o.spent_before)
                return NAN;
        if (slo_window_bounds(s, now_s, &begin_s, &end_s, &e) < 0) {
                run_note(r, "%s: the remaining error budget is unknown: %s", s->name, e.msg);
                return NAN;
        }
        return 1 - r->o.spent_before(s->service, s->name, (uint64_t)(now_s - begin_s), r->o.spent_before_arg);
}

void run_read_budgets(struct run *r) {
        for (size_t i = 0; i < r->x->n_slos; i++) {
                const struct experiment_slo *s = &r->x->slos[i];
                double remaining = remaining_before(r, s->slo, s->part_probe >= 0);

                r->slo_config[i].remaining_before = remaining;
                if (isfinite(remaining))
                        run_note(r,
                                 "%s: %.4g%% of the error budget is left; this run is expected to spend %.3g%% and "
                                 "would leave %.4g%%",
                                 s->slo->name, remaining * 100, r->engine->slos[i].projected * 100,
                                 (remaining - r->engine->slos[i].projected) * 100);
        }
}
