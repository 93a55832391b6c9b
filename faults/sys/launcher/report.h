/* report.h — what happened, for people (one line per rule) and for machines (JSON). */
#pragma once

#include <stdio.h>

#include "core/json.h"
#include "faults/sys/launcher/supervise.h"

/* report_json — {"schema":"chaosd/exec/v1", "command", "seed", "for_us", "status", "interrupted", "deadline_passed",
 * "survivors", "calls_asked", "hits", "rules":[{"fault","matched","injected","passed","calls":[…]}]}; calls that never
 * matched are left out of "calls". NULL = no memory. */
json_t *report_json(char *const *argv, const struct supervise_plan *plan, const struct supervise_result *result);

/* report_lines — one line on out: what was injected. A rule that never acted is said in words, and with all == false
 * only those are printed. */
void report_lines(FILE *out, bool all, const struct supervise_plan *plan, const struct supervise_result *result);

/* Sum over the calls of one rule. */
struct call_counts report_sum(const struct supervise_plan *plan, const struct supervise_result *result, size_t rule);
