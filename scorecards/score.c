/* score.c — puts the scorecard together: one function per part of the document. */
#include "scorecards/score.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "scorecards/profile.h"
#include "scorecards/score_math.h"
#include "scorecards/score_runs.h"

struct scoring {
        const struct score_profile *profile;
        struct score_runs runs;
        double now_s, half_life_s;
};

static double freshness(const struct scoring *s, const struct score_run *run) {
        return score_freshness(s->now_s - run->started_s, s->half_life_s);
}

static json_t *number_or_null(double x) {
        return isnan(x) ? json_null() : json_real(x);
}

/* Runs over every judged check: term(run, slo) in order of time. */
static void each_check(const struct scoring *s,
                       void (*term)(const struct scoring *, const struct score_run *, const json_t *slo, void *arg),
                       void *arg) {
        for (size_t i = 0; i < s->runs.n; i++) {
                const json_t *slo;
                size_t k;

                json_array_foreach (json_at(s->runs.runs[i].record, "slos"), k, slo)
                        if (score_run_judged(&s->runs.runs[i], slo))
                                term(s, &s->runs.runs[i], slo, arg);
        }
}

static void add_to_value(const struct scoring *s, const struct score_run *run, const json_t *slo, void *arg) {
        score_sum_add(arg, (double)run->weight * freshness(s, run), json_bool_at(slo, "held", false));
}

static void add_freshness(const struct scoring *s, const struct score_run *run, const json_t *slo, void *arg) {
        (void)slo;
        score_sum_add(arg, (double)run->weight, freshness(s, run));
}

/* The arithmetic, to the last term: what `chaosctl score --explain` prints. */
static void add_term(const struct scoring *s, const struct score_run *run, const json_t *slo, void *arg) {
        double f = freshness(s, run);
        bool held = json_bool_at(slo, "held", false);

        (void)json_array_append_new(
                arg,
                json_pack("{s:s s:s s:s s:s s:I s:f s:f s:b}", "run", json_text_at(run->record, "id", ""), "slo",
                          json_text_at(slo, "name", ""), "experiment", json_text_at(run->record, "experiment/name", ""),
                          "started", json_text_at(run->record, "started", ""), "weight", (json_int_t)run->weight,
                          "freshness", f, "term", (double)run->weight * f, "held", held));
}

static void add_slo(const struct scoring *s, const struct score_run *run, const json_t *slo, void *arg) {
        json_t *rows = arg;
        const char *name = json_text_at(slo, "name", "");
        json_t *row = json_object_get(rows, name);
        bool held = json_bool_at(slo, "held", false);

        (void)s;
        if (!row) {
                row = json_pack("{s:s s:f s:i s:i}", "name", name, "objective", json_number_at(slo, "objective", 0),
                                "checks", 0, "held", 0);
                (void)json_object_set_new(rows, name, row);
        }
        (void)json_object_set_new(row, "checks", json_integer(json_int_at(row, "checks", 0) + 1));
        (void)json_object_set_new(row, "held", json_integer(json_int_at(row, "held", 0) + held));
        (void)json_object_set_new(row, "last_held", json_boolean(held));
        (void)json_object_set_new(row, "last_run", json_string(json_text_at(run->record, "started", "")));
        (void)json_object_set(row, "last_compliance", json_at(slo, "phases/fault/compliance") ?: json_null());
        (void)json_object_set(row, "time_to_recover_s", json_object_get(slo, "time_to_recover_s") ?: json_null());
}

static json_t *values_of(const json_t *object) {
        json_t *array = json_array();
        const char *key;
        json_t *value;

        json_object_foreach ((json_t *)object, key, value)
                (void)json_array_append(array, value);
        return array;
}

static json_t *slo_rows(const struct scoring *s) {
        SCOPED_JSON json_t *rows = json_object();

        each_check(s, add_slo, rows);
        return values_of(rows);
}

/* One row per category of the profile; exercised only by runs that acted and were judged. */
static json_t *category_row(const struct scoring *s, size_t index, double *ret_freshness) {
        const struct score_category *c = &s->profile->categories[index];
        const struct score_run *last = NULL;
        struct score_sum sum = { 0 };
        json_t *families = json_array();
        unsigned runs = 0;

        for (size_t k = 0; k < c->families.n; k++)
                (void)json_array_append_new(families, json_string(((char **)c->families.items)[k]));
        for (size_t i = 0; i < s->runs.n; i++) {
                const struct score_run *run = &s->runs.runs[i];
                const json_t *slo;
                bool judged = false;
                size_t k;

                if (!((run->categories >> index) & 1))
                        continue;
                json_array_foreach (json_at(run->record, "slos"), k, slo)
                        if (score_run_judged(run, slo)) {
                                judged = true;
                                score_sum_add(&sum, freshness(s, run), json_bool_at(slo, "held", false));
                        }
                if (judged) {
                        last = run;
                        runs++;
                }
        }
        *ret_freshness = last ? freshness(s, last) : 0;
        return json_pack("{s:s s:o s:I s:i s:b s:o s:f s:s? s:s? s:s}", "name", c->name, "families", families, "weight",
                         (json_int_t)c->weight, "runs", (int)runs, "exercised", last != NULL, "value",
                         number_or_null(score_sum_value(&sum)), "freshness", *ret_freshness, "last_run",
                         last ? json_text_at(last->record, "started", NULL) : NULL, "last_verdict",
                         last ? run_verdict_names[last->verdict] : NULL, "why", c->why ? c->why : "");
}

/* Σ weight · freshness of the newest run / Σ weight, over the categories of the profile. */
static json_t *category_rows(const struct scoring *s, double *ret_coverage) {
        json_t *rows = json_array();
        struct score_sum sum = { 0 };

        for (size_t i = 0; i < s->profile->n_categories; i++) {
                double fresh;

                (void)json_array_append_new(rows, category_row(s, i, &fresh));
                score_sum_add(&sum, (double)s->profile->categories[i].weight, fresh);
        }
        *ret_coverage = score_sum_value(&sum);
        return rows;
}

static json_t *verdict_counts(const struct scoring *s) {
        unsigned counts[RUN_VERDICT_COUNT] = { 0 };
        json_t *object = json_object();

        for (size_t i = 0; i < s->runs.n; i++)
                counts[s->runs.runs[i].verdict]++;
        (void)json_object_set_new(object, "total", json_integer((json_int_t)s->runs.n));
        for (int v = 0; v < RUN_VERDICT_COUNT; v++)
                (void)json_object_set_new(object, run_verdict_names[v], json_integer(counts[v]));
        return object;
}

static json_t *kinds_of(const json_t *record) {
        json_t *kinds = json_array();
        const json_t *fault;
        size_t i;

        json_array_foreach (json_at(record, "faults"), i, fault)
                (void)json_array_append_new(kinds, json_string(json_text_at(fault, "fault/kind", "")));
        return kinds;
}

/* Newest first: people look at the last run first. */
static json_t *run_rows(const struct scoring *s) {
        json_t *rows = json_array();

        for (size_t i = s->runs.n; i > 0; i--) {
                const struct score_run *run = &s->runs.runs[i - 1];
                json_t *row =
                        json_pack("{s:s s:s s:s s:s s:o s:I s:f}", "id", json_text_at(run->record, "id", ""), "started",
                                  json_text_at(run->record, "started", ""), "experiment",
                                  json_text_at(run->record, "experiment/name", ""), "verdict",
                                  run_verdict_names[run->verdict], "kinds", kinds_of(run->record), "evidence_hits",
                                  (json_int_t)json_int_at(run->record, "verdict/evidence_hits", 0), "duration_s",
                                  json_number_at(run->record, "duration_s", 0));

                (void)json_object_set(row, "reasons", json_at(run->record, "verdict/reasons") ?: json_null());
                (void)json_array_append_new(rows, row);
        }
        return rows;
}

/* The value as it stood after each run. Ageing multiplies all terms alike, so one pass is enough. */
static json_t *trend(const struct scoring *s) {
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
                json_array_foreach (json_at(run->record, "slos"), k, slo)
                        if (score_run_judged(run, slo))
                                score_sum_add(&sum, (double)run->weight, json_bool_at(slo, "held", false));
                if (sum.weights > 0)
                        (void)json_array_append_new(points, json_pack("{s:s s:f}", "time",
                                                                      json_text_at(run->record, "started", ""), "value",
                                                                      score_sum_value(&sum)));
        }
        return points;
}

/* A finding is open until a later pass of the same experiment; the newest failure describes it. */
static json_t *open_findings(const struct scoring *s) {
        SCOPED_JSON json_t *open = json_object();

        for (size_t i = 0; i < s->runs.n; i++) {
                const struct score_run *run = &s->runs.runs[i];
                const char *experiment = json_text_at(run->record, "experiment/name", "");
                json_t *finding, *value;
                const char *key;
                void *next;
                size_t k;

                if (run->verdict == RUN_PASS)
                        json_object_foreach_safe(open, next, key,
                                                 value) if (strcmp(json_text_at(value, "experiment", ""), experiment) ==
                                                            0)(void) json_object_del(open, key);
                json_array_foreach (json_at(run->record, "findings"), k, finding) {
                        json_t *copy = json_copy(finding);
                        const char *id = json_text_at(finding, "id", "");
                        const json_t *before = json_object_get(open, id);

                        if (before)
                                (void)json_object_set(copy, "opened", json_object_get(before, "opened"));
                        (void)json_object_set_new(open, id, copy);
                }
        }
        return values_of(open);
}

static const char *grade_of(const struct score_profile *p, double value, double coverage) {
        for (size_t i = 0; i < p->n_grades && !isnan(value); i++)
                if (value >= p->grades[i].min_value_ppm / 1e6 && coverage >= p->grades[i].min_coverage_ppm / 1e6)
                        return p->grades[i].grade;
        return isnan(value) ? "none" : "F";
}

static json_t *grade_rules(const struct score_profile *p) {
        json_t *rules = json_array();

        for (size_t i = 0; i < p->n_grades; i++)
                (void)json_array_append_new(rules, json_pack("{s:s s:f s:f}", "grade", p->grades[i].grade, "min_value",
                                                             p->grades[i].min_value_ppm / 1e6, "min_coverage",
                                                             p->grades[i].min_coverage_ppm / 1e6));
        return rules;
}

static json_t *interval_of(const struct score_sum *value) {
        double n = score_sum_effective_n(value);
        struct score_interval i;

        if (n <= 0)
                return json_null();
        i = score_wilson(score_sum_value(value), n);
        return json_pack("{s:f s:f s:f s:f}", "low", i.low, "high", i.high, "confidence", 0.95, "effective_n", n);
}

static json_t *fault_windows(const json_t *record) {
        json_t *windows = json_array();
        const json_t *fault;
        size_t i;

        json_array_foreach (json_at(record, "faults"), i, fault)
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

        return json_pack("{s:s s:s s:s s:s s:f s:O? s:O? s:o s:O?}", "id", json_text_at(r, "id", ""), "experiment",
                         json_text_at(r, "experiment/name", ""), "started", json_text_at(r, "started", ""), "verdict",
                         run_verdict_names[run->verdict], "duration_s", json_number_at(r, "duration_s", 0), "phases",
                         json_object_get(r, "phases"), "series", json_object_get(r, "series"), "faults",
                         fault_windows(r), "slos", json_object_get(r, "slos"));
}

/* The newest run of each experiment, newest first. */
static json_t *timelines(const struct scoring *s) {
        SCOPED_JSON json_t *seen = json_object();
        json_t *lines = json_array();

        for (size_t i = s->runs.n; i > 0; i--) {
                const struct score_run *run = &s->runs.runs[i - 1];
                const char *experiment = json_text_at(run->record, "experiment/name", "");

                if (json_object_get(seen, experiment))
                        continue;
                (void)json_object_set_new(seen, experiment, json_true());
                (void)json_array_append_new(lines, timeline_of(run));
        }
        return lines;
}

static json_t *compute(const struct scoring *s, const char *service) {
        struct score_sum value = { 0 }, fresh = { 0 };
        json_t *card, *categories, *terms = json_array();
        char generated[CLOCK_TEXT_SIZE];
        double coverage;

        each_check(s, add_to_value, &value);
        each_check(s, add_freshness, &fresh);
        each_check(s, add_term, terms);
        categories = category_rows(s, &coverage);

        card = json_pack("{s:s s:s s:s s:s s:s s:o s:o s:f s:o s:i}", "schema", "chaosd/scorecard/v1", "service",
                         service, "profile", s->profile->name, "generated",
                         clock_format_utc((uint64_t)(s->now_s * 1e6), generated, sizeof(generated)), "grade",
                         grade_of(s->profile, score_sum_value(&value), coverage), "value",
                         number_or_null(score_sum_value(&value)), "interval", interval_of(&value), "coverage", coverage,
                         "freshness", number_or_null(score_sum_value(&fresh)), "checks", (int)value.n);
        (void)json_object_set_new(card, "half_life_s", json_real(s->half_life_s));
        (void)json_object_set_new(card, "runs", verdict_counts(s));
        (void)json_object_set_new(card, "categories", categories);
        (void)json_object_set_new(card, "slos", slo_rows(s));
        (void)json_object_set_new(card, "findings", open_findings(s));
        (void)json_object_set_new(card, "trend", trend(s));
        (void)json_object_set_new(card, "run_table", run_rows(s));
        (void)json_object_set_new(card, "grades", grade_rules(s->profile));
        (void)json_object_set_new(card, "terms", terms);
        (void)json_object_set_new(card, "timelines", timelines(s));
        return card;
}

int score_compute(const struct score_profile *p, const json_t *records, const char *service, uint64_t now_us,
                  json_t **ret, struct err *e) {
        struct scoring s = {
                .profile = p,
                .now_s = (double)now_us / 1e6,
                .half_life_s = (double)p->half_life_us / 1e6,
        };
        json_t *card;
        int r;

        r = score_runs_read(p, records, service, &s.runs, e);
        if (r < 0)
                return r;

        card = compute(&s, service);
        score_runs_done(&s.runs);
        if (!card)
                return err_set(e, -ENOMEM, "no memory for the scorecard");

        *ret = card;
        return 0;
}
