/* engine_life.c — making and freeing an engine, and the budget gate before its start. */
#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "experiments/engine.h"

#define FAULTS_MAX       64
#define RECOVERY_BIN_MIN (100 * USEC_PER_MSEC)

static double expected_burn(const struct engine_slo_config *s) {
        return s->expect.kind == EXPECT_BURN ? s->expect.limit : 1;
}

static bool slo_init(struct engine *e, size_t i) {
        const struct engine_slo_config *c = &e->c->slos[i];
        struct engine_slo *s = &e->slos[i];

        s->alert = slo_alert_for_run(e->c->fault_us, e->c->max_spend, c->period_us);
        if (!isnan(e->c->burn_limit))
                s->alert.burn = e->c->burn_limit;
        slo_window_init(&s->window, &s->alert);
        s->first_bad_us = UINT64_MAX;
        s->detected_s = s->recovered_s = s->peak_burn = s->mean_burn = NAN;
        s->projected = c->expect.kind == EXPECT_SPEND ? c->expect.limit
                                                      : slo_spend(expected_burn(c), e->c->fault_us, c->period_us);
        s->recovery_bins = calloc(ENGINE_RECOVERY_BINS, sizeof(*s->recovery_bins));
        return s->recovery_bins;
}

struct engine *engine_new(const struct engine_config *c) {
        struct engine *e = calloc(1, sizeof(*e));

        if (!e)
                return NULL;

        e->c = c;
        e->injected_us = e->evidence_us = UINT64_MAX;
        e->slos = calloc(c->n_slos + 1, sizeof(*e->slos));
        e->faults = calloc(c->n_faults + 1, sizeof(*e->faults));
        e->recovery_bin_us = c->recovery_us / (ENGINE_RECOVERY_BINS - 1) + 1;
        if (e->recovery_bin_us < RECOVERY_BIN_MIN)
                e->recovery_bin_us = RECOVERY_BIN_MIN;
        for (size_t p = 0; p < ENGINE_PHASES; p++)
                e->begin_us[p] = e->end_us[p] = UINT64_MAX;
        if (!e->slos || !e->faults || c->n_faults > FAULTS_MAX) {
                engine_free(e);
                return NULL;
        }
        for (size_t i = 0; i < c->n_faults; i++)
                e->faults[i].verified = -1;
        for (size_t i = 0; i < c->n_slos; i++)
                if (!slo_init(e, i)) {
                        engine_free(e);
                        return NULL;
                }
        return e;
}

void engine_free(struct engine *e) {
        if (!e)
                return;

        for (size_t i = 0; e->slos && i < e->c->n_slos; i++) {
                free(e->slos[i].seconds);
                free(e->slos[i].recovery_bins);
        }
        free(e->slos);
        free(e->faults);
        free(e);
}

bool engine_gate_allows(struct engine *e, uint64_t now_us) {
        bool ok = true;

        for (size_t i = 0; i < e->c->n_slos; i++) {
                const struct engine_slo_config *c = &e->c->slos[i];

                if (!isnan(e->c->min_remaining) && !isnan(c->remaining_before) &&
                    c->remaining_before < e->c->min_remaining) {
                        if (!e->c->override_gate)
                                engine_reason_add(e, VERDICT_ERROR, now_us,
                                                  "budget gate: %s has %.3g%% of its error budget left, under "
                                                  "minRemaining %.3g%%",
                                                  c->name, c->remaining_before * 100, e->c->min_remaining * 100);
                        ok = false;
                }
                if (e->slos[i].projected > e->c->max_spend) {
                        if (!e->c->override_gate)
                                engine_reason_add(e, VERDICT_ERROR, now_us,
                                                  "budget gate: %s is expected to spend %.3g%% of its error budget, "
                                                  "over maxSpend %.3g%%",
                                                  c->name, e->slos[i].projected * 100, e->c->max_spend * 100);
                        ok = false;
                }
        }
        return ok || e->c->override_gate;
}
