/* run_plan.c — what a run would do, by asking the daemon for each fault's plan. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/run_internal.h"

static json_t *plan_phases(const struct experiment *x) {
        return json_pack("[{s:s s:f} {s:s s:f} {s:s s:f}]", "name", "baseline", "duration_s",
                         (double)x->baseline_us / 1e6, "name", "fault", "duration_s", (double)x->fault_us / 1e6, "name",
                         "recovery", "duration_s", (double)x->recovery_us / 1e6);
}

/* Until a calendar's window ends and the budget is whole again; null for a rolling one. */
static json_t *window_left(const struct slo *s) {
        int64_t now_s = (int64_t)(clock_realtime_us() / USEC_PER_SEC), begin_s, end_s;

        if (!s->calendar.given || slo_window_bounds(s, now_s, &begin_s, &end_s, NULL) < 0)
                return json_null();
        return json_integer(end_s - now_s);
}

static json_t *plan_slos(const struct run *r) {
        json_t *slos = json_array();

        for (size_t i = 0; i < r->x->n_slos; i++) {
                const struct engine_slo_config *c = &r->slo_config[i];
                double remaining = c->remaining_before;
                json_t *o = json_pack("{s:s s:f s:s s:f s:f s:f}", "name", c->name, "objective", c->objective, "expect",
                                      r->x->slos[i].expect_text, "projected_spend", r->engine->slos[i].projected,
                                      "worst_spend", slo_spend(slo_burn(0, c->objective), r->x->fault_us, c->period_us),
                                      "abort_burn_rate", r->engine->slos[i].alert.burn);

                (void)json_object_set_new(o, "remaining_before", isnan(remaining) ? json_null() : json_real(remaining));
                (void)json_object_set_new(o, "would_leave",
                                          isnan(remaining) ? json_null()
                                                           : json_real(remaining - r->engine->slos[i].projected));
                (void)json_object_set_new(o, "window_left_s", window_left(r->x->slos[i].slo));
                (void)json_array_append_new(slos, o);
        }
        return slos;
}

/* The gate's own words: the engine is started and judged, nothing else. */
static json_t *plan_budget(struct run *r) {
        json_t *reasons = json_array();

        engine_start(r->engine, 0);
        for (size_t k = 0; k < r->engine->n_reasons; k++)
                (void)json_array_append_new(reasons, json_string(r->engine->reasons[k].text));
        return json_pack("{s:b s:o}", "ok", r->engine->phase == ENGINE_BASELINE, "reasons", reasons);
}

static json_t *plan_faults(struct run *r) {
        json_t *faults = json_array();

        for (size_t i = 0; i < r->x->n_faults; i++) {
                const struct experiment_fault *f = &r->x->faults[i];
                SCOPED_JSON json_t *body = run_fault_request(r, i);
                json_t *plan = NULL, *o;
                struct err e = { 0 };
                int code = node_call(r->o.node, "POST", "/v1/plan", body, &plan, &e);

                o = json_pack("{s:s s:s s:f s:f s:b}", "name", f->name, "kind", f->kind, "after_s",
                              (double)f->after_us / 1e6, "for_s", (double)f->for_us / 1e6, "irreversible",
                              f->irreversible);
                if (code < 0)
                        (void)json_object_set_new(o, "error", json_string(e.msg));
                else
                        (void)json_object_set_new(o, "plan", plan);
                (void)json_array_append_new(faults, o);
        }
        return faults;
}

int run_plan(const struct experiment *x, const struct run_options *o, json_t **ret, struct err *e) {
        SCOPED(run_freep) struct run *r = NULL;
        json_t *plan;
        int code;

        code = run_new(x, o, &r, e);
        if (code < 0)
                return code;

        run_read_budgets(r);
        plan = json_pack("{s:s s:s s:o s:o s:o s:o}", "experiment", x->name, "service", x->service, "phases",
                         plan_phases(x), "slos", plan_slos(r), "budget", plan_budget(r), "faults", plan_faults(r));
        if (plan)
                (void)json_object_set(plan, "notes", r->notes);
        if (!plan)
                return err_set(e, -ENOMEM, "no memory for the plan");
        *ret = plan;
        return 0;
}
