#include "core/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"

struct unit {
        const char *name;
        uint64_t factor;
};

/* Largest first: formatting takes the first that divides exactly. */
static const struct unit duration_units[] = {
        { "d", 86400000000ULL }, { "h", 3600000000ULL }, { "m", 60000000ULL },
        { "s", 1000000ULL },     { "ms", 1000ULL },      { "us", 1ULL },
};

static const struct unit size_units[] = {
        { "TiB", 1ULL << 40 },   { "TB", 1000000000000ULL }, { "GiB", 1ULL << 30 },
        { "GB", 1000000000ULL }, { "MiB", 1ULL << 20 },      { "MB", 1000000ULL },
        { "KiB", 1ULL << 10 },   { "KB", 1000ULL },          { "B", 1ULL },
};

static const struct unit bitrate_units[] = {
        { "gbit", 1000000000ULL },
        { "mbit", 1000000ULL },
        { "kbit", 1000ULL },
        { "bit", 1ULL },
};

/* One decimal number without sign, exponent, hex or blanks; *end behind it. */
static int read_number(const char *text, const char **end, double *ret) {
        const char *p = text;
        char digits[32];
        size_t n;

        while (isdigit((unsigned char)*p))
                p++;
        if (*p == '.' && p > text && isdigit((unsigned char)p[1]))
                for (p++; isdigit((unsigned char)*p); p++)
                        ;
        n = (size_t)(p - text);
        if (n == 0 || n >= sizeof(digits))
                return -EINVAL;

        memcpy(digits, text, n);
        digits[n] = 0;
        *ret = strtod(digits, NULL);
        *end = p;
        return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t n_units, const char *text, size_t *ret_len) {
        size_t len = 0;

        while (isalpha((unsigned char)text[len]))
                len++;
        for (size_t i = 0; i < n_units; i++)
                if (strlen(units[i].name) == len && strncasecmp(units[i].name, text, len) == 0) {
                        *ret_len = len;
                        return &units[i];
                }
        return NULL;
}

/* number unit, once or (chained) several times: "1m30s". */
static int parse_with_units(const char *text, const struct unit *units, size_t n_units, int chained,
                            const char *expected, uint64_t *ret, struct err *e) {
        const char *p = text;
        double sum = 0;

        do {
                const struct unit *unit;
                double number;
                size_t len;

                if (read_number(p, &p, &number) < 0)
                        return err_set(e, -EINVAL, "'%.40s' is not %s", text, expected);

                unit = find_unit(units, n_units, p, &len);
                if (!unit)
                        return err_set(e, -EINVAL, "'%.40s' %s; write %s", text,
                                       *p ? "has an unknown unit" : "lacks a unit", expected);

                sum += number * (double)unit->factor;
                p += len;
        } while (chained && *p);

        if (*p)
                return err_set(e, -EINVAL, "'%.40s' is not %s", text, expected);
        if (sum >= 9.0e18)
                return err_set(e, -ERANGE, "'%.40s' is too large", text);
        if (fabs(sum - round(sum)) > 1e-6 * fmax(1.0, sum))
                return err_set(e, -EINVAL, "'%.40s' is finer than the smallest unit (%s)", text,
                               units[n_units - 1].name);

        *ret = (uint64_t)llround(sum);
        return 0;
}

int units_parse_duration(const char *text, uint64_t *ret_us, struct err *e) {
        if (strcmp(text, "0") == 0) {
                *ret_us = 0;
                return 0;
        }
        return parse_with_units(text, duration_units, ARRAY_SIZE(duration_units), 1,
                                "a duration such as 250us, 80ms, 30s, 5m, 2h or 30d", ret_us, e);
}

int units_parse_size(const char *text, uint64_t *ret_bytes, struct err *e) {
        return parse_with_units(text, size_units, ARRAY_SIZE(size_units), 0, "a size such as 64KiB, 10MB or 2GiB",
                                ret_bytes, e);
}

int units_parse_bitrate(const char *text, uint64_t *ret_bit_per_s, struct err *e) {
        return parse_with_units(text, bitrate_units, ARRAY_SIZE(bitrate_units), 0,
                                "a bit rate such as 512kbit, 10mbit or 1gbit", ret_bit_per_s, e);
}

int units_parse_percent(const char *text, uint32_t *ret_ppm, struct err *e) {
        const char *end;
        double number;

        if (read_number(text, &end, &number) < 0 || strcmp(end, "%") != 0)
                return err_set(e, -EINVAL, "'%.40s' is not a percentage such as 5%% or 0.1%%", text);
        if (number > 100)
                return err_set(e, -ERANGE, "'%.40s' is over 100%%", text);

        *ret_ppm = (uint32_t)llround(number * 10000);
        return 0;
}

int units_parse_rate(const char *text, double *ret_per_s, struct err *e) {
        static const struct unit per[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 } };
        const struct unit *unit;
        const char *end;
        double number;
        size_t len;

        if (read_number(text, &end, &number) < 0 || *end != '/')
                return err_set(e, -EINVAL, "'%.40s' is not a rate such as 200/s, 30/m or 5/h", text);

        unit = find_unit(per, ARRAY_SIZE(per), end + 1, &len);
        if (!unit || end[1 + len])
                return err_set(e, -EINVAL, "'%.40s' is not a rate such as 200/s, 30/m or 5/h", text);
        if (number <= 0)
                return err_set(e, -ERANGE, "'%.40s': a rate must be over 0", text);

        *ret_per_s = number / (double)unit->factor;
        return 0;
}

int units_parse_uint(const char *text, uint64_t *ret, struct err *e) {
        unsigned long long value;
        char *end;

        if (!isdigit((unsigned char)text[0]))
                return err_set(e, -EINVAL, "'%.40s' is not a whole number", text);

        errno = 0;
        value = strtoull(text, &end, 10);
        if (*end)
                return err_set(e, -EINVAL, "'%.40s' is not a whole number", text);
        if (errno == ERANGE)
                return err_set(e, -ERANGE, "'%.40s' is too large", text);

        *ret = value;
        return 0;
}

static char *format_exact(uint64_t value, const struct unit *units, size_t n_units, char *buf) {
        const struct unit *unit = &units[n_units - 1];

        for (size_t i = 0; i < n_units && value; i++)
                if (value % units[i].factor == 0) {
                        unit = &units[i];
                        break;
                }
        (void)snprintf(buf, UNITS_TEXT_SIZE, "%" PRIu64 "%s", value / unit->factor, unit->name);
        return buf;
}

char *units_format_duration(uint64_t us, char buf[UNITS_TEXT_SIZE]) {
        if (us == 0)
                return strcpy(buf, "0s");
        return format_exact(us, duration_units, ARRAY_SIZE(duration_units), buf);
}

char *units_format_size(uint64_t bytes, char buf[UNITS_TEXT_SIZE]) {
        return format_exact(bytes, size_units, ARRAY_SIZE(size_units), buf);
}

char *units_format_bitrate(uint64_t bit_per_s, char buf[UNITS_TEXT_SIZE]) {
        return format_exact(bit_per_s, bitrate_units, ARRAY_SIZE(bitrate_units), buf);
}

char *units_format_percent(uint32_t ppm, char buf[UNITS_TEXT_SIZE]) {
        (void)snprintf(buf, UNITS_TEXT_SIZE, "%g%%", ppm / 10000.0);
        return buf;
}
