/* param_text.h — rows of param_describe() in words: tables, examples, manual pages. */
#pragma once

#include "chaosctl/table.h"
#include "core/json.h"

/* param_text_rows — cells KEY, FLAG, TYPE, RANGE, DEFAULT, WHAT for each row, sub-objects flattened behind prefix.
 * only: array of names to keep, or NULL. Returns how many rows. */
size_t param_text_rows(struct table *t, const json_t *rows, const json_t *only, const char *prefix);

/* "1us … 1m", "at most 100", "netem|relay" or "": in the row's own unit. Returns buf. */
char *param_text_range(const json_t *row, char *buf, size_t size);

/* "list of durations" … Returns buf. */
char *param_text_type(const json_t *row, char *buf, size_t size);

/* How a fault of this owner ends when nobody cleans up: one sentence, static. */
const char *param_text_owner(const char *owner);

/* "inject net.delay --interface eth0 --delay 80ms --for 30s", from the rows' examples. Returns buf. */
char *param_text_example(const json_t *kind, const json_t *target, char *buf, size_t size);
