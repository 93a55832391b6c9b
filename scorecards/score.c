/* score.c — puts the scorecard together; the parts are in score_rows.c, score_history.c and findings.c. */
#include "scorecards/score.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "scorecards/findings.h"
#include "scorecards/score_internal.h"

double scoring_freshness(const struct scoring *s, const struct score_run *run) {
        return score_freshness(s->now_s - run->started_s, s->half_life_s);
}

json_t *scoring_number_or_null(double x) {
        return isnan(x) ? json_null() : json_real(x);
}

json_t *scoring_values(const json_t *object) {
        json_t *array = json_array();
        const char *key;
        json_t *value;

        json_object_foreach ((json_t *)object, key, value)
                (void)json_array_append(array, value);
        return array;
}

void scoring_each_check(const struct scoring *s,
                        void (*term)(const struct scoring *, const struct score_run *, const json_t *slo, bool held,
                                     void *arg),
                        void *arg) {
        for (size_t i = 0; i < s->runs.n; i++) {
                const json_t *slo;
                size_t k;

                json_array_foreach (json_object_get(s->runs.runs[i].record, "slos"), k, slo)
                        if (score_run_judged(&s->runs.runs[i], k))
                                term(s, &s->runs.runs[i], slo, score_run_held(&s->runs.runs[i], k), arg);
        }
}

char *scoring_slo_name(const struct scoring *s, const struct score_run *run, const json_t *slo, char *buf,
                       size_t size) {
        bool one_service = s->subject.by == SCORE_BY_SERVICE;

        (void)snprintf(buf, size, "%s%s%s", one_service ? "" : run->service, one_service ? "" : "/",
                       json_text_at(slo, "name", ""));
        return buf;
}

static void add_to_value(const struct scoring *s, const struct score_run *run, const json_t *slo, bool held,
                         void *arg) {
        (void)slo;
        score_sum_add(arg, (double)run->weight * scoring_freshness(s, run), held);
}

static void add_freshness(const struct scoring *s, const struct score_run *run, const json_t *slo, bool held,
                          void *arg) {
        (void)slo;
        (void)held;
        score_sum_add(arg, (double)run->weight, scoring_freshness(s, run));
}

/* Index into the profile's grades; n_grades is F. */
static size_t grade_index(const struct score_profile *p, double value, double coverage) {
        size_t i;

        for (i = 0; i < p->n_grades; i++)
                if (value >= p->grades[i].min_value_ppm / 1e6 && coverage >= p->grades[i].min_coverage_ppm / 1e6)
                        break;
        return i;
}

static const char *grade_name(const struct score_profile *p, size_t index) {
        return index < p->n_grades ? p->grades[index].grade : "F";
}

static size_t grade_find(const struct score_profile *p, const char *grade) {
        size_t i;

        for (i = 0; i < p->n_grades && strcmp(p->grades[i].grade, grade) != 0; i++)
                ;
        return i;
}

/* Takes the reason. The grade gets no better than the cap. */
static void cap_grade(const struct score_profile *p, const char *cap, json_t *reason, size_t *grade, json_t *caps) {
        size_t limit = grade_find(p, cap);

        (void)json_array_append_new(
                caps, json_pack("{s:s s:o s:b}", "grade", cap, "reason", reason, "lowered", *grade < limit));
        if (*grade < limit)
                *grade = limit;
}

/* Accepting a risk makes no service more reliable: what is open caps, accepted or not. */
static json_t *apply_caps(const struct scoring *s, const json_t *categories, const json_t *findings, size_t *grade) {
        const struct score_profile *p = s->profile;
        json_t *caps = json_array();
        const json_t *row;
        size_t i;

        json_array_foreach (categories, i, row)
                if (p->below_floor && json_is_number(json_at(row, "floor")) && json_is_number(json_at(row, "value")) &&
                    json_number_at(row, "value", 1) < json_number_at(row, "floor", 0))
                        cap_grade(p, p->below_floor,
                                  json_sprintf("%s held only %.0f %%, the floor is %.0f %%",
                                               json_text_at(row, "name", ""), json_number_at(row, "value", 0) * 100,
                                               json_number_at(row, "floor", 0) * 100),
                                  grade, caps);
        json_array_foreach (findings, i, row)
                if (p->open_critical && strcmp(json_text_at(row, "severity", ""), "critical") == 0)
                        cap_grade(p, p->open_critical,
                                  json_sprintf("critical finding %s is open", json_text_at(row, "id", "")), grade,
                                  caps);
        return caps;
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

/* The head of the card: who, and the figures that stand together. */
static json_t *head_of(const struct scoring *s, const json_t *categories, const json_t *findings, double coverage) {
        struct score_sum value = { 0 }, fresh = { 0 };
        char generated[CLOCK_TEXT_SIZE];
        json_t *caps, *card;
        size_t grade;

        scoring_each_check(s, add_to_value, &value);
        scoring_each_check(s, add_freshness, &fresh);
        grade = grade_index(s->profile, score_sum_value(&value), coverage);
        caps = apply_caps(s, categories, findings, &grade);

        card = json_pack("{s:s s:s s:s s:s s:s s:s s:o s:o s:o s:f s:o s:i s:f}", "schema", "chaosd/scorecard/v1", "by",
                         score_by_names[s->subject.by], "name", s->subject.name, "profile", s->profile->name,
                         "generated", clock_format_utc((uint64_t)(s->now_s * 1e6), generated, sizeof(generated)),
                         "grade", value.n ? grade_name(s->profile, grade) : "none", "caps", caps, "value",
                         scoring_number_or_null(score_sum_value(&value)), "interval", interval_of(&value), "coverage",
                         coverage, "freshness", scoring_number_or_null(score_sum_value(&fresh)), "checks", (int)value.n,
                         "half_life_s", s->half_life_s);
        if (s->subject.by == SCORE_BY_SERVICE)
                (void)json_object_set_new(card, "service", json_string(s->subject.name));
        return card;
}

static json_t *compute(const struct scoring *s) {
        double coverage = 0;
        json_t *categories = scoring_categories(s, &coverage), *findings = findings_open(&s->runs);
        json_t *card = head_of(s, categories, findings, coverage);

        (void)json_object_set_new(card, "runs", scoring_verdicts(s));
        (void)json_object_set_new(card, "categories", categories);
        (void)json_object_set_new(card, "families", scoring_families(s));
        (void)json_object_set_new(card, "slos", scoring_slos(s));
        (void)json_object_set_new(card, "findings", findings);
        (void)json_object_set_new(card, "trend", scoring_trend(s));
        (void)json_object_set_new(card, "budget", scoring_budget(s));
        (void)json_object_set_new(card, "run_table", scoring_runs(s));
        (void)json_object_set_new(card, "grades", grade_rules(s->profile));
        (void)json_object_set_new(card, "terms", scoring_terms(s));
        (void)json_object_set_new(card, "timelines", scoring_timelines(s));
        return card;
}

int score_compute(const struct score_profile *p, const json_t *records, enum score_by by, const char *name,
                  uint64_t now_us, json_t **ret, struct err *e) {
        struct scoring s = {
                .profile = p,
                .subject = { by, name },
                .now_s = (double)now_us / 1e6,
                .half_life_s = (double)p->half_life_us / 1e6,
        };
        SCOPED_JSON json_t *services = NULL;
        json_t *card;
        int r;

        r = score_runs_read(p, records, s.subject, &s.runs, e);
        if (r < 0)
                return r;

        if (by == SCORE_BY_FAMILY)
                s.services = services = score_names(records, SCORE_BY_SERVICE);
        card = compute(&s);
        score_runs_done(&s.runs);
        if (!card)
                return err_set(e, -ENOMEM, "no memory for the scorecard");

        *ret = card;
        return 0;
}
