/* record.c — the run record (docs/run-record.md). */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/version.h"
#include "experiments/run_internal.h"

static json_t *number(double value) {
        return isfinite(value) ? json_real(value) : json_null();
}

static json_t *seconds(uint64_t us) {
        return json_real((double)us / 1e6);
}

static void set(json_t *object, const char *key, json_t *value) {
        (void)json_object_set_new(object, key, value ? value : json_null());
}

static json_t *text_or_null(const char *text) {
        return text && *text ? json_string(text) : json_null();
}

static json_t *make_experiment(const struct run *r) {
        const struct experiment *x = r->x;
        json_t *o = json_object();

        set(o, "name", json_string(x->name));
        set(o, "service", json_string(x->service));
        set(o, "owner", json_string(x->owner));
        set(o, "labels", x->labels ? json_incref((json_t *)x->labels) : json_object());
        set(o, "hypothesis", json_string(x->hypothesis));
        set(o, "file", json_string(x->file));
        set(o, "seed", json_integer((json_int_t)r->seed));
        set(o, "document", json_incref((json_t *)x->document));
        return o;
}

static json_t *make_nodes(const struct run *r) {
        json_t *node = json_object(), *nodes = json_array();

        set(node, "name", json_string("local"));
        set(node, "hostname", text_or_null(json_text_at(r->capabilities, "hostname", "")));
        set(node, "kernel", text_or_null(json_text_at(r->capabilities, "kernel", "")));
        set(node, "arch", text_or_null(json_text_at(r->capabilities, "arch", "")));
        (void)json_array_append_new(nodes, node);
        return nodes;
}

static json_t *make_phases(const struct run *r) {
        json_t *phases = json_array();

        for (int p = 0; p < ENGINE_PHASES; p++) {
                json_t *o;

                if (r->engine->begin_us[p] == UINT64_MAX)
                        continue;
                o = json_object();
                set(o, "name", json_string(engine_phase_name((enum engine_phase)p)));
                set(o, "start_s", seconds(r->engine->begin_us[p]));
                set(o, "end_s", seconds(r->engine->end_us[p] == UINT64_MAX ? r->end_us : r->engine->end_us[p]));
                (void)json_array_append_new(phases, o);
        }
        return phases;
}

static json_t *make_faults(const struct run *r) {
        json_t *faults = json_array();

        for (size_t i = 0; i < r->x->n_faults; i++) {
                const struct engine_fault *f = &r->engine->faults[i];
                json_t *o = json_object();

                set(o, "name", json_string(r->x->faults[i].name));
                set(o, "kind", json_string(r->x->faults[i].kind));
                set(o, "node", json_string(r->x->faults[i].node));
                set(o, "injected_s", f->was_injected ? seconds(f->injected_us) : json_null());
                set(o, "reverted_s", f->was_injected ? seconds(f->over_us) : json_null());
                set(o, "plan", json_incref(r->faults[i].plan));
                set(o, "fault", json_incref(r->faults[i].object));
                (void)json_array_append_new(faults, o);
        }
        return faults;
}

static json_t *make_latency(const struct hdr *h) {
        json_t *o = json_object();

        set(o, "count", json_integer((json_int_t)h->count));
        if (h->count == 0)
                return o;
        set(o, "p50", json_integer((json_int_t)hdr_percentile(h, 50)));
        set(o, "p90", json_integer((json_int_t)hdr_percentile(h, 90)));
        set(o, "p99", json_integer((json_int_t)hdr_percentile(h, 99)));
        set(o, "p999", json_integer((json_int_t)hdr_percentile(h, 99.9)));
        set(o, "max", json_integer((json_int_t)h->max_us));
        set(o, "mean", json_real(hdr_mean(h)));
        return o;
}

static json_t *make_probe(const struct run *r, size_t i, struct probe_stats *s) {
        static const char *const kinds[] = { "http", "tcp", "exec", "llm" };
        const struct run_probe *p = &r->probes[i];
        json_t *o = json_object(), *late = json_object(), *latency = json_object();

        probe_stats(p->probe, s);
        set(o, "name", json_string(r->x->probes[i].name));
        set(o, "kind", json_string(kinds[r->x->probes[i].kind]));
        set(o, "rate_asked", json_real(s->rate_asked));
        set(o, "rate_kept", json_real(s->rate_kept));
        set(o, "kept_up", json_boolean(s->kept_up));
        set(o, "message", text_or_null(s->message));
        set(o, "scheduled", json_integer((json_int_t)s->scheduled));
        set(o, "completed", json_integer((json_int_t)s->completed));
        set(o, "skipped", json_integer((json_int_t)s->skipped));
        set(o, "errors", json_integer((json_int_t)s->errors));
        set(o, "last_error", text_or_null(s->last_error));
        set(late, "p50", json_integer((json_int_t)hdr_percentile(&s->start_error, 50)));
        set(late, "p99", json_integer((json_int_t)hdr_percentile(&s->start_error, 99)));
        set(late, "max", json_integer((json_int_t)s->start_error.max_us));
        set(o, "start_error_us", late);
        for (int k = 0; k < ENGINE_PHASES; k++)
                set(latency, engine_phase_name((enum engine_phase)k), make_latency(&p->latency[k]));
        set(o, "latency_us", latency);
        if (r->x->probes[i].kind == PROBE_LLM)
                set(o, "llm", run_make_llm(r, i));
        return o;
}

static json_t *make_probes(const struct run *r) {
        SCOPED_FREE struct probe_stats *s = calloc(1, sizeof(*s));
        json_t *probes = json_array();

        for (size_t i = 0; s && i < r->x->n_probes; i++)
                if (r->probes[i].probe)
                        (void)json_array_append_new(probes, make_probe(r, i, s));
        return probes;
}

static json_t *make_count(struct slo_count c, double compliance) {
        json_t *o = json_object();

        set(o, "good", json_real(c.good));
        set(o, "total", json_real(c.total));
        if (c.good == floor(c.good) && c.total == floor(c.total)) {
                set(o, "good", json_integer((json_int_t)c.good));
                set(o, "total", json_integer((json_int_t)c.total));
        }
        set(o, "compliance", number(compliance));
        return o;
}

static json_t *worst_second(const struct engine *e, size_t i) {
        const struct slo_second *worst = engine_worst_second(e, i);
        json_t *o;

        if (!worst)
                return json_null();

        o = json_object();
        set(o, "t_s", json_integer(worst->t_s));
        set(o, "compliance", number(slo_compliance(worst->count)));
        return o;
}

static json_t *make_slo(const struct run *r, size_t i) {
        static const char *const methods[] = { "Occurrences", "Timeslices", "RatioTimeslices" };
        const struct experiment_slo *x = &r->x->slos[i];
        const struct engine_slo *s = &r->engine->slos[i];
        json_t *o = json_object(), *phases = json_object(), *burn = json_object(), *budget = json_object();

        set(o, "name", json_string(x->slo->name));
        set(o, "display_name", text_or_null(x->slo->display_name));
        set(o, "service", json_string(x->slo->service));
        set(o, "objective", json_real(x->slo->objective));
        set(o, "expect", json_string(x->expect_text));
        set(o, "min_samples", json_integer((json_int_t)x->min_samples));
        set(o, "method", json_string(methods[x->slo->method]));
        set(o, "window_s", json_integer((json_int_t)(x->slo->window_us / USEC_PER_SEC)));
        for (int p = 0; p < ENGINE_PHASES; p++)
                set(phases, engine_phase_name((enum engine_phase)p), make_count(s->phases[p], s->compliance[p]));
        set(o, "phases", phases);
        set(burn, "peak", number(s->peak_burn));
        set(burn, "mean", number(s->mean_burn));
        set(burn, "abort_at", number(s->alert.burn));
        set(burn, "long_window_s", seconds(s->alert.long_us));
        set(burn, "short_window_s", seconds(s->alert.short_us));
        set(o, "burn", burn);
        set(budget, "remaining_before", number(r->slo_config[i].remaining_before));
        set(budget, "spent", number(s->spent));
        set(budget, "projected", number(s->projected));
        set(o, "budget", budget);
        set(o, "worst_second", worst_second(r->engine, i));
        set(o, "time_to_detect_s", number(s->detected_s));
        set(o, "time_to_recover_s", number(s->recovered_s));
        set(o, "samples", json_integer((json_int_t)s->samples));
        set(o, "conclusive", json_boolean(s->conclusive));
        set(o, "held", json_boolean(s->held));
        set(o, "reason", json_string(s->reason));
        return o;
}

static int by_time(const void *a, const void *b) {
        const struct slo_second *x = a, *y = b;

        return x->t_s != y->t_s ? (x->t_s > y->t_s) - (x->t_s < y->t_s) : (int)x->phase - (int)y->phase;
}

static json_t *make_series(const struct run *r, size_t i) {
        const struct engine_slo *s = &r->engine->slos[i];
        json_t *o = json_object(), *points = json_array();

        if (s->n_seconds > 0)
                qsort(s->seconds, s->n_seconds, sizeof(*s->seconds), by_time);
        for (size_t k = 0; k < s->n_seconds; k++) {
                json_t *point = make_count(s->seconds[k].count, 0);

                (void)json_object_del(point, "compliance");
                set(point, "t_s", json_integer(s->seconds[k].t_s));
                set(point, "phase", json_string(engine_phase_name((enum engine_phase)s->seconds[k].phase)));
                (void)json_array_append_new(points, point);
        }
        set(o, "slo", json_string(r->x->slos[i].slo->name));
        set(o, "points", points);
        return o;
}

static json_t *make_aborts(const struct run *r) {
        const struct engine *e = r->engine;
        json_t *aborts = json_array();

        for (size_t k = 0; k < e->n_reasons; k++) {
                json_t *o;

                if (e->reasons[k].verdict != VERDICT_ABORTED)
                        continue;
                o = json_object();
                set(o, "t_s", seconds(e->reasons[k].at_us));
                set(o, "reason", json_string(e->reasons[k].text));
                set(o, "breach_to_undone_ms",
                    e->undone_us ? json_real((double)(e->undone_us - e->abort_us) / 1e3) : json_null());
                (void)json_array_append_new(aborts, o);
        }
        return aborts;
}

static json_t *make_recovery(const struct run *r) {
        json_t *o = json_object();
        bool recovered = r->engine->begin_us[ENGINE_RECOVERY] != UINT64_MAX;

        for (size_t i = 0; i < r->x->n_slos; i++)
                recovered = recovered && isfinite(r->engine->slos[i].recovered_s) &&
                            (!r->x->recover_within_us ||
                             r->engine->slos[i].recovered_s <= (double)r->x->recover_within_us / 1e6);
        set(o, "within_s", r->x->recover_within_us ? seconds(r->x->recover_within_us) : json_null());
        set(o, "recovered", r->engine->begin_us[ENGINE_RECOVERY] == UINT64_MAX ? json_null() : json_boolean(recovered));
        return o;
}

int run_exit_code(const struct run *r, const json_t *residue) {
        return json_is_false(json_at(residue, "clean")) ? RUN_EXIT_RESIDUE : verdict_exit_code(r->engine->verdict);
}

static json_t *make_verdict(const struct run *r, const json_t *residue) {
        const struct engine *e = r->engine;
        json_t *o = json_object(), *reasons = json_array();

        /* The gravest first: it is why. */
        for (int v = VERDICT_ERROR; v >= VERDICT_FAIL; v--)
                for (size_t k = 0; k < e->n_reasons; k++)
                        if ((int)e->reasons[k].verdict == v)
                                (void)json_array_append_new(reasons, json_string(e->reasons[k].text));
        for (size_t i = 0; e->verdict == VERDICT_PASS && i < r->x->n_slos; i++)
                (void)json_array_append_new(reasons,
                                            json_sprintf("%s: %s", r->x->slos[i].slo->name, e->slos[i].reason));

        set(o, "result", json_string(verdict_name(e->verdict)));
        set(o, "exit_code", json_integer(run_exit_code(r, residue)));
        set(o, "reasons", reasons);
        set(o, "evidence_hits", json_integer((json_int_t)run_hits(r)));
        return o;
}

static void set_times(const struct run *r, json_t *o) {
        char text[CLOCK_TEXT_SIZE];

        set(o, "started", json_string(clock_format_utc(r->start_wall_us, text, sizeof(text))));
        set(o, "ended", json_string(clock_format_utc(r->start_wall_us + r->end_us, text, sizeof(text))));
        set(o, "duration_s", seconds(r->end_us));
}

int run_make_record(struct run *r, json_t **ret, struct err *e) {
        SCOPED_JSON json_t *o = json_object();
        json_t *slos = json_array(), *series = json_array(), *residue = run_residue(r), *versions = json_object();

        set(o, "schema", json_string("chaosd/run/v1"));
        set(o, "id", json_string(r->id));
        set(o, "experiment", make_experiment(r));
        set(o, "slo_documents", experiment_slo_documents(r->x));
        set(versions, "chaosctl", json_string(CHAOS_VERSION));
        set(versions, "chaosd", text_or_null(json_text_at(r->capabilities, "version", "")));
        set(versions, "api", json_string(CHAOS_API_VERSION));
        set(o, "versions", versions);
        set(o, "nodes", make_nodes(r));
        set_times(r, o);
        set(o, "phases", make_phases(r));
        set(o, "faults", make_faults(r));
        set(o, "probes", make_probes(r));
        for (size_t i = 0; i < r->x->n_slos; i++) {
                (void)json_array_append_new(slos, make_slo(r, i));
                (void)json_array_append_new(series, make_series(r, i));
        }
        set(o, "slos", slos);
        set(o, "series", series);
        set(o, "aborts", make_aborts(r));
        set(o, "budget_override", text_or_null(r->o.budget_override));
        set(o, "recovery", make_recovery(r));
        set(o, "verdict", make_verdict(r, residue));
        set(o, "findings", run_findings(r, json_is_false(json_at(residue, "clean")), r->start_wall_us + r->end_us));
        set(o, "residue", residue);
        set(o, "notes", json_incref(r->notes));
        set(o, "previous_sha256", json_null());
        set(o, "sha256", json_null());
        if (!o || !residue)
                return err_set(e, -ENOMEM, "no memory for the run record");

        *ret = TAKE_PTR(o);
        return 0;
}
