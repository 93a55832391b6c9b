/* score_history.c — the parts of a scorecard that follow time: terms, trend, budget, timelines. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/score_internal.h"

static void add_term(const struct scoring *s, const struct score_run *run, const json_t *slo, bool held, void *arg) {
        double f = scoring_freshness(s, run);

        (void)json_array_append_new(
                arg,
                json_pack("{s:s s:s s:s s:s s:I s:f s:f s:b}", "run", json_text_at(run->record, "id", ""), "slo",
                          json_text_at(slo, "name", ""), "experiment", json_text_at(run->record, "experiment/name", ""),
                          "started", json_text_at(run->record, "started", ""), "weight", (json_int_t)run->weight,
                          "freshness", f, "term", (double)run->weight * f, "held", held));
}

/* The arithmetic, to the last term: what `chaosctl score --explain` prints. */
json_t *scoring_terms(const struct scoring *s) {
        json_t *terms = json_array();

        scoring_each_check(s, add_term, terms);
        return terms;
}

/* The value as it stood after each run. Ageing multiplies all terms alike, so one pass is enough. */
json_t *scoring_trend(const struct scoring *s) {
        struct score_sum sum = { 0 };
        json_t *points = json_array();
        double last_s = s->runs.n ? s->runs.runs[0].started_s : 0;

        for (size_t i = 0; i < s->runs.n; i++) {
                const struct score_run *run = &s->runs.runs[i];
                double decay = score_freshness(run->started_s - last_s, s->half_life_s);
                const json_t *slo;
                size_t k;

                last_s = run->started_s;
                sum.weights *= decay;
                sum.weighted *= decay;
                json_array_foreach (json_object_get(run->record, "slos"), k, slo)
                        if (score_run_judged(run, k))
                                score_sum_add(&sum, (double)run->weight, score_run_held(run, k));
                if (sum.weights > 0)
                        (void)json_array_append_new(points, json_pack("{s:s s:f}", "time",
                                                                      json_text_at(run->record, "started", ""), "value",
                                                                      score_sum_value(&sum)));
        }
        return points;
}

/* Every run counts here, also an inconclusive one: a budget is spent whether something is learnt or not. */
static void add_spend(const struct scoring *s, const struct score_run *run, const json_t *slo, json_t *rows) {
        const json_t *spent = json_at(slo, "budget/spent");
        char name[SCORING_NAME_SIZE];
        json_t *row;

        if (!json_is_number(spent) || (run->only_slo && strcmp(json_text_at(slo, "name", ""), run->only_slo) != 0))
                return;

        (void)scoring_slo_name(s, run, slo, name, sizeof(name));
        row = json_object_get(rows, name);
        if (!row) {
                row = json_pack("{s:s s:s s:s s:[]}", "slo", name, "service", run->service, "name",
                                json_text_at(slo, "name", ""), "points");
                (void)json_object_set_new(rows, name, row);
        }
        (void)json_object_set_new(row, "window_s", json_real(json_number_at(slo, "window_s", 30 * 86400.0)));
        (void)json_array_append_new(json_object_get(row, "points"),
                                    json_pack("{s:s s:s s:f s:f}", "time", json_text_at(run->record, "started", ""),
                                              "run", json_text_at(run->record, "id", ""), "t", run->started_s, "spent",
                                              json_number_value(spent)));
}

/* What the drills of one SLO window took, after each run and now. A rolling sum: the oldest leave the window. */
static void roll(json_t *row, double now_s) {
        const json_t *points = json_object_get(row, "points");
        double window_s = json_number_at(row, "window_s", 0), sum = 0;
        size_t first = 0, i;
        json_t *point;

        json_array_foreach (points, i, point) {
                double t = json_number_at(point, "t", 0);

                sum += json_number_at(point, "spent", 0);
                for (; json_number_at(json_array_get(points, first), "t", 0) < t - window_s; first++)
                        sum -= json_number_at(json_array_get(points, first), "spent", 0);
                (void)json_object_set_new(point, "remaining", json_real(1 - fmax(0, sum)));
        }
        for (; first < i && json_number_at(json_array_get(points, first), "t", 0) < now_s - window_s; first++)
                sum -= json_number_at(json_array_get(points, first), "spent", 0);
        (void)json_object_set_new(row, "spent_in_window", json_real(fmax(0, sum)));
        json_array_foreach (points, i, point)
                (void)json_object_del(point, "t");
}

json_t *scoring_budget(const struct scoring *s) {
        SCOPED_JSON json_t *rows = json_object();
        const char *key;
        json_t *row;

        for (size_t i = 0; i < s->runs.n; i++) {
                const json_t *slo;
                size_t k;

                json_array_foreach (json_object_get(s->runs.runs[i].record, "slos"), k, slo)
                        add_spend(s, &s->runs.runs[i], slo, rows);
        }
        json_object_foreach (rows, key, row)
                roll(row, s->now_s);
        return scoring_values(rows);
}

static json_t *fault_windows(const json_t *record) {
        json_t *windows = json_array();
        const json_t *fault;
        size_t i;

        json_array_foreach (json_object_get(record, "faults"), i, fault)
                (void)json_array_append_new(
                        windows, json_pack("{s:s s:s s:O? s:O? s:I}", "name", json_text_at(fault, "name", ""), "kind",
                                           json_text_at(fault, "fault/kind", ""), "injected_s",
                                           json_object_get(fault, "injected_s"), "reverted_s",
                                           json_object_get(fault, "reverted_s"), "hits",
                                           (json_int_t)json_int_at(fault, "fault/evidence/hits", 0)));
        return windows;
}

/* What a picture of one run needs. */
static json_t *timeline_of(const struct score_run *run) {
        const json_t *r = run->record;

        return json_pack("{s:s s:s s:s s:s s:s s:f s:O? s:O? s:o s:O?}", "id", json_text_at(r, "id", ""), "service",
                         run->service, "experiment", json_text_at(r, "experiment/name", ""), "started",
                         json_text_at(r, "started", ""), "verdict", run_verdict_names[run->verdict], "duration_s",
                         json_number_at(r, "duration_s", 0), "phases", json_object_get(r, "phases"), "series",
                         json_object_get(r, "series"), "faults", fault_windows(r), "slos", json_object_get(r, "slos"));
}

json_t *scoring_timelines(const struct scoring *s) {
        SCOPED_JSON json_t *seen = json_object();
        json_t *lines = json_array();

        for (size_t i = s->runs.n; i > 0; i--) {
                const struct score_run *run = &s->runs.runs[i - 1];
                char key[SCORING_NAME_SIZE];

                (void)snprintf(key, sizeof(key), "%s/%s", run->service,
                               json_text_at(run->record, "experiment/name", ""));
                if (json_object_get(seen, key))
                        continue;
                (void)json_object_set_new(seen, key, json_true());
                (void)json_array_append_new(lines, timeline_of(run));
        }
        return lines;
}
