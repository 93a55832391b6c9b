/* words.h — figures in words, said the same way by every renderer. Only scorecards/ includes this. */
#pragma once

#include <stddef.h>

#include "core/json.h"

#define WORDS_SIZE 320

/* "33 %" or "–" for null. */
char *words_percent(const json_t *number, char *buf, size_t size);
/* "98.5 %": compliance and objectives, never rounded up. */
char *words_share(const json_t *number, char *buf, size_t size);
/* "12 %–77 %" or "no interval". */
char *words_interval(const json_t *card, char *buf, size_t size);
/* The card in one sentence, for the first line that a director reads. */
char *words_summary(const json_t *card, char *buf, size_t size);
/* "net.delay, proc.kill" */
char *words_list(const json_t *texts, char *buf, size_t size);
/* "2026-11-23 22:06" from RFC 3339, or "never". */
char *words_time(const char *rfc3339, char *buf, size_t size);
/* "▲ from C", "= B" or "new", of a service in a report. */
char *words_movement(const json_t *service, char *buf, size_t size);
/* What the drills of a report cost, or that nobody knows. */
char *words_cost(const json_t *cost, char *buf, size_t size);
/* "open", "overdue", "accepted until 2026-12-31", of a finding. */
char *words_status(const json_t *finding, char *buf, size_t size);
