/* OpenSLO v1 sets of documents: what they become, and what is refused. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/err.h"
#include "experiments/openslo.h"
#include "lib/check.h"

static char path[] = "/tmp/chaos-openslo-XXXXXX";

static int load(const char *text, struct slo_set *set, struct err *e) {
        FILE *f = fopen(path, "w");
        size_t file;
        int r;

        if (!f)
                abort();
        (void)fputs(text, f);
        (void)fclose(f);
        r = slo_set_add(set, path, &file, e);
        return r < 0 ? r : slo_set_link(set, e);
}

#define SLO(name, body)                                                                                                \
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: " name ", displayName: Shown}\nspec:\n  service: shop\n"  \
        "  timeWindow: [{duration: 4w, isRolling: true}]\n" body "---\n"
#define SOURCE                                                                                                         \
        "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: prom}\nspec: {type: Prometheus, "                  \
        "connectionDetails: "                                                                                          \
        "{url: \"http://p:9090\", bearerTokenEnv: TOKEN, headers: {X-Scope-OrgID: a}}}\n---\n"
#define PROM(query) "{metricSource: {metricSourceRef: prom, type: Prometheus, spec: {query: " query "}}}"

static void test_ratio(void) {
        static const char text[] = SOURCE SLO("bad-ratio",
                                              "  budgetingMethod: Occurrences\n  objectives: [{targetPercent: 99.5}]\n"
                                              "  indicator: {spec: {ratioMetric: {counter: true, bad: " PROM(
                                                      "errors") ", total: " PROM("all") "}}}\n")
                SLO("raw-ratio",
                    "  budgetingMethod: RatioTimeslices\n  objectives: [{target: 0.9, timeSliceWindow: 1m}]\n"
                    "  indicator: {metadata: {name: x}, spec: {ratioMetric: {rawType: failure, raw: " PROM("r") "}}}\n")
                        SLO("slices",
                            "  budgetingMethod: Timeslices\n"
                            "  objectives: [{target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 5m}, {displayName: "
                            "Strict, target: 0.99, timeSliceTarget: 0.99, timeSliceWindow: 1m}]\n"
                            "  indicatorRef: shared\n") "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: "
                                                        "shared}\nspec:\n  ratioMetric:\n"
                                                        "    good: {metricSource: {type: probe, spec: {probe: front, "
                                                        "where: \"status < 500\"}}}\n"
                                                        "    total: {metricSource: {type: probe, spec: {probe: "
                                                        "front}}}\n";
        struct slo_set set = { 0 };
        struct err e = { 0 };

        CHECK(load(text, &set, &e) == 0, "%s", e.msg);
        CHECK(set.n_slos == 4, "%zu SLOs", set.n_slos);
        if (set.n_slos == 4) {
                const struct slo *s = set.slos;

                CHECK(s[0].indicator == SLO_BAD_TOTAL && s[0].counter && fabs(s[0].objective - 0.995) < 1e-12,
                      "bad ratio");
                CHECK(s[0].part.datasource && strcmp(s[0].part.datasource->url, "http://p:9090") == 0, "data source");
                CHECK_STR(s[0].part.query, "errors");
                CHECK(s[0].window_us == 28ULL * 86400000000, "4w");
                CHECK(s[1].indicator == SLO_RAW && !s[1].raw_success && s[1].method == SLO_RATIO_TIMESLICES,
                      "raw ratio");
                CHECK(s[1].slice_us == 60000000, "slice");
                CHECK_STR(s[2].name, "slices");
                CHECK_STR(s[3].name, "slices/2");
                CHECK_STR(s[3].display_name, "Strict");
                CHECK(s[2].method == SLO_TIMESLICES && s[2].slice_target == 0.95 && s[3].slice_target == 0.99,
                      "slices");
                CHECK(s[2].part.is_probe && s[2].part.where && !s[2].total.where, "shared SLI");
        }
        slo_set_done(&set);
}

static void test_threshold(void) {
        static const char text[] = SOURCE SLO(
                "queue", "  budgetingMethod: Occurrences\n  objectives: [{target: 0.9, op: lte, value: 100}]\n"
                         "  indicator: {spec: {thresholdMetric: " PROM("queue_length") "}}\n");
        struct slo_set set = { 0 };
        struct err e = { 0 };

        CHECK(load(text, &set, &e) == 0 && set.n_slos == 1, "%s", e.msg);
        if (set.n_slos == 1) {
                CHECK(set.slos[0].indicator == SLO_THRESHOLD, "threshold");
                CHECK(slo_threshold_holds(&set.slos[0], 100) && !slo_threshold_holds(&set.slos[0], 100.5), "lte");
                set.slos[0].op = SLO_LT;
                CHECK(!slo_threshold_holds(&set.slos[0], 100), "lt");
                set.slos[0].op = SLO_GT;
                CHECK(!slo_threshold_holds(&set.slos[0], 100) && slo_threshold_holds(&set.slos[0], 101), "gt");
                set.slos[0].op = SLO_GTE;
                CHECK(slo_threshold_holds(&set.slos[0], 100) && !slo_threshold_holds(&set.slos[0], NAN), "gte");
        }
        slo_set_done(&set);
}

#define ALERTS                                                                                                         \
        "apiVersion: openslo/v1\nkind: AlertNotificationTarget\nmetadata: {name: oncall}\nspec: {target: "             \
        "email}\n---\n"                                                                                                \
        "apiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {name: fast}\n"                                       \
        "spec: {severity: page, condition: {kind: burnrate, op: lte, threshold: 14.4, lookbackWindow: 1h, "            \
        "alertAfter: 5m}}\n---\n"                                                                                      \
        "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec: {description: sells tins}\n---\n"

static void test_alerts(void) {
        static const char text[] = ALERTS "apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: page}\n"
                                          "spec: {alertWhenBreaching: true, conditions: [{conditionRef: fast}], "
                                          "notificationTargets: [{targetRef: oncall}]}\n";
        struct slo_set set = { 0 };
        struct err e = { 0 };

        CHECK(load(text, &set, &e) == 0, "%s", e.msg);
        slo_set_done(&set);
}

#define OK_INDICATOR "  indicator: {spec: {ratioMetric: {raw: " PROM("r") "}}}\n"
#define OK_REST      "  budgetingMethod: Occurrences\n  objectives: [{target: 0.9}]\n"

/* Sets that must be refused, and a part of the message. */
static const struct {
        const char *text, *message;
} bad[] = {
        { SLO("a", OK_REST OK_INDICATOR), ":9:74: no DataSource named 'prom'" },
        { SOURCE SLO("a", OK_REST "  indicatorRef: nowhere\n"), "no SLI named 'nowhere'" },
        { SOURCE SLO("a", OK_REST OK_INDICATOR "  indicatorRef: x\n"), "give either indicator or indicatorRef" },
        { SOURCE SLO("a", OK_REST OK_INDICATOR) SLO("a", OK_REST OK_INDICATOR), "two SLOs are named 'a'" },
        { SOURCE SLO("a", OK_REST OK_INDICATOR "  alertPolicies: [nobody]\n"), "no AlertPolicy named 'nobody'" },
        { SOURCE SLO("a", OK_REST "  indicator: {spec: {thresholdMetric: " PROM("q") "}}\n"), "needs op and value" },
        { SOURCE SLO("a", OK_REST "  indicator: {spec: {ratioMetric: {raw: " PROM("q") ", total: " PROM("q") "}}}\n"),
          "raw stands alone" },
        { SOURCE SLO("a", OK_REST "  indicator: {spec: {ratioMetric: {good: " PROM("q") ", bad: " PROM(
                                  "q") ", total: " PROM("q") "}}}\n"),
          "give either good or bad" },
        { SOURCE SLO("a", OK_REST "  indicator: {spec: {}}\n"), "give either thresholdMetric or ratioMetric" },
        { SOURCE SLO("a", OK_REST
                     "  indicator: {spec: {ratioMetric: {raw: {metricSource: {type: probe, spec: {probe: p}}}}}}\n"),
          "not raw" },
        { SOURCE SLO("a", "  budgetingMethod: RatioTimeslices\n  objectives: [{target: 0.9}]\n" OK_INDICATOR),
          "needs timeSliceWindow" },
        { SOURCE SLO("a", "  budgetingMethod: Occurrences\n  objectives: []\n" OK_INDICATOR),
          "'objectives' must be a list of at least 1" },
        { SOURCE SLO("A_b", OK_REST OK_INDICATOR), "'A_b' is not a name" },
        { "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: p}\nspec: {type: Prometheus}\n",
          "'connectionDetails' is missing" },
        { "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: p}\nspec: {type: Prometheus, connectionDetails: "
          "{url: x, password: hunter2}}\n",
          "unknown key 'password', did you mean 'passwordEnv'?" },
        { "apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: p}\nspec: {conditions: [], notificationTargets: "
          "[{targetRef: a}]}\n",
          "'conditions' must be a list of exactly 1" },
        { "apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: p}\nspec: {conditions: [{conditionRef: c}], "
          "notificationTargets: [{targetRef: a}]}\n",
          "no AlertCondition named 'c'" },
        { "apiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {name: p}\nspec: {severity: page, condition: {kind: "
          "burnrate, threshold: 2, lookbackWindow: 1x}}\n",
          ":4:82: '1x' is not a duration" },
        { "", "no document" },
        { "- a\n- b\n", "expected a mapping" },
};

static void test_bad(void) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct slo_set set = { 0 };
                struct err e = { 0 };
                int r = load(bad[i].text, &set, &e);

                CHECK(r == -EINVAL, "%zu: %d", i, r);
                CHECK(strstr(e.msg, bad[i].message), "%zu: '%s' has no '%s'", i, e.msg, bad[i].message);
                CHECK(strncmp(e.msg, path, strlen(path)) == 0, "%zu: '%s' does not name the file", i, e.msg);
                slo_set_done(&set);
        }
}

/* Good documents that no experiment can judge by, and why. */
static const struct {
        const char *text, *message;
} unmeasurable[] = {
        { "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: p}\nspec: {type: Datadog}\n---\n" SLO(
                  "a", OK_REST "  indicator: {spec: {ratioMetric: {raw: {metricSource: {metricSourceRef: p, spec: "
                               "{sql: [1, 2]}}}}}}\n"),
          ":14:74: DataSource 'p' is of type 'Datadog'" },
        { SLO("a", OK_REST
              "  indicator: {spec: {ratioMetric: {raw: {metricSource: {type: Prometheus, spec: {query: q}}}}}}\n"),
          "needs metricSourceRef" },
        { SLO("a", OK_REST
              "  indicator: {spec: {ratioMetric: {raw: {metricSource: {type: Promethius, spec: {any: thing}}}}}}\n"),
          "'Promethius' cannot be measured, did you mean 'Prometheus'?" },
        { SOURCE SLO("a", OK_REST
                     "  indicator: {spec: {ratioMetric: {raw: {metricSource: {metricSourceRef: prom, spec: {qurey: "
                     "q}}}}}}\n"),
          "unknown key 'qurey', did you mean 'query'?" },
};

static void test_unmeasurable(void) {
        for (size_t i = 0; i < sizeof(unmeasurable) / sizeof(unmeasurable[0]); i++) {
                struct slo_set set = { 0 };
                struct err e = { 0 };

                CHECK(load(unmeasurable[i].text, &set, &e) == 0 && set.n_slos == 1, "%zu: %s", i, e.msg);
                CHECK(set.n_slos == 1 && set.slos[0].unmeasurable &&
                              strstr(set.slos[0].unmeasurable, unmeasurable[i].message),
                      "%zu: '%s' has no '%s'", i,
                      set.n_slos && set.slos[0].unmeasurable ? set.slos[0].unmeasurable : "nothing",
                      unmeasurable[i].message);
                slo_set_done(&set);
        }
}

static void test_windows(void) {
        static const struct {
                const char *duration, *start, *zone;
                int64_t now_s, begin_s, end_s;
        } cases[] = {
                /* By `date -u -d`: New York leaves daylight saving on 2026-11-01 and enters it on 2026-03-08. */
                { "1M", "2022-01-01 12:00:00", "America/New_York", 1792000000, 1790870400, 1793552400 },
                { "1Q", "2026-01-01 00:00:00", "UTC", 1786000000, 1782864000, 1790812800 },
                { "1Y", "2020-01-01 00:00:00", "UTC", 1786000000, 1767225600, 1798761600 },
                { "1w", "2026-01-05 00:00:00", "UTC", 1767571200, 1767571200, 1768176000 },
                { "12h", "2026-01-05 00:00:00", "UTC", 1767571200 + 43199, 1767571200, 1767571200 + 43200 },
        };
        int64_t begin_s, end_s;
        struct err e = { 0 };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct slo s = {
                        .calendar = { .given = true, .start = (char *)cases[i].start, .zone = (char *)cases[i].zone }
                };
                char *unit;

                s.calendar.n = strtoull(cases[i].duration, &unit, 10);
                s.calendar.unit = *unit;
                CHECK(openslo_parse_duration(cases[i].duration, &s.window_us, &e) == 0, "%s", e.msg);
                begin_s = end_s = 0;
                CHECK(slo_window_bounds(&s, cases[i].now_s, &begin_s, &end_s, &e) == 0, "%zu: %s", i, e.msg);
                CHECK(begin_s == cases[i].begin_s && end_s == cases[i].end_s, "%zu: %lld to %lld", i,
                      (long long)begin_s, (long long)end_s);
                CHECK(slo_window_bounds(&s, 1000000000, &begin_s, &end_s, &e) == -ERANGE, "%zu: before the first", i);
        }
        CHECK(slo_window_bounds(&(struct slo){ .window_us = 60000000 }, 1000, &begin_s, &end_s, &e) == 0 &&
                      begin_s == 940 && end_s == 1000,
              "a rolling window");
}

static void test_durations(void) {
        static const char *const refused[] = { "", "5", "d", "30 d", "1.5h", "-1d", "30D", "99999999d", "0d", "1h30m" };
        uint64_t us = 0;

        CHECK(openslo_parse_duration("5m", &us, NULL) == 0 && us == 300000000, "5m");
        CHECK(openslo_parse_duration("1M", &us, NULL) == 0 && us == 30ULL * 86400000000, "1M");
        CHECK(openslo_parse_duration("1Q", &us, NULL) == 0 && us == 90ULL * 86400000000, "1Q");
        CHECK(openslo_parse_duration("1Y", &us, NULL) == 0 && us == 365ULL * 86400000000, "1Y");
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                CHECK(openslo_parse_duration(refused[i], &us, NULL) == -EINVAL, "'%s' was taken", refused[i]);
}

int main(void) {
        int fd = mkstemp(path);

        if (fd < 0)
                return 1;
        (void)close(fd);
        test_ratio();
        test_threshold();
        test_alerts();
        test_bad();
        test_unmeasurable();
        test_windows();
        test_durations();
        (void)unlink(path);
        return check_result();
}
