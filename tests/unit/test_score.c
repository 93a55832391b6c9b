/* Scores against paper: the formulas alone, then scorecards of small hand-made histories. */
#include "scorecards/score.h"

#include <errno.h>
#include <math.h>

#include "core/err.h"
#include "lib/check.h"
#include "scorecards/score_math.h"

#define NEAR(a, b) (fabs((a) - (b)) < 5e-4)
#define DAY_S      86400.0

static void test_math(void) {
        /* p, n, low, high: Wilson's formula worked out by hand. */
        static const double wilson[][4] = {
                { 0.5, 10, 0.2366, 0.7634 },
                { 1.0, 10, 0.7225, 1.0 },
                { 0.0, 4, 0.0, 0.4899 },
                { 0.9, 100, 0.8256, 0.9448 },
        };
        struct score_sum sum = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(wilson); i++) {
                struct score_interval got = score_wilson(wilson[i][0], wilson[i][1]);

                CHECK(NEAR(got.low, wilson[i][2]) && NEAR(got.high, wilson[i][3]), "p %g n %g: %g … %g", wilson[i][0],
                      wilson[i][1], got.low, got.high);
        }
        CHECK(NEAR(score_freshness(30 * DAY_S, 30 * DAY_S), 0.5), "one half-life");
        CHECK(NEAR(score_freshness(60 * DAY_S, 30 * DAY_S), 0.25), "two half-lives");
        CHECK(score_freshness(-5, 30 * DAY_S) == 1, "the future");

        CHECK(isnan(score_sum_value(&sum)), "an empty sum has no value");
        score_sum_add(&sum, 3, 1);
        score_sum_add(&sum, 1, 0);
        CHECK(NEAR(score_sum_value(&sum), 0.75), "%g", score_sum_value(&sum));
        CHECK(NEAR(score_sum_effective_n(&sum), 1.6), "%g", score_sum_effective_n(&sum));
}

/* One run with one SLO. */
static json_t *run(const char *id, const char *started, const char *kind, int hits, const char *verdict, int held) {
        return json_pack("{s:s s:s s:{s:s s:s} s:[{s:{s:s s:{s:i}}}] s:{s:s s:i} s:[{s:s s:b s:b s:f}] s:[]}", "id", id,
                         "started", started, "experiment", "service", "shop", "name", kind, "faults", "fault", "kind",
                         kind, "evidence", "hits", hits, "verdict", "result", verdict, "evidence_hits", hits, "slos",
                         "name", "avail", "held", held, "conclusive", 1, "objective", 0.99, "findings");
}

static json_t *card_of(json_t *records) {
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        struct err e = { 0 };
        json_t *card = NULL;

        CHECK(score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e) == 0, "%s", e.msg);
        if (p)
                CHECK(score_compute(p, records, SCORE_BY_SERVICE, "shop", 1763856000ULL * 1000000, &card, &e) == 0,
                      "%s", e.msg);
        return card;
}

/* 1763856000 is 2025-11-23T00:00:00Z; a run 30 days before counts half. */
static void test_value_coverage_grade(void) {
        SCOPED_JSON json_t *records =
                json_pack("[o o o]", run("a", "2025-11-23T00:00:00.000Z", "net.delay", 9, "fail", 0),
                          run("b", "2025-10-24T00:00:00.000Z", "proc.kill", 1, "pass", 1),
                          run("c", "2025-11-23T00:00:00.000Z", "disk.fill", 0, "inconclusive", 1));
        SCOPED_JSON json_t *card = card_of(records);

        CHECK(NEAR(json_number_at(card, "value", -1), 1.0 / 3), "value %g", json_number_at(card, "value", -1));
        /* net 3·1 + proc 3·½, of 3 + 3 + 2 + 1; disk.fill hit nothing and exercised nothing */
        CHECK(NEAR(json_number_at(card, "coverage", -1), 0.5), "coverage %g", json_number_at(card, "coverage", -1));
        CHECK_STR(json_text_at(card, "grade", ""), "F");
        CHECK(json_int_at(card, "checks", 0) == 2, "inconclusive runs are no checks");
        CHECK(json_int_at(card, "runs/inconclusive", 0) == 1, "but they are counted");
        CHECK(json_array_size(json_at(card, "terms")) == 2, "terms");
        CHECK(json_number_at(card, "interval/low", 2) < 1.0 / 3 && json_number_at(card, "interval/high", 0) > 1.0 / 3,
              "the interval holds the value");
}

static void test_no_evidence_no_value(void) {
        SCOPED_JSON json_t *records =
                json_pack("[o]", run("a", "2025-11-23T00:00:00.000Z", "net.delay", 0, "inconclusive", 1));
        SCOPED_JSON json_t *card = card_of(records);

        CHECK(json_is_null(json_at(card, "value")), "a value without evidence");
        CHECK_STR(json_text_at(card, "grade", ""), "none");
        CHECK(json_number_at(card, "coverage", -1) == 0, "coverage without evidence");
}

/* Random histories: never outside of [0, 1], whatever they hold. */
static void test_bounds(void) {
        static const char *const kinds[] = { "net.delay", "proc.kill", "cpu.load", "sys.errno", "gpu.lost" };
        static const char *const verdicts[] = { "pass", "fail", "inconclusive", "aborted", "error" };
        unsigned seed = 7;

        for (int round = 0; round < 300; round++) {
                SCOPED_JSON json_t *records = json_array();
                SCOPED_JSON json_t *card = NULL;
                double value, coverage;

                for (int i = rand_r(&seed) % 9; i >= 0; i--) {
                        char started[40], id[16];

                        (void)snprintf(id, sizeof(id), "r%d", i);
                        (void)snprintf(started, sizeof(started), "20%02d-%02d-%02dT00:00:00Z", 20 + rand_r(&seed) % 9,
                                       1 + rand_r(&seed) % 12, 1 + rand_r(&seed) % 28);
                        (void)json_array_append_new(records,
                                                    run(id, started, kinds[rand_r(&seed) % 5], rand_r(&seed) % 2,
                                                        verdicts[rand_r(&seed) % 5], rand_r(&seed) % 2));
                }
                card = card_of(records);
                value = json_number_at(card, "value", 0);
                coverage = json_number_at(card, "coverage", -1);
                CHECK(value >= 0 && value <= 1 && coverage >= 0 && coverage <= 1, "value %g coverage %g", value,
                      coverage);
        }
}

static void test_refused(void) {
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        SCOPED_JSON json_t *bad = json_pack("[{s:s s:{s:s}}]", "id", "x", "experiment", "service", "shop");
        SCOPED_JSON json_t *card = NULL;
        struct err e = { 0 };

        (void)score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e);
        if (!p)
                return;
        CHECK(score_compute(p, bad, SCORE_BY_SERVICE, "shop", 1, &card, &e) == -EINVAL, "a record without a verdict");
        CHECK(score_compute(p, bad, SCORE_BY_SERVICE, "other", 1, &card, &e) == -ENOENT, "an unknown service");
}

int main(void) {
        test_math();
        test_value_coverage_grade();
        test_no_evidence_no_value();
        test_bounds();
        test_refused();
        return check_result();
}
