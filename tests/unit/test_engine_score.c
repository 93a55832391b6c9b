/* Any run at all, from the engine's first event through its record to the score and the gate: 10,000 random ones. Each
 * ends in bounded time with exactly one verdict, passes only with evidence, and scores between 0 and 100. */
#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/run_internal.h"
#include "lib/check.h"
#include "scorecards/gate.h"
#include "scorecards/score.h"

#define S        USEC_PER_SEC
#define RUNS     10000
#define BATCH    100 /* runs that are scored together */
#define SLOS     4
#define FAULTS   8
#define START_US (1795000000 * USEC_PER_SEC)
#define NOW_US   (START_US + 86400 * S)

struct random_run {
        unsigned seed, state;
        struct engine_config c;
        struct engine_slo_config slos[SLOS];
        struct engine_fault_config faults[FAULTS];
        double good[ENGINE_PHASES]; /* share of good samples in each phase */
        bool pending[FAULTS], live[FAULTS];
        unsigned injects, finishes;
        uint64_t now_us;
        struct engine *e;
};

static double chance(struct random_run *r) {
        return (double)rand_r(&r->state) / ((double)RAND_MAX + 1);
}

static uint64_t up_to(struct random_run *r, double limit_us) {
        return (uint64_t)(chance(r) * limit_us);
}

static void configure_slos(struct random_run *r) {
        for (size_t i = 0; i < r->c.n_slos; i++)
                r->slos[i] = (struct engine_slo_config){
                        .name = "slo",
                        .objective = 0.5 + chance(r) * 0.499,
                        .period_us = 30 * 86400 * S,
                        .min_samples = 1 + up_to(r, 200),
                        .no_data_us = chance(r) < 0.3 ? 2 * S : 0,
                        .method = (enum slo_method)up_to(r, 3),
                        .slice_us = S,
                        .slice_target = chance(r),
                        .remaining_before = chance(r) < 0.8 ? NAN : chance(r),
                };
}

static void configure_faults(struct random_run *r) {
        for (size_t i = 0; i < r->c.n_faults; i++) {
                struct engine_fault_config *f = &r->faults[i];

                *f = (struct engine_fault_config){ .name = "f",
                                                   .after_us = up_to(r, 2 * S),
                                                   .for_us = up_to(r, 4 * S) + 1 };
                if (f->after_us + f->for_us > r->c.fault_us)
                        r->c.fault_us = f->after_us + f->for_us;
        }
}

/* Most services are well, most of the time: otherwise nothing would ever pass. */
static void configure(struct random_run *r) {
        r->c = (struct engine_config){
                .n_slos = 1 + (size_t)up_to(r, 3),
                .n_faults = (size_t)up_to(r, 5),
                .baseline_us = up_to(r, 3 * S) + S,
                .recovery_us = up_to(r, 5 * S),
                .max_spend = chance(r) < 0.5 ? 0.1 : chance(r) * 0.001,
                .min_remaining = chance(r) < 0.9 ? NAN : chance(r) * 0.5,
                .burn_limit = chance(r) < 0.3 ? chance(r) * 50 : NAN,
                .recover_within_us = chance(r) < 0.5 ? S : 0,
                .slos = r->slos,
                .faults = r->faults,
        };
        configure_slos(r);
        configure_faults(r);
        for (int p = 0; p < ENGINE_PHASES; p++)
                r->good[p] = chance(r) < 0.7 ? 1 : chance(r);
}

static void samples(struct random_run *r) {
        double late_us = r->now_us < 100000 ? (double)r->now_us : 100000;

        for (size_t i = 0; i < r->c.n_slos; i++)
                if (chance(r) < 0.9)
                        engine_sample(r->e, r->now_us, i, r->now_us - up_to(r, late_us),
                                      (struct slo_count){ chance(r) < r->good[engine_phase_at(r->e, r->now_us)], 1 });
}

static void accidents(struct random_run *r) {
        for (size_t i = 0; i < r->c.n_faults; i++)
                if (r->pending[i] && chance(r) < 0.5) {
                        r->pending[i] = false;
                        r->live[i] = true;
                        engine_fault_injected(r->e, r->now_us, i);
                        engine_fault_evidence(r->e, r->now_us, i, chance(r) < 0.85 ? 5 : 0,
                                              chance(r) < 0.9 ? 1 : (int)up_to(r, 2) - 1);
                } else if (r->pending[i] && chance(r) < 0.02) {
                        r->pending[i] = false;
                        engine_fault_failed(r->e, r->now_us, i, "no");
                } else if (r->live[i] && chance(r) < 0.0005) {
                        r->live[i] = false;
                        engine_fault_over(r->e, r->now_us, i, (enum engine_over)up_to(r, 3), chance(r) < 0.9,
                                          "accident");
                }
        if (chance(r) < 0.0005)
                engine_stop(r->e, r->now_us, "stop");
        if (chance(r) < 0.0005)
                engine_condition(r->e, r->now_us, "condition");
}

static void obey(struct random_run *r) {
        struct engine_action a;

        while (engine_next(r->e, &a)) {
                CHECK(r->finishes == 0, "seed %u: an action after the end", r->seed);
                switch (a.kind) {
                case ENGINE_INJECT:
                        r->injects++;
                        CHECK(!r->pending[a.fault] && !r->live[a.fault], "seed %u: injected twice", r->seed);
                        CHECK(r->e->begin_us[ENGINE_FAULT] != UINT64_MAX, "seed %u: injected too early", r->seed);
                        r->pending[a.fault] = true;
                        break;
                case ENGINE_REVERT:
                        CHECK(r->live[a.fault], "seed %u: reverted what is not there", r->seed);
                        r->live[a.fault] = false;
                        engine_fault_over(r->e, r->now_us, a.fault, ENGINE_OVER_UNDONE, true, "");
                        break;
                case ENGINE_BEGIN_PHASE:
                        for (size_t i = 0; a.phase == ENGINE_RECOVERY && i < r->c.n_faults; i++)
                                CHECK(!r->live[i] && !r->pending[i], "seed %u: recovery with a live fault", r->seed);
                        break;
                case ENGINE_STOP_LOAD:
                        engine_drained(r->e, r->now_us);
                        break;
                case ENGINE_FINISH:
                        r->finishes++;
                        break;
                case ENGINE_ABORT:
                        break;
                }
        }
}

static void run_to_its_end(struct random_run *r) {
        uint64_t limit_us = r->c.baseline_us + r->c.fault_us + r->c.recovery_us + 20 * S;

        engine_start(r->e, 0);
        obey(r);
        while (r->e->phase != ENGINE_DONE && r->now_us < limit_us) {
                r->now_us += up_to(r, 40000);
                samples(r);
                accidents(r);
                engine_tick(r->e, r->now_us);
                obey(r);
        }
        CHECK(r->e->phase == ENGINE_DONE && r->finishes == 1, "seed %u: did not end: phase %d, %u ends", r->seed,
              (int)r->e->phase, r->finishes);
        for (size_t i = 0; i < r->c.n_faults; i++)
                CHECK(!r->live[i] && !r->pending[i], "seed %u: a fault is left", r->seed);
}

/* ── what must hold of each ────────────────────────────────────────────────────────────────────────────────── */

static void check_pass_has_proof(const struct random_run *r) {
        CHECK(r->c.n_faults > 0 && r->injects == r->c.n_faults, "seed %u: passed with %u faults", r->seed, r->injects);
        for (size_t i = 0; i < r->c.n_faults; i++)
                CHECK(r->e->faults[i].hits > 0 && r->e->faults[i].verified != 0, "seed %u: passed without evidence",
                      r->seed);
        for (size_t i = 0; i < r->c.n_slos; i++) {
                const struct engine_slo *s = &r->e->slos[i];

                CHECK(s->conclusive && s->held && s->phases[ENGINE_FAULT].total >= (double)r->slos[i].min_samples &&
                              s->compliance[ENGINE_FAULT] >= r->slos[i].objective,
                      "seed %u: passed with a broken SLO", r->seed);
        }
}

static void check_engine(const struct random_run *r) {
        CHECK(r->e->verdict <= VERDICT_ERROR, "seed %u: verdict %d", r->seed, (int)r->e->verdict);
        CHECK((r->e->verdict == VERDICT_PASS) == (r->e->n_reasons == 0), "seed %u: %s with %zu reasons", r->seed,
              verdict_name(r->e->verdict), r->e->n_reasons);
        if (r->e->verdict == VERDICT_PASS)
                check_pass_has_proof(r);
        for (size_t i = 0; i < r->c.n_slos; i++) {
                const struct engine_slo *s = &r->e->slos[i];
                double sum = 0;

                for (size_t k = 0; k < s->n_seconds; k++)
                        sum += s->seconds[k].count.total;
                CHECK(sum == (double)s->samples, "seed %u: the series lacks samples", r->seed);
                CHECK(!(s->spent < 0), "seed %u: spent %f", r->seed, s->spent);
        }
}

static bool is_share(const json_t *x) {
        return json_is_null(x) || (json_is_number(x) && json_number_value(x) >= 0 && json_number_value(x) <= 1);
}

static void check_card(const json_t *card, unsigned seed) {
        double value = json_number_at(card, "value", NAN);

        CHECK(json_is_number(json_object_get(card, "value")) == (json_int_at(card, "checks", -1) > 0),
              "seed %u: a value without a check, or none with one", seed);
        CHECK(is_share(json_object_get(card, "value")) && is_share(json_object_get(card, "coverage")) &&
                      is_share(json_object_get(card, "freshness")),
              "seed %u: value %f, coverage %f", seed, value, json_number_at(card, "coverage", NAN));
        if (!isnan(value))
                CHECK(json_number_at(card, "interval/low", NAN) <= value + 1e-12 &&
                              json_number_at(card, "interval/high", NAN) >= value - 1e-12 &&
                              is_share(json_at(card, "interval/low")) && is_share(json_at(card, "interval/high")),
                      "seed %u: the interval does not hold the value %f", seed, value);
}

/* The same verdict in the record, in the gate's decision and in its exit code; no evidence, no check. */
static void check_record(const struct random_run *r, const struct score_profile *profile, const json_t *record) {
        static const struct gate_rules rules = { .min_score = NAN, .min_coverage = NAN };
        SCOPED_JSON json_t *runs =
                json_pack("[{s:s s:s s:s s:O}]", "file", "x", "experiment", "x", "service", "shop", "record", record);
        SCOPED_JSON json_t *gate = NULL;
        const json_t *card;
        struct err e = { 0 };
        bool undo_failed = json_is_false(json_at(record, "residue/clean"));
        int code = undo_failed ? RUN_EXIT_RESIDUE : verdict_exit_code(r->e->verdict);

        CHECK_STR(json_text_at(record, "verdict/result", "none"), verdict_name(r->e->verdict));
        CHECK(json_int_at(record, "verdict/exit_code", -1) == code, "seed %u: exit code", r->seed);
        CHECK(gate_judge(&rules, profile, runs, NULL, NULL, NOW_US, &gate, &e) == 0, "seed %u: %s", r->seed, e.msg);
        CHECK(json_int_at(gate, "verdict/exit_code", -1) == code, "seed %u: the gate says otherwise", r->seed);

        card = json_at(gate, "scorecards/0");
        check_card(card, r->seed);
        CHECK(json_int_at(record, "verdict/evidence_hits", 0) > 0 || json_int_at(card, "checks", -1) == 0,
              "seed %u: judged without evidence", r->seed);
        CHECK(r->e->verdict != VERDICT_PASS || json_number_at(card, "value", 0) == 1, "seed %u: passed, scores %f",
              r->seed, json_number_at(card, "value", NAN));
}

/* ── the record that the runner would make of it ───────────────────────────────────────────────────────────── */

static char text_slo[] = "slo", text_fault[] = "f", text_kind[] = "net.delay", text_node[] = "local";
static char text_service[] = "shop", text_name[] = "any", text_file[] = "any.yaml", text_met[] = "met";

static json_t *record_of(struct random_run *r) {
        struct slo slos[SLOS] = { 0 };
        struct experiment_slo x_slos[SLOS] = { 0 };
        struct experiment_fault x_faults[FAULTS] = { 0 };
        struct experiment x = { .name = text_name,
                                .service = text_service,
                                .owner = text_name,
                                .hypothesis = text_name,
                                .file = text_file,
                                .slos = x_slos,
                                .n_slos = r->c.n_slos,
                                .faults = x_faults,
                                .n_faults = r->c.n_faults,
                                .recover_within_us = r->c.recover_within_us };
        struct run_fault faults[FAULTS] = { 0 };
        struct run run = { .x = &x,
                           .slo_config = r->slos,
                           .engine = r->e,
                           .faults = faults,
                           .start_wall_us = START_US + r->seed * S,
                           .end_us = r->now_us,
                           .notes = json_array() };
        struct err e = { 0 };
        json_t *record = NULL;

        (void)snprintf(run.id, sizeof(run.id), "run-%u", r->seed);
        for (size_t i = 0; i < r->c.n_slos; i++) {
                slos[i] = (struct slo){ .name = text_slo,
                                        .service = text_service,
                                        .objective = r->slos[i].objective,
                                        .part = { .is_probe = true },
                                        .window_us = r->slos[i].period_us,
                                        .method = r->slos[i].method };
                x_slos[i] = (struct experiment_slo){ .slo = &slos[i], .expect_text = text_met };
        }
        for (size_t i = 0; i < r->c.n_faults; i++) {
                x_faults[i] = (struct experiment_fault){ .name = text_fault, .kind = text_kind, .node = text_node };
                faults[i].object = json_pack("{s:s s:{s:I}}", "kind", text_kind, "evidence", "hits",
                                             (json_int_t)r->e->faults[i].hits);
                if (r->e->faults[i].undo_failed)
                        (void)snprintf(faults[i].undo_error, sizeof(faults[i].undo_error), "accident");
        }
        CHECK(run_make_record(&run, &record, &e) == 0, "seed %u: %s", r->seed, e.msg);
        for (size_t i = 0; i < r->c.n_faults; i++)
                json_decref(faults[i].object);
        json_decref(run.notes);
        return record;
}

static void score_together(const struct score_profile *profile, json_t *records, unsigned seed) {
        struct err e = { 0 };
        json_t *card = NULL;

        CHECK(score_compute(profile, records, SCORE_BY_SERVICE, "shop", NOW_US, &card, &e) == 0, "%s", e.msg);
        check_card(card, seed);
        json_decref(card);
        (void)json_array_clear(records);
}

int main(void) {
        SCOPED(score_profile_freep) struct score_profile *profile = NULL;
        SCOPED_JSON json_t *records = json_array();
        unsigned seen[VERDICT_ERROR + 1] = { 0 };
        struct err e = { 0 };

        if (score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &profile, &e) < 0) {
                (void)fprintf(stderr, "%s\n", e.msg);
                return 1;
        }
        for (unsigned seed = 1; seed <= RUNS; seed++) {
                struct random_run r = { .seed = seed, .state = seed };
                json_t *record;

                configure(&r);
                r.e = engine_new(&r.c);
                if (!r.e)
                        abort();
                run_to_its_end(&r);
                check_engine(&r);
                record = record_of(&r);
                check_record(&r, profile, record);
                seen[r.e->verdict]++;
                engine_free(r.e);
                (void)json_array_append_new(records, record);
                if (json_array_size(records) == BATCH)
                        score_together(profile, records, seed);
        }
        /* Whoever sees only errors proves nothing about passes. */
        for (int v = VERDICT_PASS; v <= VERDICT_ERROR; v++) {
                (void)fprintf(stderr, "%s: %u\n", verdict_name((enum verdict)v), seen[v]);
                CHECK(seen[v] >= RUNS / 100, "only %u of %d runs were %s", seen[v], RUNS,
                      verdict_name((enum verdict)v));
        }
        return check_result();
}
