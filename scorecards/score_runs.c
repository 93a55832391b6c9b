#include "scorecards/score_runs.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/err.h"
#include "scorecards/score.h"

const char *const run_verdict_names[RUN_VERDICT_COUNT] = {
        [RUN_PASS] = "pass",       [RUN_FAIL] = "fail",   [RUN_INCONCLUSIVE] = "inconclusive",
        [RUN_ABORTED] = "aborted", [RUN_ERROR] = "error",
};

static const char *service_of(const json_t *record) {
        return json_text_at(record, "experiment/service", "");
}

static int parse_verdict(const char *text) {
        for (int v = 0; v < RUN_VERDICT_COUNT; v++)
                if (strcmp(run_verdict_names[v], text) == 0)
                        return v;
        return -EINVAL;
}

/* RFC 3339 in UTC, as clock_format_utc() writes it; fractions of a second do not matter for ages. */
static int parse_time(const char *text, double *ret_s) {
        struct tm tm = { 0 };

        if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
                return -EINVAL;

        *ret_s = (double)timegm(&tm);
        return 0;
}

/* "net.delay" counts for the category that lists "net". */
static size_t category_of_kind(const struct score_profile *p, const char *kind) {
        char family[32];
        size_t len = strcspn(kind, ".");

        if (len >= sizeof(family))
                return p->n_categories;

        memcpy(family, kind, len);
        family[len] = 0;
        return score_profile_category(p, family);
}

static void read_faults(const struct score_profile *p, const json_t *record, struct score_run *run) {
        const json_t *fault;
        size_t i;

        run->weight = 0;
        json_array_foreach (json_at(record, "faults"), i, fault) {
                size_t category = category_of_kind(p, json_text_at(fault, "fault/kind", ""));

                if (json_int_at(fault, "fault/evidence/hits", 0) <= 0)
                        continue;

                run->acted = true;
                if (category == p->n_categories)
                        continue;
                run->categories |= 1ULL << category;
                if (p->categories[category].weight > run->weight)
                        run->weight = p->categories[category].weight;
        }
        if (run->weight == 0)
                run->weight = 1;
}

static int read_run(const struct score_profile *p, const json_t *record, struct score_run *run, struct err *e) {
        const char *id = json_text_at(record, "id", NULL);
        int verdict = parse_verdict(json_text_at(record, "verdict/result", ""));

        if (!id)
                return err_set(e, -EINVAL, "a run record has no id");
        if (verdict < 0)
                return err_set(e, -EINVAL, "run %.80s has no known verdict", id);
        if (parse_time(json_text_at(record, "started", NULL), &run->started_s) < 0)
                return err_set(e, -EINVAL, "run %.80s has no start time", id);

        run->record = record;
        run->verdict = (enum run_verdict)verdict;
        read_faults(p, record, run);
        return 0;
}

static int by_start(const void *a, const void *b) {
        const struct score_run *x = a, *y = b;

        return x->started_s < y->started_s ? -1
               : x->started_s > y->started_s
                       ? 1
                       : strcmp(json_text_at(x->record, "id", ""), json_text_at(y->record, "id", ""));
}

int score_runs_read(const struct score_profile *p, const json_t *records, const char *service, struct score_runs *ret,
                    struct err *e) {
        struct score_runs all = { 0 };
        const json_t *record;
        size_t i;

        all.runs = calloc(json_array_size(records) + 1, sizeof(*all.runs));
        if (!all.runs)
                return err_set(e, -ENOMEM, "no memory");

        json_array_foreach (records, i, record) {
                int r;

                if (strcmp(service_of(record), service) != 0)
                        continue;
                r = read_run(p, record, &all.runs[all.n], e);
                if (r < 0) {
                        score_runs_done(&all);
                        return r;
                }
                all.n++;
        }
        if (all.n == 0) {
                score_runs_done(&all);
                return err_set(e, -ENOENT, "no run of service '%.80s' in the history", service);
        }

        qsort(all.runs, all.n, sizeof(*all.runs), by_start);
        *ret = all;
        return 0;
}

void score_runs_done(struct score_runs *r) {
        free(r->runs);
        *r = (struct score_runs){ 0 };
}

bool score_run_judged(const struct score_run *run, const json_t *slo) {
        bool held = json_bool_at(slo, "held", false);

        if (!run->acted || !json_bool_at(slo, "conclusive", false))
                return false;
        return run->verdict == RUN_PASS || run->verdict == RUN_FAIL || (run->verdict == RUN_ABORTED && !held);
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *score_services(const json_t *records) {
        SCOPED_FREE const char **names = calloc(json_array_size(records) + 1, sizeof(*names));
        json_t *services = json_array();
        const json_t *record;
        size_t i, n = 0;

        if (!names)
                return services;

        json_array_foreach (records, i, record)
                if (service_of(record)[0])
                        names[n++] = service_of(record);
        qsort(names, n, sizeof(*names), by_text);
        for (i = 0; i < n; i++)
                if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
                        (void)json_array_append_new(services, json_string(names[i]));
        return services;
}
