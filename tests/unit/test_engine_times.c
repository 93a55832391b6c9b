/* A run made up by hand, and every figure of it that goes into the record: times, burn, budget, worst second. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "experiments/engine.h"
#include "lib/check.h"

#define S      USEC_PER_SEC
#define MS     USEC_PER_MSEC
#define DAY_US (86400 * S)
#define EVERY  (10 * MS) /* a sample */
#define FAULT  (5 * S)   /* baseline 0 … 5, fault 5 … 15, recovery 15 … 25 */
#define NEVER  UINT64_MAX

struct made_up {
        struct engine_slo_config slo;
        struct engine_fault_config fault;
        struct engine_config c;
        uint64_t evidence_us;   /* when the first hit became known */
        uint64_t bad_us, ok_us; /* bad from … to */
        uint64_t relapse_us;    /* bad from the revert to … */
        uint64_t silent_us;     /* the source gives no number from here on … to the revert */
};

static struct made_up made_up(void) {
        return (struct made_up){
                .slo = { .name = "slo",
                         .objective = 0.99,
                         .period_us = 30 * DAY_US,
                         .min_samples = 100,
                         .remaining_before = NAN },
                .fault = { .name = "fault", .for_us = 10 * S },
                .c = { .baseline_us = 5 * S,
                       .recovery_us = 10 * S,
                       .fault_us = 10 * S,
                       .n_slos = 1,
                       .n_faults = 1,
                       .max_spend = 1,
                       .min_remaining = NAN,
                       .burn_limit = NAN,
                       .burn_off = true },
                .evidence_us = FAULT + 600 * MS,
                .bad_us = FAULT + 1100 * MS,
                .ok_us = FAULT + 3000 * MS,
                .relapse_us = 0,
                .silent_us = NEVER,
        };
}

static void act(struct engine *e, uint64_t now) {
        struct engine_action a;

        while (engine_next(e, &a))
                if (a.kind == ENGINE_INJECT)
                        engine_fault_injected(e, now, a.fault);
                else if (a.kind == ENGINE_REVERT)
                        engine_fault_over(e, now, a.fault, ENGINE_OVER_UNDONE, true, "");
                else if (a.kind == ENGINE_STOP_LOAD)
                        engine_drained(e, now);
}

static struct engine *play(struct made_up *m) {
        struct engine *e;

        m->c.slos = &m->slo;
        m->c.faults = &m->fault;
        e = engine_new(&m->c);
        engine_start(e, 0);
        for (uint64_t now = 0; now < 60 * S && e->phase != ENGINE_DONE; now += EVERY) {
                bool bad = (now >= m->bad_us && now < m->ok_us) || (now >= 15 * S && now < 15 * S + m->relapse_us);

                engine_tick(e, now);
                act(e, now);
                if (now == m->evidence_us)
                        engine_fault_evidence(e, now, 0, 1, 1);
                if (now >= m->silent_us && now < 15 * S)
                        engine_no_data(e, now, 0, now, (struct slo_count){ 0, 1 });
                else
                        engine_sample(e, now, 0, now, (struct slo_count){ !bad, 1 });
                act(e, now);
        }
        CHECK(e->phase == ENGINE_DONE, "the run did not end");
        return e;
}

static bool near(double a, double b) {
        return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

static void test_figures(void) {
        struct made_up m = made_up();
        const struct slo_second *worst;
        const struct engine_slo *s;
        struct engine *e;

        m.relapse_us = 400 * MS;
        e = play(&m);
        s = &e->slos[0];
        worst = engine_worst_second(e, 0);
        /* 90 bad ones in second 6, 100 in second 7: 190 of 1000; then 40 in second 15: 230 of 2000. */
        CHECK(e->verdict == VERDICT_FAIL, "%s", verdict_name(e->verdict));
        CHECK(near(s->phases[ENGINE_FAULT].total, 1000) && near(s->phases[ENGINE_FAULT].good, 810), "%f of %f",
              s->phases[ENGINE_FAULT].good, s->phases[ENGINE_FAULT].total);
        CHECK(near(s->detected_s, 0.5), "evidence at 5.6, bad at 6.1: %f", s->detected_s);
        CHECK(near(s->recovered_s, 0.4), "bad until 0.4 after the revert: %f", s->recovered_s);
        CHECK(near(s->peak_burn, 100), "a second without a good one: %f", s->peak_burn);
        CHECK(near(s->mean_burn, 19), "19 %% bad of 1 %%: %f", s->mean_burn);
        CHECK(worst && worst->t_s == 7 && worst->count.good == 0, "second %u", worst ? worst->t_s : 0);
        CHECK(near(s->spent, 11.5 * 19.99 / 2592000), "burn 11.5 until the last sample, of 30 d: %.12f", s->spent);
        engine_free(e);
}

static void test_detection(void) {
        struct made_up m = made_up();
        struct engine *e;

        m.evidence_us = FAULT + 2000 * MS; /* read only after the first bad sample */
        e = play(&m);
        CHECK(e->slos[0].detected_s == 0, "bad before the reading: %f", e->slos[0].detected_s);
        engine_free(e);

        m.evidence_us = NEVER; /* nothing shows that the fault did it */
        e = play(&m);
        CHECK(isnan(e->slos[0].detected_s), "no evidence: %f", e->slos[0].detected_s);
        CHECK(e->verdict == VERDICT_INCONCLUSIVE, "%s", verdict_name(e->verdict));
        engine_free(e);

        m = made_up();
        m.bad_us = NEVER;
        e = play(&m);
        CHECK(isnan(e->slos[0].detected_s), "nothing was bad: %f", e->slos[0].detected_s);
        CHECK(e->verdict == VERDICT_PASS && e->slos[0].recovered_s == 0 && e->slos[0].spent == 0, "%s",
              verdict_name(e->verdict));
        engine_free(e);

        m = made_up(); /* one bad sample before the injection is not the fault's */
        m.fault.after_us = 3 * S;
        m.bad_us = FAULT + 1 * S;
        m.ok_us = m.bad_us + EVERY;
        m.evidence_us = FAULT + 3500 * MS;
        e = play(&m);
        CHECK(isnan(e->slos[0].detected_s), "before the injection: %f", e->slos[0].detected_s);
        engine_free(e);
}

static void test_slices(void) {
        struct made_up m = made_up();
        struct engine *e;

        /* Seconds 6 (10 % good) and 7 (0 %) are bad slices of 10, and 2 of the 20 with the recovery. */
        m.slo.method = SLO_TIMESLICES;
        m.slo.slice_us = S;
        m.slo.slice_target = 0.95;
        e = play(&m);
        CHECK(near(e->slos[0].compliance[ENGINE_FAULT], 0.8), "%f", e->slos[0].compliance[ENGINE_FAULT]);
        CHECK(near(e->slos[0].mean_burn, 20), "%f", e->slos[0].mean_burn);
        CHECK(near(e->slos[0].spent, 10.0 * 20 / 2592000), "%.12f", e->slos[0].spent);
        engine_free(e);

        m.slo.slice_target = 0.1;
        e = play(&m);
        CHECK(near(e->slos[0].compliance[ENGINE_FAULT], 0.9), "%f", e->slos[0].compliance[ENGINE_FAULT]);
        engine_free(e);

        m.slo.method = SLO_RATIO_TIMESLICES; /* (8 x 1 + 0.1 + 0) / 10 */
        e = play(&m);
        CHECK(near(e->slos[0].compliance[ENGINE_FAULT], 0.81), "%f", e->slos[0].compliance[ENGINE_FAULT]);
        engine_free(e);
}

static void test_silence(void) {
        struct made_up m = made_up();
        struct engine *e;

        m.bad_us = NEVER;
        m.silent_us = FAULT + 8 * S;
        e = play(&m);
        CHECK(near(e->slos[0].compliance[ENGINE_FAULT], 0.8), "%f", e->slos[0].compliance[ENGINE_FAULT]);
        CHECK(near(e->slos[0].detected_s, 7.4), "%f", e->slos[0].detected_s);
        CHECK(e->verdict == VERDICT_FAIL, "%s", verdict_name(e->verdict));
        engine_free(e);

        m.slo.no_data_us = 1 * S; /* silence is bad, and stays silence */
        e = play(&m);
        CHECK(e->verdict == VERDICT_ABORTED && strstr(e->reasons[0].text, "no data for 1 s"), "%s: %s",
              verdict_name(e->verdict), e->n_reasons ? e->reasons[0].text : "");
        engine_free(e);

        m.slo.no_data_us = 0;
        m.silent_us = 4 * S; /* before the fault it is only silence */
        e = play(&m);
        CHECK(near(e->slos[0].phases[ENGINE_BASELINE].total, 400), "%f", e->slos[0].phases[ENGINE_BASELINE].total);
        CHECK(e->slos[0].compliance[ENGINE_FAULT] == 0, "%f", e->slos[0].compliance[ENGINE_FAULT]);
        engine_free(e);
}

int main(void) {
        test_figures();
        test_detection();
        test_slices();
        test_silence();
        return check_result();
}
