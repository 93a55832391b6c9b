/* score_internal.h — what the parts of one scorecard share: score.c puts them together. Only scorecards/ includes
 * this. */
#pragma once

#include "core/json.h"
#include "scorecards/profile.h"
#include "scorecards/score_math.h"
#include "scorecards/score_runs.h"

struct scoring {
        const struct score_profile *profile;
        struct score_subject subject;
        struct score_runs runs;
        double now_s, half_life_s;
        const json_t *services; /* every service of the history, sorted */
};

double scoring_freshness(const struct scoring *s, const struct score_run *run);

/* Runs over every judged check: term(run, slo) in order of time. */
void scoring_each_check(const struct scoring *s,
                        void (*term)(const struct scoring *, const struct score_run *, const json_t *slo, bool held,
                                     void *arg),
                        void *arg);

/* "shop-latency", or "shop/shop-latency" where a card holds several services. */
char *scoring_slo_name(const struct scoring *s, const struct score_run *run, const json_t *slo, char *buf, size_t size);
#define SCORING_NAME_SIZE 256

json_t *scoring_number_or_null(double x); /* NaN = null */
json_t *scoring_values(const json_t *object);

/* score_rows.c — tables of the card. Coverage: Σ weight · freshness of the newest run / Σ weight. */
json_t *scoring_categories(const struct scoring *s, double *ret_coverage);
json_t *scoring_families(const struct scoring *s);
json_t *scoring_slos(const struct scoring *s);
json_t *scoring_runs(const struct scoring *s); /* newest first */
json_t *scoring_verdicts(const struct scoring *s);

/* score_history.c — what needs the order of time. */
json_t *scoring_terms(const struct scoring *s);
json_t *scoring_trend(const struct scoring *s);
json_t *scoring_budget(const struct scoring *s);
json_t *scoring_timelines(const struct scoring *s); /* the newest run of each experiment, newest first */
