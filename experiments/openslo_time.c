/* openslo_time.c — durations and windows of OpenSLO: rolling, or by a calendar in some time zone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/openslo_parse.h"

#define ZONES      "/usr/share/zoneinfo"
#define START_FORM "%Y-%m-%d %H:%M:%S"

int openslo_parse_duration(const char *text, uint64_t *ret_us, struct err *e) {
        static const struct {
                char unit;
                uint64_t seconds;
        } units[] = { { 'm', 60 },         { 'h', 3600 },       { 'd', 86400 },       { 'w', 7 * 86400 },
                      { 'M', 30 * 86400 }, { 'Q', 90 * 86400 }, { 'Y', 365 * 86400 }, { 's', 1 } };
        size_t digits = strspn(text, "0123456789");
        uint64_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(units) && digits > 0 && digits < 7; i++)
                if (text[digits] == units[i].unit && text[digits + 1] == 0) {
                        for (size_t k = 0; k < digits; k++)
                                n = n * 10 + (uint64_t)(text[k] - '0');
                        if (n == 0)
                                break;

                        *ret_us = n * units[i].seconds * 1000000;
                        return 0;
                }
        return err_set(e, -EINVAL, "'%.40s' is not a duration such as 5m, 1h, 30d, 4w, 1M, 1Q or 1Y", text);
}

static int read_start(const char *text, struct tm *ret) {
        struct tm tm = { .tm_isdst = -1 };
        const char *end;

        if (strlen(text) != sizeof("2026-01-01 00:00:00") - 1)
                return -EINVAL;
        end = strptime(text, START_FORM, &tm);
        if (!end || *end)
                return -EINVAL;

        *ret = tm;
        return 0;
}

int slo_calendar_check(const json_t *calendar, struct err *e) {
        const char *zone = json_text_at(calendar, "timeZone", ""), *start = json_text_at(calendar, "startTime", "");
        SCOPED_FREE char *path = NULL;
        struct tm tm;

        if (read_start(start, &tm) < 0) {
                (void)err_set(e, -EINVAL, "'%.40s' is not a time such as 2026-01-01 00:00:00", start);
                return err_at(e, "startTime");
        }
        if (strcmp(zone, "UTC") == 0)
                return 0;
        if (asprintf(&path, ZONES "/%s", zone) < 0)
                return err_set(e, -ENOMEM, "no memory");
        if (zone[0] == 0 || zone[0] == '/' || strstr(zone, "..") || access(path, R_OK) < 0) {
                (void)err_set(e, -EINVAL, "'%.60s' is not a time zone of this machine (" ZONES "), such as %s", zone,
                              "Europe/Berlin");
                return err_at(e, "timeZone");
        }
        return 0;
}

int slo_calendar_read(const json_t *window, struct slo_calendar *ret, struct err *e) {
        const char *duration = json_text_at(window, "duration", "");
        const json_t *calendar = json_at(window, "calendar");
        char *unit;

        if (!calendar)
                return 0;

        ret->given = true;
        ret->n = strtoull(duration, &unit, 10);
        ret->unit = *unit;
        ret->start = strdup(json_text_at(calendar, "startTime", ""));
        ret->zone = strdup(json_text_at(calendar, "timeZone", ""));
        return ret->start && ret->zone ? 0 : err_set(e, -ENOMEM, "no memory");
}

void slo_calendar_done(struct slo_calendar *c) {
        free(c->start);
        free(c->zone);
        *c = (struct slo_calendar){ 0 };
}

/* When the k-th window begins. Days and longer ones count on the wall clock, hours and shorter ones in seconds. */
static int64_t begin_of(const struct slo_calendar *c, const struct tm *start, int64_t k) {
        struct tm tm = *start;
        int n = (int)(k * (int64_t)c->n);

        switch (c->unit) {
        case 'Y':
                tm.tm_year += n;
                break;
        case 'Q':
                tm.tm_mon += 3 * n;
                break;
        case 'M':
                tm.tm_mon += n;
                break;
        case 'w':
                tm.tm_mday += 7 * n;
                break;
        case 'd':
                tm.tm_mday += n;
                break;
        default:
                return (int64_t)mktime(&tm) + n * (c->unit == 'h' ? 3600LL : c->unit == 'm' ? 60 : 1);
        }
        tm.tm_isdst = -1;
        return (int64_t)mktime(&tm);
}

static int find_window(const struct slo_calendar *c, uint64_t nominal_us, int64_t now_s, int64_t *ret_begin_s,
                       int64_t *ret_end_s, struct err *e) {
        struct tm start = { 0 };
        int64_t k, first_s;

        if (read_start(c->start, &start) < 0)
                return err_set(e, -EINVAL, "startTime");

        first_s = begin_of(c, &start, 0);
        if (now_s < first_s)
                return err_set(e, -ERANGE, "the first window begins at %s, %s", c->start, c->zone);

        /* Months and years are not all as long as their nominal length: step from an estimate. */
        k = (now_s - first_s) / (int64_t)(nominal_us / USEC_PER_SEC);
        while (k > 0 && begin_of(c, &start, k) > now_s)
                k--;
        while (begin_of(c, &start, k + 1) <= now_s)
                k++;
        *ret_begin_s = begin_of(c, &start, k);
        *ret_end_s = begin_of(c, &start, k + 1);
        return 0;
}

int slo_window_bounds(const struct slo *s, int64_t now_s, int64_t *ret_begin_s, int64_t *ret_end_s, struct err *e) {
        SCOPED_FREE char *before = NULL;
        const char *zone = getenv("TZ");
        int r;

        if (!s->calendar.given) {
                *ret_begin_s = now_s - (int64_t)(s->window_us / USEC_PER_SEC);
                *ret_end_s = now_s;
                return 0;
        }

        before = zone ? strdup(zone) : NULL;
        if (setenv("TZ", s->calendar.zone, 1) < 0 || (zone && !before))
                return err_set(e, -ENOMEM, "no memory");
        tzset();
        r = find_window(&s->calendar, s->window_us, now_s, ret_begin_s, ret_end_s, e);
        if (before)
                (void)setenv("TZ", before, 1);
        else
                (void)unsetenv("TZ");
        tzset();
        return r;
}
