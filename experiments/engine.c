#include "experiments/engine.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

#define SPEND_SAMPLES 10 /* fewer say nothing about spending */

static void push(struct engine *e, struct engine_action a) {
        if (e->tail - e->head < ENGINE_QUEUE)
                e->queue[e->tail++ % ENGINE_QUEUE] = a;
}

bool engine_next(struct engine *e, struct engine_action *ret) {
        if (e->head == e->tail)
                return false;

        *ret = e->queue[e->head++ % ENGINE_QUEUE];
        return true;
}

void engine_reason_add(struct engine *e, enum verdict v, uint64_t now_us, const char *fmt, ...) {
        struct engine_reason *r = &e->reasons[e->n_reasons];
        va_list ap;

        if (e->n_reasons == ENGINE_REASONS_MAX) { /* keep the gravest: it decides */
                r--;
                if (r->verdict >= v)
                        return;
                e->n_reasons--;
        }
        r->verdict = v;
        r->at_us = now_us;
        va_start(ap, fmt);
        (void)vsnprintf(r->text, sizeof(r->text), fmt, ap);
        va_end(ap);
        e->n_reasons++;
}

/* ── phases ────────────────────────────────────────────────────────────────────────────────────────────────── */

static void begin_phase(struct engine *e, enum engine_phase p, uint64_t now_us) {
        if (e->phase < ENGINE_PHASES && e->begin_us[e->phase] != UINT64_MAX)
                e->end_us[e->phase] = now_us;
        e->phase = p;
        if (p < ENGINE_PHASES) {
                e->begin_us[p] = now_us;
                push(e, (struct engine_action){ .kind = ENGINE_BEGIN_PHASE, .phase = p });
        }
}

static void stop_load(struct engine *e, uint64_t now_us) {
        begin_phase(e, ENGINE_DRAIN, now_us);
        push(e, (struct engine_action){ .kind = ENGINE_STOP_LOAD });
}

static bool all_over(const struct engine *e) {
        for (size_t i = 0; i < e->c->n_faults; i++)
                if (e->faults[i].state != ENGINE_FAULT_OVER)
                        return false;
        return true;
}

/* When every fault is over: on to the recovery, or to the end. */
static void leave_fault_phase(struct engine *e, uint64_t now_us) {
        if (e->phase != ENGINE_FAULT || !all_over(e))
                return;

        if ((e->aborting || e->stopping) && e->abort_us)
                e->undone_us = now_us;
        if (e->stopping)
                stop_load(e, now_us);
        else
                begin_phase(e, ENGINE_RECOVERY, now_us);
}

static void revert(struct engine *e, size_t i, uint64_t now_us) {
        struct engine_fault *f = &e->faults[i];

        if (f->state == ENGINE_FAULT_WAITING) {
                f->state = ENGINE_FAULT_OVER;
                f->over_us = now_us;
        } else if (f->state == ENGINE_FAULT_ACTIVE) {
                f->state = ENGINE_FAULT_REVERTING;
                push(e, (struct engine_action){ .kind = ENGINE_REVERT, .fault = i });
        }
        /* INJECTING: reverted as soon as the answer is there */
}

static void revert_all(struct engine *e, uint64_t now_us) {
        for (size_t i = e->c->n_faults; i > 0; i--) /* last in, first out */
                revert(e, i - 1, now_us);
        leave_fault_phase(e, now_us);
}

/* Revert now and see whether the service recovers. */
static void abort_run(struct engine *e, uint64_t now_us, const char *why) {
        if (e->phase != ENGINE_FAULT || e->aborting || e->stopping)
                return;

        e->aborting = true;
        e->abort_us = now_us;
        engine_reason_add(e, VERDICT_ABORTED, now_us, "%s", why);
        push(e, (struct engine_action){ .kind = ENGINE_ABORT, .text = e->reasons[e->n_reasons - 1].text });
        revert_all(e, now_us);
}

/* Revert now and end. */
static void end_run(struct engine *e, uint64_t now_us, enum verdict v, const char *why) {
        if (e->phase >= ENGINE_DRAIN)
                return;

        engine_reason_add(e, v, now_us, "%s", why);
        if (e->stopping)
                return;

        e->stopping = true;
        if (!e->abort_us)
                e->abort_us = now_us;
        push(e, (struct engine_action){ .kind = ENGINE_ABORT, .text = e->reasons[e->n_reasons - 1].text });
        if (e->phase == ENGINE_FAULT)
                revert_all(e, now_us);
        else
                stop_load(e, now_us);
}

static void judge_baseline(struct engine *e, uint64_t now_us) {
        bool steady = true;

        for (size_t i = 0; i < e->c->n_slos; i++) {
                const struct engine_slo_config *c = &e->c->slos[i];
                double compliance = engine_phase_compliance(e, i, ENGINE_BASELINE);

                if (isnan(compliance))
                        engine_reason_add(e, VERDICT_ERROR, now_us, "%s: no data in the baseline phase", c->name);
                else if (compliance < c->objective)
                        engine_reason_add(e, VERDICT_ERROR, now_us,
                                          "%s: not steady before we started: %.4g%% good, objective %.4g%%", c->name,
                                          compliance * 100, c->objective * 100);
                else
                        continue;
                steady = false;
        }

        if (steady) {
                begin_phase(e, ENGINE_FAULT, now_us);
        } else {
                e->stopping = true;
                stop_load(e, now_us);
        }
}

void engine_start(struct engine *e, uint64_t now_us) {
        if (!engine_gate_allows(e, now_us)) {
                e->stopping = true;
                stop_load(e, now_us);
                return;
        }
        begin_phase(e, ENGINE_BASELINE, now_us);
        for (size_t i = 0; i < e->c->n_slos; i++)
                e->slos[i].last_sample_us = now_us;
}

/* ── aborts ────────────────────────────────────────────────────────────────────────────────────────────────── */

static void watch_slo(struct engine *e, size_t i, uint64_t now_us) {
        const struct engine_slo_config *c = &e->c->slos[i];
        struct engine_slo *s = &e->slos[i];
        char why[240];

        if (e->phase != ENGINE_FAULT || e->aborting || e->stopping)
                return;

        if (!e->c->burn_off && slo_alert_fires(&s->alert, &s->window, now_us, c->objective)) {
                double burn =
                        slo_burn(slo_compliance(slo_window_sum(&s->window, now_us, s->alert.long_us)), c->objective);

                (void)snprintf(why, sizeof(why),
                               "%s: burn rate %.4g over the last %.3g s and the last %.3g s reached %.4g", c->name,
                               burn, (double)s->alert.long_us / 1e6, (double)s->alert.short_us / 1e6, s->alert.burn);
                abort_run(e, now_us, why);
        } else if (s->spending.total >= SPEND_SAMPLES && s->spent >= e->c->max_spend) {
                (void)snprintf(why, sizeof(why), "%s: spent %.3g%% of its error budget, the cap is %.3g%%", c->name,
                               s->spent * 100, e->c->max_spend * 100);
                abort_run(e, now_us, why);
        }
}

static void watch_silence(struct engine *e, uint64_t now_us) {
        char why[240];

        for (size_t i = 0; i < e->c->n_slos; i++) {
                const struct engine_slo_config *c = &e->c->slos[i];

                if (!c->no_data_us || now_us - e->slos[i].last_sample_us < c->no_data_us)
                        continue;
                (void)snprintf(why, sizeof(why), "%s: no data for %.3g s", c->name, (double)c->no_data_us / 1e6);
                abort_run(e, now_us, why);
        }
}

/* By the SLO's own budgeting method. Slices are summed up at each tick, not at each sample: that is a walk. */
static void update_slices(struct engine *e, size_t i, uint64_t now_us) {
        const struct engine_slo_config *c = &e->c->slos[i];
        struct engine_slo *s = &e->slos[i];
        double compliance;
        size_t first = 0;

        while (first < s->n_seconds && s->seconds[first].phase == ENGINE_BASELINE)
                first++;
        compliance = slo_method_compliance(c->method, s->seconds + first, s->n_seconds - first, UINT8_MAX, c->slice_us,
                                           c->slice_target);
        if (!isnan(compliance))
                s->spent =
                        slo_spend(slo_burn(compliance, c->objective), now_us - e->begin_us[ENGINE_FAULT], c->period_us);
}

static void update_spending(struct engine *e, size_t i, uint64_t now_us) {
        struct engine_slo *s = &e->slos[i];

        if (e->phase < ENGINE_FAULT || e->begin_us[ENGINE_FAULT] == UINT64_MAX || s->spending.total <= 0 ||
            e->c->slos[i].method != SLO_OCCURRENCES)
                return;
        s->spent = slo_spend(slo_burn(slo_compliance(s->spending), e->c->slos[i].objective),
                             now_us - e->begin_us[ENGINE_FAULT], e->c->slos[i].period_us);
}

/* ── events ────────────────────────────────────────────────────────────────────────────────────────────────── */

static struct slo_second *second_of(struct engine *e, struct engine_slo *s, uint32_t t_s, uint8_t phase) {
        /* Samples come nearly in order: look a little back, not everywhere. */
        for (size_t k = s->n_seconds; k > 0 && k + 400 > s->n_seconds; k--)
                if (s->seconds[k - 1].t_s == t_s && s->seconds[k - 1].phase == phase)
                        return &s->seconds[k - 1];

        if (s->n_seconds == s->capacity) {
                size_t capacity = s->capacity ? 2 * s->capacity : 64;
                struct slo_second *grown = realloc(s->seconds, capacity * sizeof(*grown));

                if (!grown) {
                        e->no_memory = true;
                        return NULL;
                }
                s->seconds = grown;
                s->capacity = capacity;
        }
        s->seconds[s->n_seconds] = (struct slo_second){ .t_s = t_s, .phase = phase };
        return &s->seconds[s->n_seconds++];
}

/* By its scheduled start; but what was under way when the baseline had been judged has met the fault. */
enum engine_phase engine_phase_at(const struct engine *e, uint64_t started_us) {
        if (e->begin_us[ENGINE_RECOVERY] != UINT64_MAX && started_us >= e->begin_us[ENGINE_RECOVERY])
                return ENGINE_RECOVERY;
        return e->begin_us[ENGINE_FAULT] != UINT64_MAX ? ENGINE_FAULT : ENGINE_BASELINE;
}

void engine_sample(struct engine *e, uint64_t now_us, size_t i, uint64_t started_us, struct slo_count count) {
        enum engine_phase phase = engine_phase_at(e, started_us);
        struct engine_slo *s = &e->slos[i];
        struct slo_second *second;

        if (e->phase == ENGINE_DONE || count.total <= 0 || e->begin_us[ENGINE_BASELINE] == UINT64_MAX)
                return;

        s->last_sample_us = now_us;
        s->phases[phase].good += count.good;
        s->phases[phase].total += count.total;
        second = second_of(e, s, (uint32_t)(started_us / USEC_PER_SEC), (uint8_t)phase);
        if (second) {
                second->count.good += count.good;
                second->count.total += count.total;
        }
        if (phase == ENGINE_RECOVERY) {
                uint64_t bin = (started_us - e->begin_us[ENGINE_RECOVERY]) / e->recovery_bin_us;

                if (bin < ENGINE_RECOVERY_BINS) {
                        s->recovery_bins[bin].good += count.good;
                        s->recovery_bins[bin].total += count.total;
                }
        }
        if (phase != ENGINE_BASELINE) {
                s->spending.good += count.good;
                s->spending.total += count.total;
        }

        slo_window_add(&s->window, now_us, count);
        update_spending(e, i, now_us);
        if (e->injected_us != UINT64_MAX && phase == ENGINE_FAULT && count.good < count.total &&
            s->first_bad_us == UINT64_MAX)
                s->first_bad_us = now_us;
        watch_slo(e, i, now_us);
}

void engine_no_data(struct engine *e, uint64_t now_us, size_t i, uint64_t started_us, struct slo_count weight) {
        uint64_t last_us = e->slos[i].last_sample_us;

        if (engine_phase_at(e, started_us) != ENGINE_FAULT)
                return;
        engine_sample(e, now_us, i, started_us, (struct slo_count){ 0, weight.total });
        e->slos[i].last_sample_us = last_us; /* silence it is: abort.noData goes on counting */
}

static void inject_due(struct engine *e, uint64_t now_us) {
        for (size_t i = 0; i < e->c->n_faults; i++) {
                const struct engine_fault_config *c = &e->c->faults[i];
                struct engine_fault *f = &e->faults[i];

                if (f->state == ENGINE_FAULT_WAITING && now_us - e->begin_us[ENGINE_FAULT] >= c->after_us) {
                        f->state = ENGINE_FAULT_INJECTING;
                        push(e, (struct engine_action){ .kind = ENGINE_INJECT, .fault = i });
                } else if (f->state == ENGINE_FAULT_ACTIVE && now_us - f->injected_us >= c->for_us) {
                        revert(e, i, now_us);
                }
        }
}

void engine_tick(struct engine *e, uint64_t now_us) {
        if (e->no_memory)
                end_run(e, now_us, VERDICT_ERROR, "out of memory");
        if (e->phase == ENGINE_BASELINE && e->begin_us[ENGINE_BASELINE] != UINT64_MAX &&
            now_us - e->begin_us[ENGINE_BASELINE] >= e->c->baseline_us)
                judge_baseline(e, now_us);

        if (e->phase == ENGINE_FAULT && !e->aborting && !e->stopping) {
                for (size_t i = 0; i < e->c->n_slos; i++) {
                        update_spending(e, i, now_us);
                        if (e->c->slos[i].method != SLO_OCCURRENCES)
                                update_slices(e, i, now_us);
                        watch_slo(e, i, now_us);
                }
                watch_silence(e, now_us);
        }
        if (e->phase == ENGINE_FAULT && !e->aborting && !e->stopping)
                inject_due(e, now_us);
        leave_fault_phase(e, now_us);

        if (e->phase == ENGINE_RECOVERY && now_us - e->begin_us[ENGINE_RECOVERY] >= e->c->recovery_us)
                stop_load(e, now_us);
}

void engine_fault_injected(struct engine *e, uint64_t now_us, size_t i) {
        struct engine_fault *f = &e->faults[i];

        if (f->state != ENGINE_FAULT_INJECTING)
                return;

        f->state = ENGINE_FAULT_ACTIVE;
        f->was_injected = true;
        f->injected_us = now_us;
        if (e->injected_us == UINT64_MAX)
                e->injected_us = now_us;
        if (e->aborting || e->stopping)
                revert(e, i, now_us);
}

void engine_fault_failed(struct engine *e, uint64_t now_us, size_t i, const char *why) {
        struct engine_fault *f = &e->faults[i];
        char text[240];

        if (f->state != ENGINE_FAULT_INJECTING)
                return;

        f->state = ENGINE_FAULT_OVER;
        f->over_us = now_us;
        (void)snprintf(text, sizeof(text), "%s: could not inject: %.190s", e->c->faults[i].name, why);
        end_run(e, now_us, VERDICT_ERROR, text);
        leave_fault_phase(e, now_us);
}

void engine_fault_evidence(struct engine *e, uint64_t now_us, size_t i, uint64_t hits, int verified) {
        struct engine_fault *f = &e->faults[i];

        if (hits > 0 && e->evidence_us == UINT64_MAX)
                e->evidence_us = now_us;

        if (hits > f->hits)
                f->hits = hits;
        if (verified >= 0)
                f->verified = verified;
}

void engine_fault_over(struct engine *e, uint64_t now_us, size_t i, enum engine_over how, bool undo_ok,
                       const char *why) {
        struct engine_fault *f = &e->faults[i];
        const char *name = e->c->faults[i].name;
        char text[240];

        if (f->state == ENGINE_FAULT_OVER || f->state == ENGINE_FAULT_WAITING)
                return;

        f->state = ENGINE_FAULT_OVER;
        f->over_us = now_us;
        f->undo_failed = !undo_ok;
        if (!undo_ok) {
                (void)snprintf(text, sizeof(text), "%s: the undo failed: %.190s", name, why);
                end_run(e, now_us, VERDICT_ERROR, text);
        } else if (how == ENGINE_OVER_LOST) {
                (void)snprintf(text, sizeof(text), "%s: lost: %.200s", name, why);
                end_run(e, now_us, VERDICT_ERROR, text);
        } else if (how == ENGINE_OVER_HALTED) {
                (void)snprintf(text, sizeof(text), "%s: halted on the node: %.190s", name, why);
                end_run(e, now_us, VERDICT_ABORTED, text);
        }
        leave_fault_phase(e, now_us);
}

void engine_condition(struct engine *e, uint64_t now_us, const char *why) {
        abort_run(e, now_us, why);
}

void engine_stop(struct engine *e, uint64_t now_us, const char *why) {
        end_run(e, now_us, VERDICT_ABORTED, why);
}

void engine_error(struct engine *e, uint64_t now_us, const char *why) {
        end_run(e, now_us, VERDICT_ERROR, why);
}

void engine_drained(struct engine *e, uint64_t now_us) {
        if (e->phase != ENGINE_DRAIN)
                return;

        for (size_t i = 0; i < e->c->n_slos; i++)
                if (e->c->slos[i].method != SLO_OCCURRENCES && e->begin_us[ENGINE_FAULT] != UINT64_MAX)
                        update_slices(e, i, now_us);
        engine_judge(e, now_us);
        e->phase = ENGINE_DONE;
        push(e, (struct engine_action){ .kind = ENGINE_FINISH });
}

uint64_t engine_deadline_us(const struct engine *e) {
        uint64_t due = UINT64_MAX;

        if (e->phase >= ENGINE_DRAIN || e->begin_us[e->phase] == UINT64_MAX)
                return due;
        if (e->phase == ENGINE_BASELINE)
                return e->begin_us[ENGINE_BASELINE] + e->c->baseline_us;
        if (e->phase == ENGINE_RECOVERY)
                return e->begin_us[ENGINE_RECOVERY] + e->c->recovery_us;

        for (size_t i = 0; i < e->c->n_faults; i++) {
                const struct engine_fault *f = &e->faults[i];
                uint64_t at = UINT64_MAX;

                if (f->state == ENGINE_FAULT_WAITING)
                        at = e->begin_us[ENGINE_FAULT] + e->c->faults[i].after_us;
                else if (f->state == ENGINE_FAULT_ACTIVE)
                        at = f->injected_us + e->c->faults[i].for_us;
                if (at < due)
                        due = at;
        }
        return due;
}
