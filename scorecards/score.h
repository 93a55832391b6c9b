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

/* score_compute — the scorecard of one service.
 * records      JSON array of run records in any order; those of other services are left out
 * now_us       wall clock in microseconds: ages and freshness count from here
 * Returns 0, -ENOENT when no record belongs to the service, -EINVAL for a record that is none (e names its id). */
int score_compute(const struct score_profile *p, const json_t *records, const char *service, uint64_t now_us,
                  json_t **ret, struct err *e);

/* Names of the services in the records, sorted, each once. */
json_t *score_services(const json_t *records);
