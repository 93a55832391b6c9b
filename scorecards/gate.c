#include "scorecards/gate.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/run.h"
#include "scorecards/score.h"

struct judging {
        const struct gate_rules *rules;
        int code; /* enum run_exit, the gravest so far: they are numbered by gravity */
        json_t *reasons, *notes;
};

static void append_text(json_t *list, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void append_text(json_t *list, const char *fmt, va_list ap) {
        char text[400];

        (void)vsnprintf(text, sizeof(text), fmt, ap);
        (void)json_array_append_new(list, json_string(text));
}

static void decide(struct judging *j, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void decide(struct judging *j, int code, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        append_text(j->reasons, fmt, ap);
        va_end(ap);
        if (code > j->code)
                j->code = code;
}

static void note(struct judging *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct judging *j, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        append_text(j->notes, fmt, ap);
        va_end(ap);
}

static const char *code_name(int code) {
        static const char *const names[] = {
                [RUN_EXIT_PASS] = "pass",       [RUN_EXIT_FAIL] = "fail",   [RUN_EXIT_INCONCLUSIVE] = "inconclusive",
                [RUN_EXIT_ABORTED] = "aborted", [RUN_EXIT_ERROR] = "error", [RUN_EXIT_RESIDUE] = "residue",
        };

        return code >= 0 && code < (int)ARRAY_SIZE(names) && names[code] ? names[code] : "error";
}

/* ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────── */

static json_t *copy_or_null(const json_t *o, const char *path) {
        json_t *value = json_at(o, path);

        return value ? json_incref(value) : json_null();
}

static json_t *slo_rows(const json_t *record) {
        json_t *rows = json_array();
        const json_t *slo;
        size_t i;

        json_array_foreach (json_object_get(record, "slos"), i, slo)
                (void)json_array_append_new(
                        rows,
                        json_pack("{s:s s:o s:o s:o s:o s:o s:o s:o}", "name", json_text_at(slo, "name", "?"),
                                  "objective", copy_or_null(slo, "objective"), "compliance",
                                  copy_or_null(slo, "phases/fault/compliance"), "spent",
                                  copy_or_null(slo, "budget/spent"), "time_to_recover_s",
                                  copy_or_null(slo, "time_to_recover_s"), "conclusive", copy_or_null(slo, "conclusive"),
                                  "held", copy_or_null(slo, "held"), "reason", copy_or_null(slo, "reason")));
        return rows;
}

/* A record whose verdict we cannot read proves nothing good. */
static int code_of(const json_t *run) {
        const json_t *record = json_object_get(run, "record");

        if (!json_is_object(record))
                return (int)json_int_at(run, "exit_code", RUN_EXIT_ERROR);
        return (int)json_int_at(record, "verdict/exit_code", RUN_EXIT_ERROR);
}

static json_t *judge_run(struct judging *j, const json_t *run) {
        const json_t *record = json_object_get(run, "record");
        const char *experiment = json_text_at(run, "experiment", "?");
        bool ran = json_is_object(record);
        int code = code_of(run);

        if (code != RUN_EXIT_PASS)
                decide(j, code, "%s: %s: %s", experiment, ran ? code_name(code) : "not run",
                       ran ? json_text_at(record, code == RUN_EXIT_RESIDUE ? "residue/left/0" : "verdict/reasons/0",
                                          "no reason was recorded")
                           : json_text_at(run, "why", "no reason was recorded"));
        if (ran && json_int_at(run, "exit_code", RUN_EXIT_PASS) != RUN_EXIT_PASS)
                decide(j, (int)json_int_at(run, "exit_code", RUN_EXIT_ERROR), "%s: %s", experiment,
                       json_text_at(run, "why", "no reason was recorded"));
        return json_pack("{s:s s:s s:s s:s? s:b s:s s:i s:o s:o s:o s:o}", "file", json_text_at(run, "file", ""),
                         "experiment", experiment, "service", json_text_at(run, "service", ""), "id",
                         json_text_at(record, "id", NULL), "ran", ran, "result", code_name(code), "exit_code", code,
                         "duration_s", copy_or_null(record, "duration_s"), "evidence_hits",
                         copy_or_null(record, "verdict/evidence_hits"), "reasons",
                         ran ? copy_or_null(record, "verdict/reasons")
                             : json_pack("[s]", json_text_at(run, "why", "no reason was recorded")),
                         "slos", slo_rows(record));
}

static json_t *judge_runs(struct judging *j, const json_t *runs) {
        json_t *rows = json_array();
        const json_t *run;
        size_t i;

        json_array_foreach (runs, i, run)
                (void)json_array_append_new(rows, judge_run(j, run));
        return rows;
}

/* ── baseline ──────────────────────────────────────────────────────────────────────────────────────────────── */

const json_t *gate_baseline_for(const json_t *baseline, const char *service, const char *experiment) {
        static const char *const fit[] = { "pass", "fail" };

        for (size_t k = 0; k < ARRAY_SIZE(fit); k++) {
                const json_t *best = NULL, *record;
                size_t i;

                json_array_foreach (baseline, i, record)
                        if (strcmp(json_text_at(record, "experiment/service", ""), service) == 0 &&
                            strcmp(json_text_at(record, "experiment/name", ""), experiment) == 0 &&
                            strcmp(json_text_at(record, "verdict/result", ""), fit[k]) == 0 &&
                            (!best ||
                             strcmp(json_text_at(record, "started", ""), json_text_at(best, "started", "")) > 0))
                                best = record;
                if (best)
                        return best;
        }
        return NULL;
}

/* Figures of two different experiments do not compare, whatever both are called. */
static bool has_changed(const json_t *a, const json_t *b) {
        static const char *const parts[] = { "faults", "probes", "phases" };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                char path[48];
                const json_t *x, *y;

                (void)snprintf(path, sizeof(path), "experiment/document/spec/%s", parts[i]);
                x = json_at(a, path);
                y = json_at(b, path);
                if (x && y && !json_equal(x, y))
                        return true;
        }
        return false;
}

/* Only what was judged can have become worse; the verdict of all else says enough. */
static bool was_judged(const json_t *record) {
        const char *verdict = json_text_at(record, "verdict/result", "");

        return strcmp(verdict, "pass") == 0 || strcmp(verdict, "fail") == 0;
}

static json_t *judge_against_baseline(struct judging *j, const json_t *runs, const json_t *baseline) {
        json_t *comparisons = json_array();
        const json_t *run, *regression;
        size_t i, k;

        json_array_foreach (runs, i, run) {
                const json_t *record = json_object_get(run, "record"), *before;
                const char *experiment = json_text_at(run, "experiment", "?");
                json_t *comparison;

                if (!json_is_object(record) || !was_judged(record))
                        continue;
                before = gate_baseline_for(baseline, json_text_at(run, "service", ""), experiment);
                if (!before) {
                        note(j, "%s: the baseline has no run of it that passed or failed: not compared", experiment);
                        continue;
                }
                if (has_changed(before, record))
                        note(j, "%s: its faults, probes or phases changed since the baseline: figures may not compare",
                             experiment);
                comparison = compare_runs(before, record, &j->rules->limits);
                json_array_foreach (json_object_get(comparison, "regressions"), k, regression)
                        decide(j, RUN_EXIT_FAIL, "%s: worse than the baseline: %s", experiment,
                               json_string_value(regression));
                (void)json_array_append_new(comparisons, comparison);
        }
        return comparisons;
}

/* ── scores ────────────────────────────────────────────────────────────────────────────────────────────────── */

static bool holds_id(const json_t *records, const char *id) {
        const json_t *record;
        size_t i;

        json_array_foreach (records, i, record)
                if (strcmp(json_text_at(record, "id", ""), id) == 0)
                        return true;
        return false;
}

static json_t *records_to_score(const json_t *runs, const json_t *earlier) {
        json_t *records = json_array();
        const json_t *run, *record;
        size_t i;

        json_array_foreach (runs, i, run)
                if (json_is_object(json_object_get(run, "record")))
                        (void)json_array_append(records, json_object_get(run, "record"));
        json_array_foreach (earlier, i, record)
                if (!holds_id(records, json_text_at(record, "id", "")))
                        (void)json_array_append(records, (json_t *)record);
        return records;
}

static void judge_card(struct judging *j, const json_t *card, const char *service) {
        double value = json_number_at(card, "value", NAN), coverage = json_number_at(card, "coverage", 0);

        if (!isnan(j->rules->min_score) && isnan(value))
                decide(j, RUN_EXIT_INCONCLUSIVE, "%s: no score: no run with evidence judged an SLO", service);
        else if (!isnan(j->rules->min_score) && value < j->rules->min_score)
                decide(j, RUN_EXIT_FAIL, "%s: score %.4g, at least %.4g asked", service, value * 100,
                       j->rules->min_score * 100);
        if (!isnan(j->rules->min_coverage) && coverage < j->rules->min_coverage)
                decide(j, RUN_EXIT_FAIL, "%s: coverage %.4g %%, at least %.4g %% asked", service, coverage * 100,
                       j->rules->min_coverage * 100);
}

/* The cards of the services that this gate ran; a service without any record gets none, and meets no minimum. */
static int judge_scores(struct judging *j, const struct score_profile *p, const json_t *runs, const json_t *earlier,
                        uint64_t now_us, json_t *cards, struct err *e) {
        SCOPED_JSON json_t *records = records_to_score(runs, earlier);
        SCOPED_JSON json_t *seen = json_object();
        const json_t *run;
        size_t i;

        json_array_foreach (runs, i, run) {
                const char *service = json_text_at(run, "service", "");
                json_t *card = NULL;
                int r;

                if (json_object_get(seen, service))
                        continue;
                (void)json_object_set_new(seen, service, json_true());
                r = score_compute(p, records, SCORE_BY_SERVICE, service, now_us, &card, e);
                if (r < 0 && r != -ENOENT)
                        return r;
                judge_card(j, card, service);
                if (card)
                        (void)json_array_append_new(cards, card);
        }
        return 0;
}

static json_t *number_or_null(double x) {
        return isnan(x) ? json_null() : json_real(x);
}

int gate_judge(const struct gate_rules *rules, const struct score_profile *p, const json_t *runs, const json_t *earlier,
               const json_t *baseline, uint64_t now_us, json_t **ret, struct err *e) {
        SCOPED_JSON json_t *reasons = json_array(), *notes = json_array(), *cards = json_array();
        SCOPED_JSON json_t *rows = NULL, *comparisons = NULL;
        struct judging j = { rules, RUN_EXIT_PASS, reasons, notes };
        char generated[CLOCK_TEXT_SIZE];
        json_t *gate;
        int r;

        if (json_array_size(runs) == 0)
                decide(&j, RUN_EXIT_INCONCLUSIVE, "nothing was run");
        rows = judge_runs(&j, runs);
        comparisons = judge_against_baseline(&j, baseline ? runs : NULL, baseline);
        r = judge_scores(&j, p, runs, earlier, now_us, cards, e);
        if (r < 0)
                return r;

        gate = json_pack("{s:s s:s s:{s:s s:i s:O} s:{s:o s:o} s:O s:O s:O s:O}", "schema", "chaosd/gate/v1",
                         "generated", clock_format_utc(now_us, generated, sizeof(generated)), "verdict", "result",
                         code_name(j.code), "exit_code", j.code, "reasons", reasons, "asked", "min_score",
                         number_or_null(rules->min_score), "min_coverage", number_or_null(rules->min_coverage), "runs",
                         rows, "comparisons", comparisons, "scorecards", cards, "notes", notes);
        if (!gate)
                return err_set(e, -ENOMEM, "no memory for the gate's verdict");
        *ret = gate;
        return 0;
}

void gate_add_error(json_t *gate, const char *why) {
        json_t *verdict = json_object_get(gate, "verdict");

        (void)json_array_append_new(json_object_get(verdict, "reasons"), json_string(why));
        if (json_int_at(verdict, "exit_code", RUN_EXIT_ERROR) >= RUN_EXIT_ERROR)
                return;
        (void)json_object_set_new(verdict, "exit_code", json_integer(RUN_EXIT_ERROR));
        (void)json_object_set_new(verdict, "result", json_string(code_name(RUN_EXIT_ERROR)));
}

/* ── reports ───────────────────────────────────────────────────────────────────────────────────────────────── */

/* What did not run must not be missing from a report: red is seen, absence is not. */
static json_t *stand_in(const json_t *gate, const char *name, const char *service, const char *file, const char *result,
                        const json_t *reasons) {
        return json_pack("{s:s s:{s:s s:s s:s} s:s s:i s:[] s:[] s:{s:s s:O}}", "id", name, "experiment", "name", name,
                         "service", service, "file", file, "started", json_text_at(gate, "generated", ""), "duration_s",
                         0, "slos", "findings", "verdict", "result", result, "reasons", reasons);
}

json_t *gate_reports(const json_t *gate, const json_t *runs, bool own_verdict) {
        json_t *reports = json_array();
        const json_t *run, *row;
        size_t i;

        json_array_foreach (runs, i, run) {
                json_t *record = json_object_get(run, "record");

                row = json_array_get(json_object_get(gate, "runs"), i);
                if (json_is_object(record))
                        (void)json_array_append(reports, record);
                else
                        (void)json_array_append_new(reports, stand_in(gate, json_text_at(row, "experiment", "?"),
                                                                      json_text_at(row, "service", ""),
                                                                      json_text_at(row, "file", ""),
                                                                      json_text_at(row, "result", "error"),
                                                                      json_object_get(row, "reasons")));
        }
        if (own_verdict)
                (void)json_array_append_new(reports, stand_in(gate, "gate", "chaosctl", "",
                                                              json_text_at(gate, "verdict/result", "error"),
                                                              json_at(gate, "verdict/reasons")));
        return reports;
}
