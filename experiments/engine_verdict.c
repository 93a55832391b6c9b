/* engine_verdict.c — from what was seen to one verdict and its reasons. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "experiments/engine.h"

#define SETTLE_US USEC_PER_SEC /* "stays inside": the next second, and all the rest */

const char *engine_phase_name(enum engine_phase p) {
        static const char *const names[] = { "baseline", "fault", "recovery", "drain", "done" };

        return names[p];
}

const char *verdict_name(enum verdict v) {
        static const char *const names[] = { "pass", "fail", "inconclusive", "aborted", "error" };

        return names[v];
}

int verdict_exit_code(enum verdict v) {
        static const int codes[] = { 0, 1, 3, 4, 5 };

        return codes[v];
}

double engine_phase_compliance(const struct engine *e, size_t i, enum engine_phase phase) {
        const struct engine_slo_config *c = &e->c->slos[i];
        const struct engine_slo *s = &e->slos[i];

        if (c->method == SLO_OCCURRENCES)
                return slo_compliance(s->phases[phase]);
        return slo_method_compliance(c->method, s->seconds, s->n_seconds, (unsigned)phase, c->slice_us,
                                     c->slice_target);
}

static struct slo_count sum_bins(const struct slo_count *bins, size_t from, size_t to) {
        struct slo_count sum = { 0 };

        for (size_t k = from; k < to; k++) {
                sum.good += bins[k].good;
                sum.total += bins[k].total;
        }
        return sum;
}

static bool inside(struct slo_count c, double objective) {
        return c.total <= 0 || c.good / c.total >= objective;
}

/* The first moment of the recovery phase from which both the next second and all the rest meet the objective. */
static double time_to_recover(const struct engine *e, size_t i) {
        const struct slo_count *bins = e->slos[i].recovery_bins;
        double objective = e->c->slos[i].objective;
        uint64_t length_us = e->end_us[ENGINE_RECOVERY] - e->begin_us[ENGINE_RECOVERY];
        size_t n = (size_t)(length_us / e->recovery_bin_us) + 1;
        size_t settle = (size_t)(SETTLE_US / e->recovery_bin_us);
        struct slo_count rest;

        if (n > ENGINE_RECOVERY_BINS)
                n = ENGINE_RECOVERY_BINS;
        if (settle == 0)
                settle = 1;

        rest = sum_bins(bins, 0, n);
        if (rest.total <= 0)
                return NAN;

        for (size_t k = 0; k < n && rest.total > 0; k++) {
                if (inside(rest, objective) && inside(bins[k], objective) &&
                    inside(sum_bins(bins, k, k + settle < n ? k + settle : n), objective))
                        return (double)k * (double)e->recovery_bin_us / 1e6;

                rest.good -= bins[k].good;
                rest.total -= bins[k].total;
        }
        return NAN;
}

static void measure_burn(const struct engine *e, size_t i) {
        struct engine_slo *s = &e->slos[i];
        double objective = e->c->slos[i].objective;

        s->mean_burn = slo_burn(s->compliance[ENGINE_FAULT], objective);
        for (size_t k = 0; k < s->n_seconds; k++) {
                double burn = slo_burn(slo_compliance(s->seconds[k].count), objective);

                if (s->seconds[k].phase == ENGINE_FAULT && !(burn <= s->peak_burn))
                        s->peak_burn = burn;
        }
}

const struct slo_second *engine_worst_second(const struct engine *e, size_t i) {
        const struct engine_slo *s = &e->slos[i];
        const struct slo_second *worst = NULL;

        for (size_t k = 0; k < s->n_seconds; k++)
                if (s->seconds[k].phase != ENGINE_BASELINE && s->seconds[k].count.total > 0 &&
                    (!worst || slo_compliance(s->seconds[k].count) < slo_compliance(worst->count)))
                        worst = &s->seconds[k];
        return worst;
}

static bool expectation_held(const struct engine *e, size_t i, char *reason, size_t size) {
        const struct engine_slo_config *c = &e->c->slos[i];
        const struct engine_slo *s = &e->slos[i];
        double compliance = s->compliance[ENGINE_FAULT];

        switch (c->expect.kind) {
        case EXPECT_BURN:
                (void)snprintf(reason, size, "burn rate %.4g in the fault phase, expected at most %.4g", s->mean_burn,
                               c->expect.limit);
                return s->mean_burn <= c->expect.limit;
        case EXPECT_SPEND:
                (void)snprintf(reason, size, "spent %.4g%% of the error budget, expected at most %.4g%%",
                               s->spent * 100, c->expect.limit * 100);
                return s->spent <= c->expect.limit;
        case EXPECT_MET:
                break;
        }
        (void)snprintf(reason, size, "%.4g%% good in the fault phase, objective %.4g%%", compliance * 100,
                       c->objective * 100);
        return compliance >= c->objective;
}

/* Evidence is read twice a second: what was bad before the first reading was the reading's delay, not the SLI's. */
static double time_to_detect(const struct engine *e, const struct engine_slo *s) {
        if (e->evidence_us == UINT64_MAX || s->first_bad_us == UINT64_MAX)
                return NAN;
        return s->first_bad_us <= e->evidence_us ? 0 : (double)(s->first_bad_us - e->evidence_us) / 1e6;
}

static void judge_slo(struct engine *e, size_t i, uint64_t now_us) {
        const struct engine_slo_config *c = &e->c->slos[i];
        struct engine_slo *s = &e->slos[i];
        double fewest = fmin(s->phases[ENGINE_BASELINE].total, s->phases[ENGINE_FAULT].total);

        for (size_t p = 0; p < ENGINE_PHASES; p++)
                s->compliance[p] = engine_phase_compliance(e, i, (enum engine_phase)p);
        s->samples = (uint64_t)(s->phases[ENGINE_BASELINE].total + s->phases[ENGINE_FAULT].total +
                                s->phases[ENGINE_RECOVERY].total);
        measure_burn(e, i);
        s->detected_s = time_to_detect(e, s);
        if (e->begin_us[ENGINE_RECOVERY] != UINT64_MAX)
                s->recovered_s = time_to_recover(e, i);

        if (e->begin_us[ENGINE_FAULT] == UINT64_MAX) {
                (void)snprintf(s->reason, sizeof(s->reason), "nothing was injected");
                return;
        }
        s->conclusive = fewest >= (double)c->min_samples && !isnan(s->compliance[ENGINE_FAULT]);
        if (!s->conclusive) {
                (void)snprintf(
                        s->reason, sizeof(s->reason),
                        "%.0f samples in the baseline phase and %.0f in the fault phase, fewer than minSamples %llu",
                        s->phases[ENGINE_BASELINE].total, s->phases[ENGINE_FAULT].total,
                        (unsigned long long)c->min_samples);
                engine_reason_add(e, VERDICT_INCONCLUSIVE, now_us, "%s: %s", c->name, s->reason);
                return;
        }

        s->held = expectation_held(e, i, s->reason, sizeof(s->reason));
        if (!s->held)
                engine_reason_add(e, VERDICT_FAIL, now_us, "%s: %s", c->name, s->reason);
}

/* No evidence that it acted: then nothing that was measured says anything about it. */
static void judge_evidence(struct engine *e, uint64_t now_us) {
        if (e->begin_us[ENGINE_FAULT] == UINT64_MAX)
                return;
        if (e->c->n_faults == 0)
                engine_reason_add(e, VERDICT_INCONCLUSIVE, now_us, "no fault was injected");

        for (size_t i = 0; i < e->c->n_faults; i++) {
                const struct engine_fault *f = &e->faults[i];
                const char *name = e->c->faults[i].name;

                if (!f->was_injected)
                        engine_reason_add(e, VERDICT_INCONCLUSIVE, now_us, "%s: was not injected", name);
                else if (f->hits == 0)
                        engine_reason_add(e, VERDICT_INCONCLUSIVE, now_us, "%s: no evidence that it acted on anything",
                                          name);
                else if (f->verified == 0)
                        engine_reason_add(e, VERDICT_INCONCLUSIVE, now_us, "%s: the effect could not be verified",
                                          name);
        }
}

static void judge_recovery(struct engine *e, uint64_t now_us) {
        double within_s = (double)e->c->recover_within_us / 1e6;

        if (!e->c->recover_within_us || e->begin_us[ENGINE_RECOVERY] == UINT64_MAX || e->stopping)
                return;

        for (size_t i = 0; i < e->c->n_slos; i++) {
                const struct engine_slo *s = &e->slos[i];
                const char *name = e->c->slos[i].name;

                if (s->phases[ENGINE_RECOVERY].total <= 0)
                        engine_reason_add(e, VERDICT_INCONCLUSIVE, now_us, "%s: no samples in the recovery phase",
                                          name);
                else if (isnan(s->recovered_s))
                        engine_reason_add(e, VERDICT_FAIL, now_us,
                                          "%s: not back inside its objective within the recovery phase", name);
                else if (s->recovered_s > within_s)
                        engine_reason_add(e, VERDICT_FAIL, now_us,
                                          "%s: back inside its objective after %.3g s, asked within %.3g s", name,
                                          s->recovered_s, within_s);
        }
}

void engine_judge(struct engine *e, uint64_t now_us) {
        if (e->no_memory)
                engine_reason_add(e, VERDICT_ERROR, now_us, "out of memory: the series is not whole");
        for (size_t i = 0; i < e->c->n_slos; i++)
                judge_slo(e, i, now_us);
        judge_evidence(e, now_us);
        judge_recovery(e, now_us);

        e->verdict = VERDICT_PASS;
        for (size_t k = 0; k < e->n_reasons; k++)
                if (e->reasons[k].verdict > e->verdict)
                        e->verdict = e->reasons[k].verdict;
}
