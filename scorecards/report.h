/* report.h — the quarter for those who decide: one document from the same runs, profile and notes as the scorecards.
 * Pure: no clock, no I/O. docs/scorecards.md lists its fields. */
#pragma once

#include <stdint.h>

#include "core/json.h"

struct err;
struct score_profile;

struct report_quarter {
        int year;    /* 1970 … 9999 */
        int quarter; /* 1 … 4 */
};

/* "2026Q4" or "2026-Q4". -EINVAL. */
int report_parse_quarter(const char *text, struct report_quarter *ret, struct err *e);
/* The quarter that this wall time lies in. */
struct report_quarter report_quarter_at(uint64_t now_us);

/* report_compute — schema chaosd/report/v1. Services are scored at the end of the quarter (or now, while it lasts) and
 * at the end of the one before. notes: see findings.h, or NULL. A quarter without runs gives a report that says so.
 * -EINVAL: a record that is none; -ERANGE: the quarter has not begun. */
int report_compute(const struct score_profile *p, const json_t *records, const json_t *notes, struct report_quarter q,
                   uint64_t now_us, json_t **ret, struct err *e);
