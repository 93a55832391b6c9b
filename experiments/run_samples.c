/* run_samples.c — from probes' answers to SLIs, stop conditions and the line that people see every second. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/run_internal.h"

#define TAKE_MAX         1024
#define STOP_SAMPLES_MIN 5

static bool counts(const struct slo_source *s, const struct where_answer *a) {
        return !s->where || where_matches(s->where, a);
}

static void feed_slos(struct run *r, size_t probe, const struct probe_sample *s, uint64_t now_us) {
        uint64_t started_us = s->scheduled_us - r->zero_us;

        for (size_t i = 0; i < r->x->n_slos; i++) {
                const struct experiment_slo *slo = &r->x->slos[i];
                bool part;

                if (slo->part_probe != (int)probe || !counts(&slo->slo->total, &s->answer))
                        continue;

                part = counts(&slo->slo->part, &s->answer);
                engine_sample(r->engine, now_us, i, started_us,
                              (struct slo_count){ slo->slo->indicator == SLO_BAD_TOTAL ? !part : part, 1 });
        }
}

static void feed_stops(struct run *r, size_t probe, const struct probe_sample *s, uint64_t now_us) {
        char why[240];

        for (size_t i = 0; i < r->x->n_stops; i++) {
                const struct experiment_stop *stop = &r->x->stops[i];
                struct slo_window *w = &r->stops[i].window;
                struct slo_count recent;

                if (stop->probe_index != (int)probe)
                        continue;

                slo_window_add(w, now_us, (struct slo_count){ !where_matches(stop->where, &s->answer), 1 });
                recent = slo_window_sum(w, now_us, stop->window_us);
                if (recent.total < STOP_SAMPLES_MIN || 1 - recent.good / recent.total <= stop->above_ppm / 1e6)
                        continue;

                (void)snprintf(
                        why, sizeof(why), "stop condition: %.3g%% of the answers of %s match '%.100s', over %.3g%%",
                        100 - 100 * recent.good / recent.total, stop->probe, stop->where_text, stop->above_ppm / 1e4);
                engine_condition(r->engine, now_us, why);
        }
}

/* Latencies are those of answers; a timeout is one too, any other error came too early to compare. */
static void record_latency(struct run *r, size_t probe, const struct probe_sample *s) {
        struct run_probe *p = &r->probes[probe];
        enum engine_phase phase = engine_phase_at(r->engine, s->scheduled_us - r->zero_us);

        p->second_count++;
        if (s->answer.ttft_us) {
                hdr_record(&p->ttft[phase], s->answer.ttft_us);
                hdr_record(&p->itl_p99[phase], s->answer.itl_p99_us);
        }
        if (s->answer.error && s->answer.latency_us < r->x->probes[probe].timeout_us)
                return;

        hdr_record(&p->latency[phase], s->answer.latency_us);
        hdr_record(&p->second, s->answer.latency_us);
}

void run_take_samples(struct run *r, size_t probe) {
        struct probe_sample samples[TAKE_MAX];
        size_t n = probe_take(r->probes[probe].probe, samples, TAKE_MAX);
        uint64_t now_us = run_now_us(r);

        for (size_t k = 0; k < n; k++) {
                if (samples[k].scheduled_us < r->zero_us)
                        continue; /* warm-up */

                record_latency(r, probe, &samples[k]);
                feed_slos(r, probe, &samples[k], now_us);
                feed_stops(r, probe, &samples[k], now_us);
        }
}

uint64_t run_hits(const struct run *r) {
        uint64_t hits = 0;

        for (size_t i = 0; i < r->x->n_faults; i++)
                hits += r->engine->faults[i].hits;
        return hits;
}

static void slo_now(const struct run *r, size_t i, uint32_t second, struct run_slo_now *ret) {
        const struct engine_slo_config *c = &r->slo_config[i];
        const struct engine_slo *s = &r->engine->slos[i];
        enum engine_phase phase = r->engine->phase < ENGINE_PHASES ? r->engine->phase : ENGINE_RECOVERY;
        struct slo_count sum = { 0 };

        for (size_t k = s->n_seconds; k > 0 && k + 100 > s->n_seconds; k--)
                if (s->seconds[k - 1].t_s == second) {
                        sum.good += s->seconds[k - 1].count.good;
                        sum.total += s->seconds[k - 1].count.total;
                }

        *ret = (struct run_slo_now){
                .name = c->name,
                .objective = c->objective,
                .second_sli = slo_compliance(sum),
                .phase_sli = engine_phase_compliance(r->engine, i, phase),
                .burn = slo_burn(slo_compliance(slo_window_sum(&s->window, run_now_us(r), s->alert.long_us)),
                                 c->objective),
                .spent = s->spent,
                .good = (uint64_t)sum.good,
                .total = (uint64_t)sum.total,
        };
        ret->inside = isnan(ret->phase_sli) || ret->phase_sli >= c->objective;
}

/* Planned rest of the phase. */
static double phase_left_s(const struct run *r) {
        const struct engine *e = r->engine;
        const uint64_t lengths[] = { r->x->baseline_us, r->x->fault_us, r->x->recovery_us };
        uint64_t end_us;

        if (e->phase >= ENGINE_PHASES || e->begin_us[e->phase] == UINT64_MAX)
                return 0;

        end_us = e->begin_us[e->phase] + lengths[e->phase];
        return end_us > run_now_us(r) ? (double)(end_us - run_now_us(r)) / 1e6 : 0;
}

void run_show_second(struct run *r) {
        SCOPED_FREE struct run_slo_now *slos = calloc(r->x->n_slos + 1, sizeof(*slos));
        SCOPED_FREE struct hdr *all = calloc(1, sizeof(*all));
        struct run_now now = { .n_slos = r->x->n_slos, .slos = slos, .t_s = (double)run_now_us(r) / 1e6 };

        if (!slos || !all)
                return;

        now.phase = engine_phase_name(r->engine->phase < ENGINE_PHASES ? r->engine->phase : ENGINE_RECOVERY);
        now.phase_left_s = phase_left_s(r);
        for (size_t i = 0; i < r->x->n_slos; i++)
                slo_now(r, i, (uint32_t)(r->next_second ? r->next_second - 1 : 0), &slos[i]);
        for (size_t i = 0; i < r->x->n_probes; i++) {
                hdr_merge(all, &r->probes[i].second);
                now.requests_per_s += (double)r->probes[i].second_count;
                hdr_reset(&r->probes[i].second);
                r->probes[i].second_count = 0;
        }
        now.p50_us = all->count ? (double)hdr_percentile(all, 50) : NAN;
        now.p99_us = all->count ? (double)hdr_percentile(all, 99) : NAN;
        now.hits = run_hits(r);
        for (size_t i = 0; i < r->x->n_faults; i++)
                now.faults_active += r->engine->faults[i].state == ENGINE_FAULT_ACTIVE;
        if (r->o.observer.on_second)
                r->o.observer.on_second(&now, r->o.observer.arg);
}
