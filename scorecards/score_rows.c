/* score_rows.c — the tables of a scorecard: categories, families, SLOs, runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/score_internal.h"

/* Judged checks of some of the runs. */
struct tally {
        struct score_sum sum;
        const struct score_run *last; /* the newest run with a judged check */
        unsigned runs, held;
};

static void tally_run(const struct scoring *s, const struct score_run *run, struct tally *t) {
        bool judged = false;
        const json_t *slo;
        size_t k;

        json_array_foreach (json_object_get(run->record, "slos"), k, slo)
                if (score_run_judged(run, k)) {
                        judged = true;
                        score_sum_add(&t->sum, scoring_freshness(s, run), score_run_held(run, k));
                        t->held += score_run_held(run, k);
                }
        if (judged) {
                t->last = run;
                t->runs++;
        }
}

/* Takes the list of families. */
static json_t *tally_row(const struct scoring *s, const struct tally *t, const char *name, json_t *families,
                         uint64_t weight, const char *why) {
        const struct score_run *last = t->last;

        return json_pack("{s:s s:o s:I s:i s:i s:i s:b s:o s:f s:s? s:s? s:s}", "name", name, "families", families,
                         "weight", (json_int_t)weight, "runs", (int)t->runs, "checks", (int)t->sum.n, "held",
                         (int)t->held, "exercised", last != NULL, "value",
                         scoring_number_or_null(score_sum_value(&t->sum)), "freshness",
                         last ? scoring_freshness(s, last) : 0.0, "last_run",
                         last ? json_text_at(last->record, "started", NULL) : NULL, "last_verdict",
                         last ? run_verdict_names[last->verdict] : NULL, "why", why ? why : "");
}

/* One row of the profile; exercised only by runs that acted and were judged. */
static json_t *category_row(const struct scoring *s, size_t index) {
        const struct score_category *c = &s->profile->categories[index];
        struct tally t = { 0 };
        json_t *families = json_array(), *row;

        for (size_t k = 0; k < c->families.n; k++)
                (void)json_array_append_new(families, json_string(((char **)c->families.items)[k]));
        for (size_t i = 0; i < s->runs.n; i++)
                if ((s->runs.runs[i].categories >> index) & 1)
                        tally_run(s, &s->runs.runs[i], &t);

        row = tally_row(s, &t, c->name, families, c->weight, c->why);
        (void)json_object_set_new(row, "floor", c->floor_ppm ? json_real(c->floor_ppm / 1e6) : json_null());
        return row;
}

/* Of a family: one row for each service that could be broken this way. */
static json_t *service_row(const struct scoring *s, const char *service) {
        struct tally t = { 0 };

        for (size_t i = 0; i < s->runs.n; i++)
                if (strcmp(s->runs.runs[i].service, service) == 0)
                        tally_run(s, &s->runs.runs[i], &t);
        return tally_row(s, &t, service, json_pack("[s]", s->subject.name), 1,
                         "Nobody knows what this does to the service.");
}

static bool is_family(const struct scoring *s) {
        return s->subject.by == SCORE_BY_FAMILY;
}

json_t *scoring_categories(const struct scoring *s, double *ret_coverage) {
        size_t n = is_family(s) ? json_array_size(s->services) : s->profile->n_categories;
        json_t *rows = json_array();
        struct score_sum sum = { 0 };

        for (size_t i = 0; i < n; i++) {
                json_t *row = is_family(s) ? service_row(s, json_string_value(json_array_get(s->services, i)))
                                           : category_row(s, i);

                score_sum_add(&sum, json_number_at(row, "weight", 0), json_number_at(row, "freshness", 0));
                (void)json_array_append_new(rows, row);
        }
        *ret_coverage = score_sum_value(&sum);
        return rows;
}

/* Families that acted in this run, each once, into a JSON object's keys. */
static json_t *acted_families(const struct score_run *run) {
        json_t *seen = json_object();
        char family[SCORE_FAMILY_SIZE];
        const json_t *fault;
        size_t i;

        json_array_foreach (json_object_get(run->record, "faults"), i, fault)
                if (score_fault_acted(fault))
                        (void)json_object_set_new(seen, score_family(json_text_at(fault, "fault/kind", ""), family),
                                                  json_true());
        return seen;
}

/* One row for each family that ever acted: the cells of the matrix service × family. */
json_t *scoring_families(const struct scoring *s) {
        struct {
                char name[SCORE_FAMILY_SIZE];
                struct tally t;
        } found[64];
        json_t *rows = json_array();
        size_t n = 0, k;

        for (size_t i = 0; i < s->runs.n; i++) {
                SCOPED_JSON json_t *acted = acted_families(&s->runs.runs[i]);
                const char *family;
                json_t *value;

                json_object_foreach (acted, family, value) {
                        for (k = 0; k < n && strcmp(found[k].name, family) != 0; k++)
                                ;
                        if (k == ARRAY_SIZE(found))
                                continue;
                        if (k == n) {
                                memset(&found[n++], 0, sizeof(found[0]));
                                (void)snprintf(found[k].name, sizeof(found[k].name), "%s", family);
                        }
                        tally_run(s, &s->runs.runs[i], &found[k].t);
                }
        }
        for (k = 0; k < n; k++)
                (void)json_array_append_new(
                        rows, tally_row(s, &found[k].t, found[k].name, json_pack("[s]", found[k].name), 1, NULL));
        return rows;
}

/* One SLO over all runs; how many there are is known to those who write them, so a list is searched. */
struct slo_tally {
        char name[SCORING_NAME_SIZE];
        const struct score_run *last_run;
        const json_t *last;
        double objective;
        unsigned checks, held;
};

struct slo_list {
        struct slo_tally *rows;
        size_t n;
};

static struct slo_tally *slo_tally_get(struct slo_list *list, const char *name) {
        struct slo_tally *grown;

        for (size_t i = 0; i < list->n; i++)
                if (strcmp(list->rows[i].name, name) == 0)
                        return &list->rows[i];
        grown = reallocarray(list->rows, list->n + 1, sizeof(*grown));
        if (!grown)
                return NULL;
        list->rows = grown;
        memset(&grown[list->n], 0, sizeof(*grown));
        (void)snprintf(grown[list->n].name, sizeof(grown->name), "%s", name);
        return &grown[list->n++];
}

static void add_slo(const struct scoring *s, const struct score_run *run, const json_t *slo, bool held, void *arg) {
        char name[SCORING_NAME_SIZE];
        struct slo_tally *t = slo_tally_get(arg, scoring_slo_name(s, run, slo, name, sizeof(name)));

        if (!t)
                return;
        if (t->checks++ == 0)
                t->objective = json_number_at(slo, "objective", 0);
        t->held += held;
        t->last_run = run;
        t->last = slo;
}

json_t *scoring_slos(const struct scoring *s) {
        struct slo_list list = { 0 };
        json_t *rows = json_array();

        scoring_each_check(s, add_slo, &list);
        for (size_t i = 0; i < list.n; i++) {
                const struct slo_tally *t = &list.rows[i];
                json_t *row = json_pack("{s:s s:f s:i s:i s:b s:s}", "name", t->name, "objective", t->objective,
                                        "checks", (int)t->checks, "held", (int)t->held, "last_held",
                                        json_bool_at(t->last, "held", false), "last_run",
                                        json_text_at(t->last_run->record, "started", ""));

                (void)json_object_set(row, "last_compliance",
                                      json_at(t->last, "phases/fault/compliance") ?: json_null());
                (void)json_object_set(row, "time_to_recover_s",
                                      json_object_get(t->last, "time_to_recover_s") ?: json_null());
                (void)json_array_append_new(rows, row);
        }
        free(list.rows);
        return rows;
}

json_t *scoring_verdicts(const struct scoring *s) {
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

        json_array_foreach (json_object_get(record, "faults"), i, fault)
                (void)json_array_append_new(kinds, json_string(json_text_at(fault, "fault/kind", "")));
        return kinds;
}

json_t *scoring_runs(const struct scoring *s) {
        json_t *rows = json_array();

        for (size_t i = s->runs.n; i > 0; i--) {
                const struct score_run *run = &s->runs.runs[i - 1];
                const json_t *r = run->record;
                json_t *row = json_pack("{s:s s:s s:s s:s s:s s:o s:I s:f}", "id", json_text_at(r, "id", ""), "service",
                                        run->service, "started", json_text_at(r, "started", ""), "experiment",
                                        json_text_at(r, "experiment/name", ""), "verdict",
                                        run_verdict_names[run->verdict], "kinds", kinds_of(r), "evidence_hits",
                                        (json_int_t)json_int_at(r, "verdict/evidence_hits", 0), "duration_s",
                                        json_number_at(r, "duration_s", 0));

                (void)json_object_set(row, "reasons", json_at(r, "verdict/reasons") ?: json_null());
                (void)json_array_append_new(rows, row);
        }
        return rows;
}
