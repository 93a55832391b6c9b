/* score_runs.h — run records reduced to what scoring asks: when, what was exercised, which checks were judged.
 * Only scorecards/ includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "scorecards/profile.h"
#include "scorecards/score.h"

enum run_verdict { RUN_PASS, RUN_FAIL, RUN_INCONCLUSIVE, RUN_ABORTED, RUN_ERROR, RUN_VERDICT_COUNT };
extern const char *const run_verdict_names[RUN_VERDICT_COUNT];

#define SCORE_SLOS_MAX 64 /* of one record; a record with more is refused */

struct score_run {
        const json_t *record; /* borrowed */
        const char *service;  /* borrowed from the record */
        const char *only_slo; /* borrowed: only checks of this SLO count; NULL = all */
        double started_s;     /* seconds since 1970 */
        enum run_verdict verdict;
        bool acted;            /* a fault of it has evidence: it exercised its families */
        uint64_t judged, held; /* bit i: SLO i of the record was judged, held */
        uint64_t categories;   /* bit i: exercised category i of the profile */
        uint64_t weight;       /* of each of its checks: the heaviest category exercised, 1 when none is known */
};

struct score_runs {
        struct score_run *runs; /* oldest first */
        size_t n;
};

/* Which records a scorecard is about: those of a service, of a team (label), with an SLO, with a fault of a family. */
struct score_subject {
        enum score_by by;
        const char *name; /* borrowed, outlives the runs; NULL = every record */
};

/* score_runs_read — the subject's records, sorted by start. p NULL: no categories, every weight is 1.
 * -ENOENT none, -EINVAL a record without id, start or verdict. Free with score_runs_done(). */
int score_runs_read(const struct score_profile *p, const json_t *records, struct score_subject subject,
                    struct score_runs *ret, struct err *e);
void score_runs_done(struct score_runs *r);

/* Did this run judge the i-th SLO of its record, and did it hold? An aborted run judges only what broke. */
static inline bool score_run_judged(const struct score_run *run, size_t i) {
        return i < SCORE_SLOS_MAX && ((run->judged >> i) & 1);
}
static inline bool score_run_held(const struct score_run *run, size_t i) {
        return i < SCORE_SLOS_MAX && ((run->held >> i) & 1);
}

/* "net" of "net.delay"; what does not fit is cut. Returns buf. */
#define SCORE_FAMILY_SIZE 32
char *score_family(const char *kind, char buf[SCORE_FAMILY_SIZE]);

/* Did this fault of a record act? */
bool score_fault_acted(const json_t *fault);

/* Seconds since 1970 of RFC 3339 in UTC, or of a day; -EINVAL. */
int score_parse_time(const char *text, double *ret_s);
