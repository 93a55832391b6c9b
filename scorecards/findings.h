/* findings.h — findings from run records: opened and closed only by runs. People add owners, due dates and accepted
 * risks as overlays; those never open or close anything. Pure: no clock, no I/O. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"

struct err;
struct score_runs;

/* findings_compute — every finding that the records ever opened, worst and newest first.
 * records   run records in any order
 * overlays  object of finding id -> {owner, due, accepted: {reason, until, by, at}}, or NULL
 * now_us    wall clock, for what is overdue and what has expired
 * Each finding is that of docs/run-record.md, with status open | accepted | closed, seen, last_run, last_seen, kinds,
 * docs, overdue, and closed, closed_by when closed. -EINVAL: a record that is none. */
int findings_compute(const json_t *records, const json_t *overlays, uint64_t now_us, json_t **ret, struct err *e);

/* findings_overlay — put what people said over findings (an array, changed in place). An acceptance holds until its
 * day has passed, and only for the opening that it was given to. */
void findings_overlay(json_t *findings, const json_t *overlays, uint64_t now_us);

/* Findings that are open after these runs (sorted by start), newest first within a severity. */
json_t *findings_open(const struct score_runs *runs);

/* 0 critical … 3 low, 4 unknown. */
unsigned findings_rank(const char *severity);
