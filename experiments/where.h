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

        /* Answers of llm probes only. */
        bool truncated;      /* the answer began and was cut off by the other side; it is an error too */
        uint64_t tokens;     /* generated */
        uint64_t ttft_us;    /* from the scheduled start to the first token; 0 = no token came */
        uint64_t itl_p99_us; /* 99th percentile of this answer's gaps between tokens; 0 with one token */
};

/* where_parse — grammar:
 *   expr = term { "or" term }    term = factor { "and" factor }
 *   factor = "not" factor | "(" expr ")" | "error" | "truncated" | field op value | field "in" value ".." value
 *   field = "status" | "latency" | "error", of llm probes also "ttft" | "itl_p99" | "tokens" | "truncated"
 *   op = < <= > >= == !=    value = integer, duration, true, false
 * A comparison is false when there was no answer (error), whatever the operator, but for error and truncated; one of
 * ttft or itl_p99 also when the answer had no token.
 * Returns 0, or -EINVAL with "column N: …" in e. */
int where_parse(const char *text, struct where **ret, struct err *e);

/* where_check_probe — does the condition fit this kind of probe? -EINVAL with "column N: …" in e when it asks a probe
 * that is no llm probe for what only those measure. */
int where_check_probe(const struct where *w, bool is_llm, struct err *e);
bool where_matches(const struct where *w, const struct where_answer *a);
void where_free(struct where *w);
DEFINE_SCOPED(struct where, where_free)
