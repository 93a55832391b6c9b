/* report_internal.h — what report.c and report_parts.c share. Only scorecards/ includes this. */
#pragma once

#include "core/json.h"
#include "scorecards/profile.h"

/* report_parts.c — from the records of the quarter alone. */
json_t *report_verdicts(const json_t *records);
json_t *report_budget(const json_t *records);                              /* spent per service and SLO, most first */
json_t *report_cost(const struct score_profile *p, const json_t *records); /* per currency, and how many unknown */
json_t *report_not_tested(const json_t *cards);                            /* categories that no run exercised */
json_t *report_summary(const json_t *report);                              /* sentences made from the figures */
