/* The engine without a clock: whole runs in microseconds, and many random ones. */
#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "experiments/engine.h"
#include "lib/check.h"

#define S      USEC_PER_SEC
#define DAY_US (86400 * S)

/* A world around the engine: 100 samples a second, faults that answer at once, a service as good as the test says. */
struct world {
        struct engine_config c;
        struct engine_slo_config slos[4];
        struct engine_fault_config faults[8];
        double good[ENGINE_PHASES]; /* share of good samples in each phase */
        uint64_t hits;
        int verified;
        bool refuse_inject, undo_fails, silent;
        uint64_t stop_at_us, condition_at_us, bad_from_us, bad_to_us;
        unsigned injected, reverted, begun[ENGINE_PHASES];
        uint64_t ended_us;
        struct engine *e;
};

static struct world world_new(void) {
        struct world w = { .hits = 1, .verified = 1, .good = { 1, 1, 1 }, .bad_from_us = UINT64_MAX };

        w.slos[0] = (struct engine_slo_config){
                .name = "slo", .objective = 0.99, .period_us = 30 * DAY_US, .min_samples = 100, .remaining_before = NAN
        };
        w.faults[0] = (struct engine_fault_config){ .name = "fault", .for_us = 10 * S };
        w.c = (struct engine_config){ .baseline_us = 5 * S,
                                      .recovery_us = 10 * S,
                                      .fault_us = 10 * S,
                                      .n_slos = 1,
                                      .n_faults = 1,
                                      .max_spend = 0.1,
                                      .min_remaining = NAN,
                                      .burn_limit = NAN };
        return w;
}

static void world_act(struct world *w, uint64_t now) {
        struct engine_action a;

        while (engine_next(w->e, &a))
                switch (a.kind) {
                case ENGINE_BEGIN_PHASE:
                        w->begun[a.phase]++;
                        break;
                case ENGINE_INJECT:
                        if (w->refuse_inject) {
                                engine_fault_failed(w->e, now, a.fault, "refused");
                                break;
                        }
                        w->injected++;
                        engine_fault_injected(w->e, now, a.fault);
                        engine_fault_evidence(w->e, now, a.fault, w->hits, w->verified);
                        break;
                case ENGINE_REVERT:
                        w->reverted++;
                        engine_fault_over(w->e, now, a.fault, ENGINE_OVER_UNDONE, !w->undo_fails, "cannot");
                        break;
                case ENGINE_STOP_LOAD:
                        engine_drained(w->e, now);
                        break;
                case ENGINE_FINISH:
                        w->ended_us = now;
                        break;
                case ENGINE_ABORT:
                        break;
                }
}

static void world_sample(struct world *w, uint64_t now) {
        double share = w->good[engine_phase_at(w->e, now)];
        bool bad_time = now >= w->bad_from_us && now < w->bad_to_us;

        if (w->silent && w->e->phase == ENGINE_FAULT)
                return;
        for (size_t i = 0; i < w->c.n_slos; i++)
                engine_sample(w->e, now, i, now, (struct slo_count){ bad_time ? 0 : share * 1.0, 1 });
}

/* Runs to the end; at most 10 simulated minutes. The caller frees w->e. */
static enum verdict world_run(struct world *w) {
        w->c.slos = w->slos;
        w->c.faults = w->faults;
        w->e = engine_new(&w->c);
        if (!w->e)
                abort();

        engine_start(w->e, 0);
        for (uint64_t now = 0; now < 600 * S && w->e->phase != ENGINE_DONE; now += 10 * USEC_PER_MSEC) {
                world_act(w, now);
                if (w->e->phase == ENGINE_DONE)
                        break;
                world_sample(w, now);
                world_act(w, now);
                if (w->stop_at_us && now >= w->stop_at_us)
                        engine_stop(w->e, now, "stopped");
                if (w->condition_at_us && now >= w->condition_at_us)
                        engine_condition(w->e, now, "condition");
                engine_tick(w->e, now);
                world_act(w, now);
        }
        CHECK(w->e->phase == ENGINE_DONE, "the run did not end");
        return w->e->verdict;
}

static const char *first_reason(const struct world *w) {
        return w->e->n_reasons ? w->e->reasons[0].text : "";
}

/* Run w and compare; reason: part of the first reason, or NULL. */
#define EXPECT(w, want, reason)                                                                                        \
        do {                                                                                                           \
                enum verdict got_ = world_run(&(w));                                                                   \
                CHECK(got_ == (want), "%s, not %s: %s", verdict_name(got_), verdict_name(want), first_reason(&(w)));   \
                CHECK(!(reason) || strstr(first_reason(&(w)), (reason) ? (reason) : ""), "reason '%s'",                \
                      first_reason(&(w)));                                                                             \
                CHECK((w).injected == (w).reverted, "%u injected, %u reverted", (w).injected, (w).reverted);           \
        } while (0)

static void test_pass(void) {
        struct world w = world_new();

        EXPECT(w, VERDICT_PASS, NULL);
        CHECK(w.begun[0] == 1 && w.begun[1] == 1 && w.begun[2] == 1, "each phase once");
        CHECK(w.ended_us >= 25 * S && w.ended_us < 25 * S + S / 10, "ended at %lu", w.ended_us);
        CHECK(w.e->slos[0].held && w.e->slos[0].conclusive && w.e->slos[0].recovered_s == 0, "SLO");
        engine_free(w.e);
}

static void test_fail(void) {
        struct world w = world_new();

        w.good[ENGINE_FAULT] = 0.5;
        EXPECT(w, VERDICT_FAIL, "slo: 50% good in the fault phase, objective 99%");
        CHECK(fabs(w.e->slos[0].mean_burn - 50) < 1e-6, "burn %f", w.e->slos[0].mean_burn);
        CHECK(w.e->slos[0].detected_s < 0.5, "detected after %f", w.e->slos[0].detected_s);
        engine_free(w.e);

        /* The same is what somebody expects who allows a burn rate of 60, or 1 % of the budget. */
        w = world_new();
        w.good[ENGINE_FAULT] = 0.5;
        w.slos[0].expect = (struct experiment_expect){ EXPECT_BURN, 60 };
        EXPECT(w, VERDICT_PASS, NULL);
        engine_free(w.e);
        w = world_new();
        w.good[ENGINE_FAULT] = 0.5;
        w.slos[0].expect = (struct experiment_expect){ EXPECT_BURN, 49 };
        EXPECT(w, VERDICT_FAIL, "burn rate 50 in the fault phase");
        engine_free(w.e);
        w = world_new();
        w.good[ENGINE_FAULT] = 0.5;
        w.slos[0].expect = (struct experiment_expect){ EXPECT_SPEND, 0.01 };
        EXPECT(w, VERDICT_PASS, NULL);
        engine_free(w.e);
}

static void test_baseline(void) {
        struct world w = world_new();

        w.good[ENGINE_BASELINE] = 0.98;
        EXPECT(w, VERDICT_ERROR, "not steady before we started: 98% good");
        CHECK(w.injected == 0 && w.begun[ENGINE_FAULT] == 0, "nothing was injected");
        engine_free(w.e);

        w = world_new();
        w.c.n_slos = 2;
        w.slos[1] = w.slos[0];
        w.slos[1].name = "mute";
        w.c.slos = w.slos;
        w.c.faults = w.faults;
        w.e = engine_new(&w.c);
        engine_start(w.e, 0);
        for (uint64_t now = 0; now <= 5 * S; now += 10 * USEC_PER_MSEC) {
                engine_sample(w.e, now, 0, now, (struct slo_count){ 1, 1 });
                engine_tick(w.e, now);
                world_act(&w, now);
        }
        CHECK(w.e->verdict == VERDICT_ERROR && strstr(first_reason(&w), "mute: no data"), "%s", first_reason(&w));
        engine_free(w.e);
}

static void test_inconclusive(void) {
        struct world w = world_new();

        w.hits = 0;
        EXPECT(w, VERDICT_INCONCLUSIVE, "no evidence that it acted");
        engine_free(w.e);

        w = world_new();
        w.verified = 0;
        EXPECT(w, VERDICT_INCONCLUSIVE, "could not be verified");
        engine_free(w.e);

        w = world_new();
        w.slos[0].min_samples = 5000;
        EXPECT(w, VERDICT_INCONCLUSIVE, "fewer than minSamples");
        engine_free(w.e);

        /* Too little evidence outranks a broken SLO: what was not caused by us is not our finding. */
        w = world_new();
        w.hits = 0;
        w.good[ENGINE_FAULT] = 0.2;
        EXPECT(w, VERDICT_INCONCLUSIVE, NULL);
        engine_free(w.e);

        w = world_new();
        w.c.n_faults = 0;
        EXPECT(w, VERDICT_INCONCLUSIVE, NULL);
        engine_free(w.e);
}

static void test_aborts(void) {
        struct world w = world_new();

        w.stop_at_us = 8 * S;
        EXPECT(w, VERDICT_ABORTED, "stopped");
        CHECK(w.ended_us < 8 * S + S / 10 && w.begun[ENGINE_RECOVERY] == 0, "ends at once: %lu", w.ended_us);
        engine_free(w.e);

        w = world_new();
        w.stop_at_us = 2 * S;
        EXPECT(w, VERDICT_ABORTED, "stopped");
        CHECK(w.injected == 0, "stopped in the baseline");
        engine_free(w.e);

        w = world_new();
        w.condition_at_us = 7 * S;
        EXPECT(w, VERDICT_ABORTED, "condition");
        CHECK(w.begun[ENGINE_RECOVERY] == 1 && w.e->begin_us[ENGINE_RECOVERY] == 7 * S, "recovery is watched");
        CHECK(w.e->undone_us == w.e->abort_us, "undone at once");
        engine_free(w.e);

        w = world_new();
        w.c.burn_limit = 14.4;
        w.good[ENGINE_FAULT] = 0;
        EXPECT(w, VERDICT_ABORTED, "burn rate");
        /* 14.4 % of the 5 s window */
        CHECK(w.e->abort_us >= 5700 * USEC_PER_MSEC && w.e->abort_us <= 5800 * USEC_PER_MSEC, "at %lu", w.e->abort_us);
        engine_free(w.e);

        w = world_new();
        w.c.burn_limit = 14.4;
        w.c.burn_off = true;
        w.good[ENGINE_FAULT] = 0;
        EXPECT(w, VERDICT_FAIL, NULL);
        engine_free(w.e);

        /* An outage spends 100 x t / 30 d; a cap of 0.01 % is reached after 2.592 s. */
        w = world_new();
        w.c.burn_off = true;
        w.c.max_spend = 0.0001;
        w.good[ENGINE_FAULT] = 0;
        EXPECT(w, VERDICT_ABORTED, "the cap is 0.01%");
        CHECK(w.e->abort_us >= 7580 * USEC_PER_MSEC && w.e->abort_us <= 7620 * USEC_PER_MSEC, "at %lu", w.e->abort_us);
        engine_free(w.e);

        w = world_new();
        w.silent = true;
        w.slos[0].no_data_us = 3 * S;
        EXPECT(w, VERDICT_ABORTED, "no data for 3 s");
        engine_free(w.e);
}

static void test_gate(void) {
        struct world w = world_new();

        w.c.min_remaining = 0.25;
        w.slos[0].remaining_before = 0.2;
        EXPECT(w, VERDICT_ERROR, "has 20% of its error budget left, under minRemaining 25%");
        CHECK(w.begun[0] == 0 && w.injected == 0, "nothing began");
        engine_free(w.e);

        w.c.override_gate = true;
        EXPECT(w, VERDICT_PASS, NULL);
        engine_free(w.e);

        w = world_new();
        w.c.min_remaining = 0.25;
        EXPECT(w, VERDICT_PASS, NULL); /* unknown is not under */
        engine_free(w.e);

        w = world_new();
        w.slos[0].expect = (struct experiment_expect){ EXPECT_SPEND, 0.2 };
        EXPECT(w, VERDICT_ERROR, "is expected to spend 20%");
        engine_free(w.e);
}

static void test_errors(void) {
        struct world w = world_new();

        w.refuse_inject = true;
        EXPECT(w, VERDICT_ERROR, "could not inject: refused");
        engine_free(w.e);

        w = world_new();
        w.undo_fails = true;
        EXPECT(w, VERDICT_ERROR, "the undo failed");
        engine_free(w.e);

        /* The second of three is refused: the first is reverted, the third never tried. */
        w = world_new();
        w.c.n_faults = 3;
        w.c.fault_us = 14 * S;
        for (int i = 0; i < 3; i++)
                w.faults[i] =
                        (struct engine_fault_config){ .name = "f", .for_us = 10 * S, .after_us = (uint64_t)i * 2 * S };
        EXPECT(w, VERDICT_PASS, NULL);
        CHECK(w.injected == 3 && w.e->end_us[ENGINE_FAULT] >= 19 * S, "side by side: %u", w.injected);
        engine_free(w.e);
}

static void test_recovery(void) {
        struct world w = world_new();

        w.c.recover_within_us = 5 * S;
        w.bad_from_us = 15 * S;
        w.bad_to_us = 17 * S;
        EXPECT(w, VERDICT_PASS, NULL);
        CHECK(fabs(w.e->slos[0].recovered_s - 2) < 0.15, "recovered after %f", w.e->slos[0].recovered_s);
        engine_free(w.e);

        w.c.recover_within_us = 1 * S;
        w.injected = w.reverted = 0;
        EXPECT(w, VERDICT_FAIL, "back inside its objective after");
        engine_free(w.e);

        w = world_new();
        w.c.recover_within_us = 5 * S;
        w.good[ENGINE_RECOVERY] = 0.9;
        EXPECT(w, VERDICT_FAIL, "not back inside");
        CHECK(isnan(w.e->slos[0].recovered_s), "never");
        engine_free(w.e);
}

int main(void) {
        test_pass();
        test_fail();
        test_baseline();
        test_inconclusive();
        test_aborts();
        test_gate();
        test_errors();
        test_recovery();
        return check_result();
}
