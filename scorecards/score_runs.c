#include "scorecards/score_runs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/err.h"
#include "scorecards/score.h"

const char *const run_verdict_names[RUN_VERDICT_COUNT] = {
        [RUN_PASS] = "pass",       [RUN_FAIL] = "fail",   [RUN_INCONCLUSIVE] = "inconclusive",
        [RUN_ABORTED] = "aborted", [RUN_ERROR] = "error",
};

const char *const score_by_names[SCORE_BY_COUNT] = {
        [SCORE_BY_SERVICE] = "service",
        [SCORE_BY_TEAM] = "team",
        [SCORE_BY_SLO] = "slo",
        [SCORE_BY_FAMILY] = "family",
};

static const char *const one_name_at[SCORE_BY_COUNT] = {
        [SCORE_BY_SERVICE] = "experiment/service",
        [SCORE_BY_TEAM] = "experiment/labels/team",
};

char *score_family(const char *kind, char buf[SCORE_FAMILY_SIZE]) {
        (void)snprintf(buf, SCORE_FAMILY_SIZE, "%.*s", (int)strcspn(kind, "."), kind);
        return buf;
}

bool score_fault_acted(const json_t *fault) {
        return json_int_at(fault, "fault/evidence/hits", 0) > 0;
}

/* Calls on_name with every name that the record has of this sort; the text lives only during the call for families. */
static void each_name(const json_t *record, enum score_by by, void (*on_name)(void *arg, const char *name), void *arg) {
        char family[SCORE_FAMILY_SIZE];
        const json_t *item;
        size_t i;

        if (by == SCORE_BY_SLO)
                json_array_foreach (json_object_get(record, "slos"), i, item)
                        on_name(arg, json_text_at(item, "name", ""));
        else if (by == SCORE_BY_FAMILY)
                json_array_foreach (json_object_get(record, "faults"), i, item)
                        on_name(arg, score_family(json_text_at(item, "fault/kind", ""), family));
        else
                on_name(arg, json_text_at(record, one_name_at[by], ""));
}

struct is_name {
        const char *want;
        bool found;
};

static void compare_name(void *arg, const char *name) {
        struct is_name *x = arg;

        x->found = x->found || strcmp(name, x->want) == 0;
}

static bool belongs(const json_t *record, struct score_subject subject) {
        struct is_name x = { .want = subject.name };

        if (!subject.name)
                return true;
        each_name(record, subject.by, compare_name, &x);
        return x.found;
}

static int parse_verdict(const char *text) {
        for (int v = 0; v < RUN_VERDICT_COUNT; v++)
                if (strcmp(run_verdict_names[v], text) == 0)
                        return v;
        return -EINVAL;
}

/* RFC 3339 in UTC, as clock_format_utc() writes it; fractions of a second do not matter for ages. */
int score_parse_time(const char *text, double *ret_s) {
        struct tm tm = { 0 };

        if (!text || (!strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) && !strptime(text, "%Y-%m-%d", &tm)))
                return -EINVAL;

        *ret_s = (double)timegm(&tm);
        return 0;
}

static void read_faults(const struct score_profile *p, const json_t *record, struct score_subject subject,
                        struct score_run *run) {
        const json_t *fault;
        size_t i;

        run->weight = 0;
        json_array_foreach (json_object_get(record, "faults"), i, fault) {
                char family[SCORE_FAMILY_SIZE];
                size_t category;

                if (!score_fault_acted(fault))
                        continue;
                (void)score_family(json_text_at(fault, "fault/kind", ""), family);
                if (subject.by == SCORE_BY_FAMILY && subject.name && strcmp(family, subject.name) != 0)
                        continue;

                run->acted = true;
                category = p ? score_profile_category(p, family) : 0;
                if (!p || category == p->n_categories)
                        continue;
                run->categories |= 1ULL << category;
                if (p->categories[category].weight > run->weight)
                        run->weight = p->categories[category].weight;
        }
        if (run->weight == 0)
                run->weight = 1;
}

/* Asked once for each SLO, for every part of a card wants to know. */
static int read_slos(const json_t *record, struct score_run *run, struct err *e) {
        const json_t *slos = json_object_get(record, "slos"), *slo;
        size_t i;

        if (json_array_size(slos) > SCORE_SLOS_MAX)
                return err_set(e, -EINVAL, "run %.80s has more than %d SLOs", json_text_at(record, "id", ""),
                               SCORE_SLOS_MAX);

        json_array_foreach (slos, i, slo) {
                bool held = json_is_true(json_object_get(slo, "held"));
                bool counts =
                        run->verdict == RUN_PASS || run->verdict == RUN_FAIL || (run->verdict == RUN_ABORTED && !held);

                run->held |= (uint64_t)held << i;
                if (run->only_slo && strcmp(json_text_at(slo, "name", ""), run->only_slo) != 0)
                        continue;
                if (counts && run->acted && json_is_true(json_object_get(slo, "conclusive")))
                        run->judged |= 1ULL << i;
        }
        return 0;
}

static int read_run(const struct score_profile *p, const json_t *record, struct score_subject subject,
                    struct score_run *run, struct err *e) {
        const char *id = json_text_at(record, "id", NULL);
        int verdict = parse_verdict(json_text_at(record, "verdict/result", ""));

        if (!id)
                return err_set(e, -EINVAL, "a run record has no id");
        if (verdict < 0)
                return err_set(e, -EINVAL, "run %.80s has no known verdict", id);
        if (score_parse_time(json_text_at(record, "started", NULL), &run->started_s) < 0)
                return err_set(e, -EINVAL, "run %.80s has no start time", id);

        run->record = record;
        run->service = json_text_at(record, "experiment/service", "");
        run->only_slo = subject.by == SCORE_BY_SLO ? subject.name : NULL;
        run->verdict = (enum run_verdict)verdict;
        read_faults(p, record, subject, run);
        return read_slos(record, run, e);
}

static int by_start(const void *a, const void *b) {
        const struct score_run *x = a, *y = b;

        return x->started_s < y->started_s ? -1
               : x->started_s > y->started_s
                       ? 1
                       : strcmp(json_text_at(x->record, "id", ""), json_text_at(y->record, "id", ""));
}

int score_runs_read(const struct score_profile *p, const json_t *records, struct score_subject subject,
                    struct score_runs *ret, struct err *e) {
        struct score_runs all = { 0 };
        const json_t *record;
        size_t i;

        all.runs = calloc(json_array_size(records) + 1, sizeof(*all.runs));
        if (!all.runs)
                return err_set(e, -ENOMEM, "no memory");

        json_array_foreach (records, i, record) {
                int r;

                if (!belongs(record, subject))
                        continue;
                r = read_run(p, record, subject, &all.runs[all.n], e);
                if (r < 0) {
                        score_runs_done(&all);
                        return r;
                }
                all.n++;
        }
        if (all.n == 0) {
                score_runs_done(&all);
                return err_set(e, -ENOENT, "no run of %s '%.80s' in the history", score_by_names[subject.by],
                               subject.name ? subject.name : "(any)");
        }

        qsort(all.runs, all.n, sizeof(*all.runs), by_start);
        *ret = all;
        return 0;
}

void score_runs_done(struct score_runs *r) {
        free(r->runs);
        *r = (struct score_runs){ 0 };
}

static void note_name(void *arg, const char *name) {
        if (*name)
                (void)json_object_set_new(arg, name, json_true());
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *score_names(const json_t *records, enum score_by by) {
        SCOPED_JSON json_t *seen = json_object();
        SCOPED_FREE const char **names = NULL;
        json_t *sorted = json_array(), *value;
        const json_t *record;
        const char *name;
        size_t i, n = 0;

        json_array_foreach (records, i, record)
                each_name(record, by, note_name, seen);
        names = calloc(json_object_size(seen) + 1, sizeof(*names));
        if (!names)
                return sorted;

        json_object_foreach (seen, name, value)
                names[n++] = name;
        qsort(names, n, sizeof(*names), by_text);
        for (i = 0; i < n; i++)
                (void)json_array_append_new(sorted, json_string(names[i]));
        return sorted;
}
