/* where.h — conditions on a probe's answers: "status < 500 and latency < 50ms". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/scoped.h"

struct err;
struct where;

/* One answer of a probe. status: HTTP status, an exec probe's exit status (128 + signal when a signal ended it), 0 for
 * a TCP connection that was made. error: no answer at all: refused, reset, timed out, could not start; status is 0. */
struct where_answer {
        int status;
        uint64_t latency_us; /* from the scheduled start */
        bool error;
};

/* where_parse — grammar:
 *   expr = term { "or" term }    term = factor { "and" factor }
 *   factor = "not" factor | "(" expr ")" | "error" | field op value | field "in" value ".." value
 *   field = "status" | "latency" | "error"    op = < <= > >= == !=    value = integer, duration, true, false
 * A comparison of status or latency is false when there was no answer (error), whatever the operator.
 * Returns 0, or -EINVAL with "column N: …" in e. */
int where_parse(const char *text, struct where **ret, struct err *e);
bool where_matches(const struct where *w, const struct where_answer *a);
void where_free(struct where *w);
DEFINE_SCOPED(struct where, where_free)
