/* One run against another: what counts as worse, as better, and as neither. */
#include <math.h>

#include "core/json.h"
#include "lib/check.h"
#include "scorecards/compare.h"

struct figures {
        const char *verdict;
        double good, total, spent, recovered_s; /* recovered: NAN = null */
};
static const struct figures plain = { "pass", 1980, 2000, 0.002, 3 };

static json_t *record_new(const struct figures *f, const char *slo) {
        return json_pack("{s:s s:{s:s s:s} s:{s:s s:[s]} s:[{s:s s:b s:{s:{s:f s:f s:o}} s:{s:f} s:o}]}", "id", "r",
                         "experiment", "name", "e", "service", "shop", "verdict", "result", f->verdict, "reasons",
                         "why", "slos", "name", slo, "held", strcmp(f->verdict, "pass") == 0, "phases", "fault", "good",
                         f->good, "total", f->total, "compliance",
                         f->total > 0 ? json_real(f->good / f->total) : json_null(), "budget", "spent", f->spent,
                         "time_to_recover_s", isnan(f->recovered_s) ? json_null() : json_real(f->recovered_s));
}

static json_t *compare(const struct figures *before, const struct figures *after) {
        SCOPED_JSON json_t *a = record_new(before, "slo"), *b = record_new(after, "slo");

        return compare_runs(a, b, NULL);
}

static void test_limits(void) {
        static const struct {
                struct figures after;
                const char *worse, *better; /* part of the only text; NULL = none */
        } cases[] = {
                { { "pass", 1980, 2000, 0.002, 3 }, NULL, NULL },
                { { "pass", 1962, 2000, 0.002, 3 }, NULL, NULL }, /* 0.9 points */
                { { "pass", 1950, 2000, 0.002, 3 }, "97.5 % good under fault, before 99 %", NULL },
                { { "pass", 97, 100, 0.002, 3 }, NULL, NULL }, /* 2 points of a hundred samples: chance */
                { { "pass", 90, 100, 0.002, 3 }, "90 % good under fault", NULL },
                { { "pass", 1980, 2000, 0.0069, 3 }, NULL, NULL },
                { { "pass", 1980, 2000, 0.0071, 3 }, "0.71 % of the error budget spent, before 0.2 %", NULL },
                { { "pass", 1980, 2000, 0.002, 3.9 }, NULL, NULL }, /* 30 %, but less than a second */
                { { "pass", 1980, 2000, 0.002, 4.2 }, "recovered in 4.2 s, before in 3 s", NULL },
                { { "pass", 1980, 2000, 0.002, 1 }, NULL, "recovered in 1 s" },
                { { "pass", 1980, 2000, 0.002, NAN }, "not recovered, before in 3 s", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SCOPED_JSON json_t *got = compare(&plain, &cases[i].after);
                const json_t *worse = json_object_get(got, "regressions"),
                             *better = json_object_get(got, "improvements");

                CHECK(json_array_size(worse) == (cases[i].worse ? 1 : 0), "case %zu: %zu worse: %s", i,
                      json_array_size(worse), json_text_at(worse, "0", ""));
                CHECK(!cases[i].worse || strstr(json_text_at(worse, "0", ""), cases[i].worse), "case %zu: %s", i,
                      json_text_at(worse, "0", ""));
                CHECK(json_array_size(better) == (cases[i].better ? 1 : 0), "case %zu: %zu better: %s", i,
                      json_array_size(better), json_text_at(better, "0", ""));
                CHECK(!cases[i].better || strstr(json_text_at(better, "0", ""), cases[i].better), "case %zu: %s", i,
                      json_text_at(better, "0", ""));
        }
}

static void test_long_recovery_is_relative(void) {
        struct figures before = plain, after = plain;

        before.recovered_s = 60;
        after.recovered_s = 71;
        SCOPED_JSON json_t *within = compare(&before, &after);
        CHECK(json_array_size(json_object_get(within, "regressions")) == 0, "71 s after 60 s is within a fifth");

        after.recovered_s = 73;
        SCOPED_JSON json_t *over = compare(&before, &after);
        CHECK(json_array_size(json_object_get(over, "regressions")) == 1, "73 s after 60 s is not");
}

static void test_verdicts_and_missing_slos(void) {
        struct figures failed = plain;
        SCOPED_JSON json_t *a = record_new(&plain, "one"), *b = record_new(&plain, "two"),
                           *lost = compare_runs(a, b, NULL);

        CHECK_STR(json_text_at(lost, "regressions/0", ""), "one is not measured any more");
        failed.verdict = "fail";
        SCOPED_JSON json_t *worse = compare(&plain, &failed), *better = compare(&failed, &plain);
        CHECK_STR(json_text_at(worse, "regressions/0", ""), "the verdict was pass and is fail: why");
        CHECK(json_array_size(json_object_get(better, "regressions")) == 0 &&
                      json_array_size(json_object_get(better, "improvements")) == 1,
              "fail to pass is better");
}

static void test_no_data_is_no_figure(void) {
        struct figures none = plain;

        none.good = none.total = 0;
        SCOPED_JSON json_t *after = compare(&plain, &none), *before = compare(&none, &plain);
        CHECK(json_array_size(json_object_get(after, "regressions")) == 0, "%s",
              json_text_at(after, "regressions/0", ""));
        CHECK(json_array_size(json_object_get(before, "regressions")) == 0, "%s",
              json_text_at(before, "regressions/0", ""));
}

int main(void) {
        test_limits();
        test_long_recovery_is_relative();
        test_verdicts_and_missing_slos();
        test_no_data_is_no_figure();
        return check_result();
}
