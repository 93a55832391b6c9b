/* score_runs.h — run records reduced to what scoring asks: when, what was exercised, which checks were judged.
 * Only scorecards/ includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "scorecards/profile.h"

enum run_verdict { RUN_PASS, RUN_FAIL, RUN_INCONCLUSIVE, RUN_ABORTED, RUN_ERROR, RUN_VERDICT_COUNT };
extern const char *const run_verdict_names[RUN_VERDICT_COUNT];

struct score_run {
        const json_t *record; /* borrowed */
        double started_s;     /* seconds since 1970 */
        enum run_verdict verdict;
        bool acted;          /* a fault of it has evidence: it exercised its families */
        uint64_t categories; /* bit i: exercised category i of the profile */
        uint64_t weight;     /* of each of its checks: the heaviest category exercised, 1 when none is known */
};

struct score_runs {
        struct score_run *runs; /* oldest first */
        size_t n;
};

/* score_runs_read — the service's records, sorted by start. -ENOENT none, -EINVAL a record without id, start or
 * verdict. Free with score_runs_done(). */
int score_runs_read(const struct score_profile *p, const json_t *records, const char *service, struct score_runs *ret,
                    struct err *e);
void score_runs_done(struct score_runs *r);

/* Did this run judge this SLO of its record? An aborted run judges only what broke. */
bool score_run_judged(const struct score_run *run, const json_t *slo);
