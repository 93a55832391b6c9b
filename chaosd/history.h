/* history.h — the last faults that are over, and the counters that outlive them. */
#pragma once

#include <stdint.h>

#include "core/json.h"

#define HISTORY_MAX 256

struct history;

struct history_totals {
        char kind[64];
        uint64_t injected, hits;
};

struct history *history_new(void);
void history_free(struct history *h);
DEFINE_SCOPED(struct history, history_free)

/* history_add — keep the final fault object as text; the oldest gives way. */
void history_add(struct history *h, const char *uid, const json_t *fault);

/* New references; NULL when unknown. history_get(i): 0 = newest. */
json_t *history_find(const struct history *h, const char *uid);
json_t *history_get(const struct history *h, unsigned i);

/* Totals of one kind, made on first use; NULL = no memory. Kinds are few: they are walked by index. */
struct history_totals *history_totals(struct history *h, const char *kind);
const struct history_totals *history_totals_at(const struct history *h, unsigned i);
