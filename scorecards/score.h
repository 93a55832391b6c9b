/* score.h — from run records to a scorecard: pure, no clock, no I/O. The formulas: docs/scorecards.md.
 * A scorecard is a JSON document (docs/scorecards.md lists its fields); renderers take it from there. */
#pragma once

#include <stdint.h>

#include "core/json.h"

struct err;
struct score_profile;

/* score_profile_read — scorecards/profiles/NAME.yaml: what should be exercised, weights, grade rules.
 * Returns 0, -EINVAL with file:line:column, or -errno of reading. Free with score_profile_free(). */
int score_profile_read(const char *path, struct score_profile **ret, struct err *e);
void score_profile_free(struct score_profile *p);
DEFINE_SCOPED(struct score_profile, score_profile_free)

/* What a scorecard is about. Teams are the label "team" of experiments; a family is the part of a kind before the
 * dot. For a family, coverage is over the services of the history instead of the profile's categories. */
enum score_by { SCORE_BY_SERVICE, SCORE_BY_TEAM, SCORE_BY_SLO, SCORE_BY_FAMILY, SCORE_BY_COUNT };
extern const char *const score_by_names[SCORE_BY_COUNT];

/* score_compute — one scorecard.
 * records      JSON array of run records in any order; those of other subjects are left out
 * now_us       wall clock in microseconds: ages and freshness count from here
 * Returns 0, -ENOENT when no record belongs to the subject, -EINVAL for a record that is none (e names its id). */
int score_compute(const struct score_profile *p, const json_t *records, enum score_by by, const char *name,
                  uint64_t now_us, json_t **ret, struct err *e);

/* The names of that sort in the records, sorted, each once. */
json_t *score_names(const json_t *records, enum score_by by);
