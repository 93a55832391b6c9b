/* What the gate decides from records, held against docs/ci/README.md; records are made here, nothing runs. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/run.h"
#include "lib/check.h"
#include "scorecards/gate.h"
#include "scorecards/render.h"
#include "scorecards/score.h"

#define NOW_US (1795000000 * USEC_PER_SEC) /* 2026-11-18 */

static struct score_profile *profile;

struct figures {
        const char *verdict;
        int code;
        double compliance, spent, recovered_s; /* NAN = null */
        bool held;
        int64_t hits;
};
static const struct figures good = { "pass", RUN_EXIT_PASS, 0.995, 0.001, 2, true, 10 };

static json_t *number(double x) {
        return isnan(x) ? json_null() : json_real(x);
}

static json_t *record_new(const char *id, const char *experiment, const char *started, const struct figures *f) {
        bool conclusive = strcmp(f->verdict, "pass") == 0 || strcmp(f->verdict, "fail") == 0;

        return json_pack("{s:s s:s s:{s:s s:s s:s s:s s:{s:{s:[s]}}} s:s s:f s:[{s:s s:{s:s s:{s:I}}}] s:[{s:s s:s s:f "
                         "s:s s:b s:b "
                         "s:{s:{s:f s:f s:o}} s:{s:o} s:o s:s}] s:{s:s s:i s:[s] s:I} s:[] s:{s:b s:[]}}",
                         "schema", "chaosd/run/v1", "id", id, "experiment", "name", experiment, "service", "shop",
                         "owner", "web", "file", "x.yaml", "document", "spec", "faults", "late", "started", started,
                         "duration_s", 7.0, "faults", "name", "late", "fault", "kind", "net.delay", "evidence", "hits",
                         (json_int_t)f->hits, "slos", "name", "latency", "service", "shop", "objective", 0.99, "expect",
                         "met", "conclusive", conclusive, "held", f->held, "phases", "fault", "good",
                         f->compliance * 1000, "total", 1000.0, "compliance", number(f->compliance), "budget", "spent",
                         number(f->spent), "time_to_recover_s", number(f->recovered_s), "reason", "as it was",
                         "verdict", "result", f->verdict, "exit_code", f->code, "reasons", "because | of <it>",
                         "evidence_hits", (json_int_t)f->hits, "findings", "residue", "clean",
                         f->code != RUN_EXIT_RESIDUE, "left");
}

static json_t *run_of(const char *experiment, json_t *record) {
        return json_pack("{s:s s:s s:s s:o}", "file", "x.yaml", "experiment", experiment, "service", "shop", "record",
                         record);
}

static json_t *run_without_record(const char *experiment, int code, const char *why) {
        return json_pack("{s:s s:s s:s s:n s:i s:s}", "file", "x.yaml", "experiment", experiment, "service", "shop",
                         "record", "exit_code", code, "why", why);
}

static struct gate_rules rules_new(void) {
        return (struct gate_rules){ .limits = compare_defaults, .min_score = NAN, .min_coverage = NAN };
}

/* Steals runs. */
static json_t *judge(const struct gate_rules *rules, json_t *runs, const json_t *earlier, const json_t *baseline) {
        SCOPED_JSON json_t *owned = runs;
        struct err e = { 0 };
        json_t *gate = NULL;

        CHECK(gate_judge(rules, profile, owned, earlier, baseline, NOW_US, &gate, &e) == 0, "%s", e.msg);
        CHECK(gate != NULL, "no verdict");
        return gate;
}

static bool says(const json_t *texts, const char *part) {
        const json_t *text;
        size_t i;

        json_array_foreach (texts, i, text)
                if (strstr(json_string_value(text), part))
                        return true;
        return false;
}

static void check_gate(const json_t *gate, const char *result, int code, const char *reason, int line) {
        CHECK(strcmp(json_text_at(gate, "verdict/result", ""), result) == 0, "line %d: %s, want %s", line,
              json_text_at(gate, "verdict/result", ""), result);
        CHECK(json_int_at(gate, "verdict/exit_code", -1) == code, "line %d: exit code", line);
        CHECK(reason ? says(json_at(gate, "verdict/reasons"), reason)
                     : json_array_size(json_at(gate, "verdict/reasons")) == 0,
              "line %d: reasons: %s", line, json_text_at(gate, "verdict/reasons/0", "none"));
}

#define EXPECT(gate_expr, result, code, reason)                                                                        \
        do {                                                                                                           \
                SCOPED_JSON json_t *got_ = (gate_expr);                                                                \
                check_gate(got_, result, code, reason, __LINE__);                                                      \
        } while (0)

#define STARTED "2026-11-17T10:00:00.000Z"

static json_t *one(const char *verdict, int code, int64_t hits) {
        struct figures f = good;

        f.verdict = verdict;
        f.code = code;
        f.held = code == RUN_EXIT_PASS;
        f.hits = hits;
        return run_of("e", record_new("r1", "e", STARTED, &f));
}

static void test_the_gravest_decides(void) {
        static const struct {
                const char *name;
                int code;
        } order[] = {
                { "pass", RUN_EXIT_PASS },       { "fail", RUN_EXIT_FAIL },   { "inconclusive", RUN_EXIT_INCONCLUSIVE },
                { "aborted", RUN_EXIT_ABORTED }, { "error", RUN_EXIT_ERROR }, { "residue", RUN_EXIT_RESIDUE },
        };
        struct gate_rules rules = rules_new();

        for (size_t a = 0; a < ARRAY_SIZE(order); a++)
                for (size_t b = 0; b < ARRAY_SIZE(order); b++) {
                        size_t worst = a > b ? a : b;
                        const char *verdict_a = order[a].code == RUN_EXIT_RESIDUE ? "pass" : order[a].name;
                        const char *verdict_b = order[b].code == RUN_EXIT_RESIDUE ? "pass" : order[b].name;

                        EXPECT(judge(&rules,
                                     json_pack("[o,o]", one(verdict_a, order[a].code, 1),
                                               one(verdict_b, order[b].code, 1)),
                                     NULL, NULL),
                               order[worst].name, order[worst].code, worst ? order[worst].name : NULL);
                }
        EXPECT(judge(&rules, json_array(), NULL, NULL), "inconclusive", RUN_EXIT_INCONCLUSIVE, "nothing was run");
        EXPECT(judge(&rules,
                     json_pack("[o,o]", one("pass", 0, 1),
                               run_without_record("late", RUN_EXIT_ABORTED, "the time limit has passed")),
                     NULL, NULL),
               "aborted", RUN_EXIT_ABORTED, "late: not run: the time limit has passed");
}

static void test_minimums(void) {
        struct gate_rules rules = rules_new();
        struct figures failed = good;
        SCOPED_JSON json_t *earlier = json_array();

        rules.min_score = 0.8;
        EXPECT(judge(&rules, json_pack("[o]", one("pass", 0, 1)), NULL, NULL), "pass", 0, NULL);
        EXPECT(judge(&rules, json_pack("[o]", one("inconclusive", RUN_EXIT_INCONCLUSIVE, 0)), NULL, NULL),
               "inconclusive", RUN_EXIT_INCONCLUSIVE, "no score");
        EXPECT(judge(&rules, json_pack("[o]", run_without_record("e", RUN_EXIT_ERROR, "no memory")), NULL, NULL),
               "error", RUN_EXIT_ERROR, "no score");

        /* Two failures of the history pull one pass below the minimum; the same record counts once. */
        failed.verdict = "fail";
        failed.code = RUN_EXIT_FAIL;
        failed.held = false;
        (void)json_array_append_new(earlier, record_new("r8", "old", STARTED, &failed));
        (void)json_array_append_new(earlier, record_new("r9", "old", STARTED, &failed));
        EXPECT(judge(&rules, json_pack("[o]", one("pass", 0, 1)), earlier, NULL), "fail", RUN_EXIT_FAIL,
               "shop: score 33.33, at least 80 asked");
        (void)json_array_clear(earlier);
        (void)json_array_append_new(earlier, record_new("r1", "e", STARTED, &failed));
        EXPECT(judge(&rules, json_pack("[o]", one("pass", 0, 1)), earlier, NULL), "pass", 0, NULL);

        rules.min_coverage = 0.9;
        EXPECT(judge(&rules, json_pack("[o]", one("pass", 0, 1)), NULL, NULL), "fail", RUN_EXIT_FAIL, "coverage");
        rules.min_coverage = 0.05;
        EXPECT(judge(&rules, json_pack("[o]", one("pass", 0, 1)), NULL, NULL), "pass", 0, NULL);
        EXPECT(judge(&rules, json_pack("[o]", one("pass", 0, 0)), NULL, NULL), "inconclusive", RUN_EXIT_INCONCLUSIVE,
               "coverage 0 %");
}

static void test_baseline(void) {
        SCOPED_JSON json_t *baseline = json_pack("[o]", record_new("b1", "e", "2026-11-01T00:00:00.000Z", &good));
        struct gate_rules rules = rules_new();
        static const struct {
                double compliance, spent, recovered_s;
                const char *reason; /* NULL = no regression */
        } cases[] = {
                { 0.995, 0.001, 2, NULL },
                { 0.986, 0.001, 2, NULL }, /* 0.9 points */
                { 0.980, 0.001, 2, "latency: 98 % good under fault" },
                { 0.995, 0.005, 2, NULL },
                { 0.995, 0.007, 2, "error budget spent" },
                { 0.995, 0.001, 2.9, NULL },
                { 0.995, 0.001, 3.5, "recovered in 3.5 s, before in 2 s" },
                { 0.995, 0.001, NAN, "not recovered" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct figures f = good;

                f.compliance = cases[i].compliance;
                f.spent = cases[i].spent;
                f.recovered_s = cases[i].recovered_s;
                EXPECT(judge(&rules, json_pack("[o]", run_of("e", record_new("r1", "e", STARTED, &f))), NULL, baseline),
                       cases[i].reason ? "fail" : "pass", cases[i].reason ? RUN_EXIT_FAIL : 0, cases[i].reason);
        }

        /* A run that judged nothing has its own verdict; figures of it say nothing. */
        SCOPED_JSON json_t *gate =
                judge(&rules, json_pack("[o]", one("inconclusive", RUN_EXIT_INCONCLUSIVE, 0)), NULL, baseline);
        CHECK(json_array_size(json_object_get(gate, "comparisons")) == 0, "compared");
}

static void test_choice_of_baseline(void) {
        SCOPED_JSON json_t *baseline = json_array(), *gate = NULL;
        struct figures failed = good, aborted = good;
        struct gate_rules rules = rules_new();

        failed.verdict = "fail";
        aborted.verdict = "aborted";
        CHECK(!gate_baseline_for(baseline, "shop", "e"), "out of nothing");
        (void)json_array_append_new(baseline, record_new("a", "e", "2026-11-09T00:00:00.000Z", &aborted));
        (void)json_array_append_new(baseline, record_new("x", "other", "2026-11-09T00:00:00.000Z", &good));
        CHECK(!gate_baseline_for(baseline, "shop", "e"), "an aborted run is no baseline");
        (void)json_array_append_new(baseline, record_new("f", "e", "2026-11-08T00:00:00.000Z", &failed));
        CHECK_STR(json_text_at(gate_baseline_for(baseline, "shop", "e"), "id", "none"), "f");
        (void)json_array_append_new(baseline, record_new("p2", "e", "2026-11-05T00:00:00.000Z", &good));
        (void)json_array_append_new(baseline, record_new("p1", "e", "2026-11-04T00:00:00.000Z", &good));
        CHECK_STR(json_text_at(gate_baseline_for(baseline, "shop", "e"), "id", "none"), "p2");
        CHECK(!gate_baseline_for(baseline, "till", "e"), "of another service");

        gate = judge(&rules, json_pack("[o]", run_of("new", record_new("r1", "new", STARTED, &good))), NULL, baseline);
        CHECK(says(json_object_get(gate, "notes"), "new: the baseline has no run of it"), "not said");
        CHECK(json_int_at(gate, "verdict/exit_code", -1) == 0, "a new experiment is no regression");
}

static void test_what_befell_the_record(void) {
        struct gate_rules rules = rules_new();
        json_t *run = one("pass", 0, 1);
        SCOPED_JSON json_t *gate = judge(&rules, json_pack("[o]", one("pass", 0, 1)), NULL, NULL);

        (void)json_object_set_new(run, "exit_code", json_integer(RUN_EXIT_ERROR));
        (void)json_object_set_new(run, "why", json_string("its record could not be kept"));
        EXPECT(judge(&rules, json_pack("[o]", run), NULL, NULL), "error", RUN_EXIT_ERROR, "e: its record could not");

        gate_add_error(gate, "no space");
        check_gate(gate, "error", RUN_EXIT_ERROR, "no space", __LINE__);
}

/* ── reports ───────────────────────────────────────────────────────────────────────────────────────────────── */

static void test_reports_hide_nothing(void) {
        SCOPED_JSON json_t *runs = json_pack("[o,o]", one("pass", 0, 1),
                                             run_without_record("late", RUN_EXIT_ABORTED, "the time limit has passed"));
        SCOPED_JSON json_t *gate =
                judge(&(struct gate_rules){ compare_defaults, NAN, NAN }, json_incref(runs), NULL, NULL);
        SCOPED_JSON json_t *without = gate_reports(gate, runs, false), *with = gate_reports(gate, runs, true);
        SCOPED_FREE char *xml = NULL, *markdown = NULL;
        size_t size;
        FILE *out;

        CHECK(json_array_size(without) == 2 && json_array_size(with) == 3, "%zu, %zu", json_array_size(without),
              json_array_size(with));
        out = open_memstream(&xml, &size);
        render_junit(with, out);
        (void)fclose(out);
        CHECK(strstr(xml, "<testsuite name=\"late\" tests=\"1\" failures=\"1\"") != NULL, "%s", xml);
        CHECK(strstr(xml, "<testsuite name=\"gate\" tests=\"1\" failures=\"1\"") != NULL, "%s", xml);

        out = open_memstream(&markdown, &size);
        render_gate_markdown(gate, without, out);
        (void)fclose(out);
        CHECK(strncmp(markdown, "# ❌ Chaos gate: aborted\n", strlen("# ❌ Chaos gate: aborted\n")) == 0, "%s", markdown);
        CHECK(strstr(markdown, "late: not run: the time limit has passed") != NULL, "%s", markdown);
        CHECK(strstr(markdown, "| e | latency | 99 % |") != NULL, "%s", markdown);
        CHECK(strstr(markdown, "<it>") == NULL, "markup from a record: %s", markdown);
}

int main(void) {
        struct err e = { 0 };

        if (score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &profile, &e) < 0) {
                (void)fprintf(stderr, "%s\n", e.msg);
                return 1;
        }
        test_the_gravest_decides();
        test_minimums();
        test_baseline();
        test_choice_of_baseline();
        test_what_befell_the_record();
        test_reports_hide_nothing();
        score_profile_free(profile);
        return check_result();
}
