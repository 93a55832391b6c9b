/* units.h — text ↔ numbers with units, as users write them: 80ms, 64KiB, 200/s, 10mbit, 5%.
 * A number without a unit is refused where a unit is needed; nothing is clamped or rounded silently. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

/* All return 0, -EINVAL (not such a quantity; e says what was expected) or -ERANGE (does not fit).
 * *ret is untouched on failure. Text may be of any length and content. */
int units_parse_duration(const char *text, uint64_t *ret_us, struct err *e);       /* us ms s m h d; "1m30s", "0" */
int units_parse_size(const char *text, uint64_t *ret_bytes, struct err *e);        /* B KB MB GB TB KiB MiB GiB TiB */
int units_parse_percent(const char *text, uint32_t *ret_ppm, struct err *e);       /* 0% … 100%, to 0.0001% */
int units_parse_rate(const char *text, double *ret_per_s, struct err *e);          /* 200/s 30/m 5/h */
int units_parse_bitrate(const char *text, uint64_t *ret_bit_per_s, struct err *e); /* bit kbit mbit gbit */
int units_parse_uint(const char *text, uint64_t *ret, struct err *e);

#define UNITS_TEXT_SIZE 40
/* Shortest exact text; each fits UNITS_TEXT_SIZE. Return buf. */
char *units_format_duration(uint64_t us, char buf[UNITS_TEXT_SIZE]);
char *units_format_size(uint64_t bytes, char buf[UNITS_TEXT_SIZE]);
char *units_format_percent(uint32_t ppm, char buf[UNITS_TEXT_SIZE]);
char *units_format_bitrate(uint64_t bit_per_s, char buf[UNITS_TEXT_SIZE]);
