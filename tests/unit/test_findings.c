/* Findings, comparison and report: opened and closed by runs only, whatever people say about them. */
#include "scorecards/findings.h"

#include <errno.h>

#include "core/err.h"
#include "lib/check.h"
#include "scorecards/compare.h"
#include "scorecards/report.h"
#include "scorecards/score.h"

#define NOW_US 1795478400000000ULL /* 2026-11-24T00:00:00Z */

static json_t *records(void) {
        struct err e = { 0 };
        json_t *list = NULL;

        CHECK(json_load_path(CHAOS_SOURCE_DIR "/tests/data/two-services.json", &list, &e) == 0, "%s", e.msg);
        return list;
}

static const json_t *called(const json_t *findings, const char *id) {
        const json_t *f;
        size_t i;

        json_array_foreach (findings, i, f)
                if (strcmp(json_text_at(f, "id", ""), id) == 0)
                        return f;
        return NULL;
}

static json_t *findings_of(const json_t *list, const json_t *notes) {
        struct err e = { 0 };
        json_t *findings = NULL;

        CHECK(findings_compute(list, notes, NOW_US, &findings, &e) == 0, "%s", e.msg);
        return findings;
}

static void test_open_close(void) {
        SCOPED_JSON json_t *list = records();
        SCOPED_JSON json_t *findings = findings_of(list, NULL);
        const json_t *killed = called(findings, "shop/shop-availability/upstream-killed");
        const json_t *slow = called(findings, "shop/shop-latency/slow-upstream");

        CHECK(json_array_size(findings) == 4, "%zu findings", json_array_size(findings));
        CHECK_STR(json_text_at(killed, "status", ""), "closed");
        CHECK(strstr(json_text_at(killed, "closed_by", ""), "upstream-killed-000003") != NULL, "closed by %s",
              json_text_at(killed, "closed_by", ""));
        CHECK_STR(json_text_at(slow, "status", ""), "open");
        CHECK(json_int_at(slow, "seen", 0) == 2, "seen twice");
        /* Failing again moves neither the opening nor the day it is due. */
        CHECK_STR(json_text_at(slow, "opened", ""), "2026-08-12T09:00:00.000Z");
        CHECK_STR(json_text_at(slow, "due", ""), "2026-09-11");
        CHECK(strstr(json_text_at(slow, "summary", ""), "72%") != NULL, "the newest failure describes it");
        CHECK_STR(json_text_at(slow, "docs", ""), "docs/faults/net.delay.md");
        CHECK(json_bool_at(slow, "overdue", false), "it is overdue");
        CHECK_STR(json_text_at(findings, "0/severity", ""), "critical");
}

/* A pass of another service's experiment of the same name closes nothing; neither does an inconclusive run. */
static void test_only_its_retest_closes(void) {
        static const char *const changes[][2] = { { "service", "other" }, { "name", "other" } };

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                SCOPED_JSON json_t *list = records();
                SCOPED_JSON json_t *findings = NULL;

                (void)json_object_set_new(json_at(list, "2/experiment"), changes[i][0], json_string(changes[i][1]));
                findings = findings_of(list, NULL);
                CHECK_STR(json_text_at(called(findings, "shop/shop-availability/upstream-killed"), "status", ""),
                          "open");
        }
}

static json_t *note(const char *until, const char *at) {
        return json_pack("{s:{s:s s:s s:{s:s s:s s:s s:s}}}", "shop/shop-latency/slow-upstream", "owner", "ana", "due",
                         "2027-01-15", "accepted", "reason", "replaced soon", "until", until, "by", "ben", "at", at);
}

static void test_accepted(void) {
        static const struct {
                const char *until, *at, *status;
                bool expired;
        } cases[] = {
                { "2027-03-31", "2026-11-01T00:00:00Z", "accepted", false },
                { "2026-11-24", "2026-11-01T00:00:00Z", "accepted", false }, /* through its day */
                { "2026-11-23", "2026-11-01T00:00:00Z", "open", true },
                { "2027-03-31", "2026-08-01T00:00:00Z", "open", false }, /* before it opened: about something else */
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SCOPED_JSON json_t *list = records();
                SCOPED_JSON json_t *notes = note(cases[i].until, cases[i].at);
                SCOPED_JSON json_t *findings = findings_of(list, notes);
                const json_t *f = called(findings, "shop/shop-latency/slow-upstream");

                CHECK(f != NULL, "an accepted risk vanished");
                CHECK_STR(json_text_at(f, "status", ""), cases[i].status);
                CHECK(json_bool_at(f, "acceptance_expired", false) == cases[i].expired, "case %zu", i);
                CHECK_STR(json_text_at(f, "owner", ""), "ana");
                CHECK_STR(json_text_at(f, "due", ""), "2027-01-15");
        }
}

static void test_caps(void) {
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        SCOPED_JSON json_t *list = records(), *card = NULL, *none = NULL;
        struct err e = { 0 };

        CHECK(score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e) == 0, "%s", e.msg);
        CHECK(score_compute(p, list, SCORE_BY_SERVICE, "chat", NOW_US, &card, &e) == 0, "%s", e.msg);
        CHECK(strstr(json_text_at(card, "caps/0/reason", ""), "chat/chat-availability/replica-killed") != NULL,
              "the critical finding caps the grade");
        CHECK_STR(json_text_at(card, "caps/0/grade", ""), "C");
        CHECK(score_compute(p, list, SCORE_BY_TEAM, "nobody", NOW_US, &none, &e) == -ENOENT, "an unknown team");
}

/* The same checks, cut in four ways, are the same checks. */
static void test_by(void) {
        static const struct {
                enum score_by by;
                const char *name;
                int checks;
        } cases[] = {
                { SCORE_BY_SERVICE, "shop", 12 }, { SCORE_BY_TEAM, "web", 12 },   { SCORE_BY_SLO, "shop-latency", 6 },
                { SCORE_BY_FAMILY, "proc", 8 },   { SCORE_BY_FAMILY, "disk", 0 },
        };
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        SCOPED_JSON json_t *list = records();
        struct err e = { 0 };

        (void)score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SCOPED_JSON json_t *card = NULL;

                CHECK(score_compute(p, list, cases[i].by, cases[i].name, NOW_US, &card, &e) == 0, "%s", e.msg);
                CHECK(json_int_at(card, "checks", -1) == cases[i].checks, "%s: %d checks", cases[i].name,
                      (int)json_int_at(card, "checks", -1));
                CHECK_STR(json_text_at(card, "name", ""), cases[i].name);
        }
}

static void test_profiles(void) {
        static const char *const names[] = { "web-service", "llm-serving", "training", "datastore" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                SCOPED(score_profile_freep) struct score_profile *p = NULL;
                struct err e = { 0 };
                char path[300];

                (void)snprintf(path, sizeof(path), "%s/scorecards/profiles/%s.yaml", CHAOS_SOURCE_DIR, names[i]);
                CHECK(score_profile_read(path, &p, &e) == 0, "%s: %s", names[i], e.msg);
        }
}

static void test_compare(void) {
        SCOPED_JSON json_t *list = records();
        const json_t *bad = json_array_get(list, 0), *good = json_array_get(list, 3);
        SCOPED_JSON json_t *better = compare_runs(bad, good, NULL);
        SCOPED_JSON json_t *worse = compare_runs(good, bad, NULL);
        SCOPED_JSON json_t *same = compare_runs(good, good, NULL);

        CHECK(json_array_size(json_at(better, "regressions")) == 0, "%s", json_text_at(better, "regressions/0", ""));
        CHECK(json_array_size(json_at(better, "improvements")) == 3, "%zu",
              json_array_size(json_at(better, "improvements")));
        CHECK(json_array_size(json_at(worse, "regressions")) == 3, "compliance, recovery and spend");
        CHECK(json_array_size(json_at(same, "regressions")) == 0 && json_array_size(json_at(same, "improvements")) == 0,
              "a run differs from itself");
        (void)json_array_clear(json_at(json_array_get(list, 0), "slos"));
        json_decref(worse);
        worse = compare_runs(good, bad, NULL);
        CHECK(strstr(json_text_at(worse, "regressions/0", ""), "not measured any more") != NULL, "a lost SLO");
}

static void test_report(void) {
        static const char *const bad[] = { "", "2026", "2026Q5", "2026Q0", "Q4", "2026Q4x", "26Q4", "2026Q12" };
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        SCOPED_JSON json_t *list = records(), *report = NULL, *none = json_array(), *empty = NULL;
        struct report_quarter q = { 0 };
        struct err e = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK(report_parse_quarter(bad[i], &q, &e) == -EINVAL, "'%s' is taken for a quarter", bad[i]);
        CHECK(report_parse_quarter("2026-Q4", &q, &e) == 0 && q.year == 2026 && q.quarter == 4, "%s", e.msg);
        (void)score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e);

        CHECK(report_compute(p, list, NULL, q, NOW_US, &report, &e) == 0, "%s", e.msg);
        CHECK(json_int_at(report, "runs/total", 0) == 8, "two of the runs are of the quarter before");
        CHECK(json_array_size(json_at(report, "closed")) == 1, "one finding was closed");
        CHECK_STR(json_text_at(report, "services/0/movement", ""), "new");
        CHECK_STR(json_text_at(report, "services/1/service", ""), "shop");
        CHECK(json_number_at(report, "cost/sums/EUR", 0) == 70 && json_int_at(report, "cost/unknown_runs", 0) == 6,
              "costs that are known, and how many are not");
        CHECK(json_array_size(json_at(report, "not_tested")) == 2, "gaps");

        CHECK(report_compute(p, none, NULL, q, NOW_US, &empty, &e) == 0, "%s", e.msg);
        CHECK(strstr(json_text_at(empty, "summary/0", ""), "No experiment ran") != NULL, "an empty quarter says so");
        q.year = 2031;
        CHECK(report_compute(p, none, NULL, q, NOW_US, &empty, &e) == -ERANGE, "a quarter of the future");
}

int main(void) {
        test_open_close();
        test_only_its_retest_closes();
        test_accepted();
        test_caps();
        test_by();
        test_profiles();
        test_compare();
        test_report();
        return check_result();
}
