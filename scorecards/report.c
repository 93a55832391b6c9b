#include "scorecards/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "scorecards/findings.h"
#include "scorecards/report_internal.h"
#include "scorecards/score.h"

#define RISKS_MAX 5

int report_parse_quarter(const char *text, struct report_quarter *ret, struct err *e) {
        int year, quarter, end = 0;

        if ((sscanf(text, "%4d%*1[Qq]%1d%n", &year, &quarter, &end) != 2 &&
             sscanf(text, "%4d-%*1[Qq]%1d%n", &year, &quarter, &end) != 2) ||
            text[end] || year < 1970 || quarter < 1 || quarter > 4)
                return err_set(e, -EINVAL, "'%.40s' is not a quarter such as 2026Q4", text);

        *ret = (struct report_quarter){ year, quarter };
        return 0;
}

struct report_quarter report_quarter_at(uint64_t now_us) {
        time_t now = (time_t)(now_us / USEC_PER_SEC);
        struct tm tm;

        (void)gmtime_r(&now, &tm);
        return (struct report_quarter){ tm.tm_year + 1900, tm.tm_mon / 3 + 1 };
}

/* The first microsecond of the quarter that is `later` quarters behind this one. */
static uint64_t quarter_start_us(struct report_quarter q, int later) {
        struct tm tm = { .tm_year = q.year - 1900, .tm_mon = (q.quarter - 1 + later) * 3, .tm_mday = 1 };
        time_t t = timegm(&tm);

        return t > 0 ? (uint64_t)t * USEC_PER_SEC : 0;
}

/* Records that started in [from, to): RFC 3339 in UTC sorts as text. */
static json_t *records_between(const json_t *records, uint64_t from_us, uint64_t to_us) {
        char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
        json_t *some = json_array(), *record;
        size_t i;

        (void)clock_format_utc(from_us, from, sizeof(from));
        (void)clock_format_utc(to_us, to, sizeof(to));
        json_array_foreach (records, i, record) {
                const char *started = json_text_at(record, "started", "");

                if (strcmp(started, from) >= 0 && strcmp(started, to) < 0)
                        (void)json_array_append(some, record);
        }
        return some;
}

/* Cards of every service at one moment, from what was known then. */
static int cards_at(const struct score_profile *p, const json_t *records, uint64_t at_us, json_t *cards,
                    struct err *e) {
        SCOPED_JSON json_t *known = records_between(records, 0, at_us);
        SCOPED_JSON json_t *names = score_names(known, SCORE_BY_SERVICE);
        const json_t *name;
        size_t i;

        json_array_foreach (names, i, name) {
                json_t *card;
                int r = score_compute(p, known, SCORE_BY_SERVICE, json_string_value(name), at_us, &card, e);

                if (r < 0)
                        return r;
                (void)json_array_append_new(cards, card);
        }
        return 0;
}

static const json_t *card_called(const json_t *cards, const char *name) {
        const json_t *card;
        size_t i;

        json_array_foreach (cards, i, card)
                if (strcmp(json_text_at(card, "name", ""), name) == 0)
                        return card;
        return NULL;
}

/* By the profile's order of grades; "none" is below all. */
static int grade_rank(const struct score_profile *p, const char *grade) {
        size_t i;

        for (i = 0; i < p->n_grades && strcmp(p->grades[i].grade, grade) != 0; i++)
                ;
        return strcmp(grade, "none") == 0 ? (int)p->n_grades + 1 : (int)i;
}

static const char *movement_of(const struct score_profile *p, const json_t *card, const json_t *before) {
        int change;

        if (!before)
                return "new";
        change = grade_rank(p, json_text_at(card, "grade", "none")) -
                 grade_rank(p, json_text_at(before, "grade", "none"));
        return change < 0 ? "up" : change > 0 ? "down" : "same";
}

static json_t *figures_of(const json_t *card) {
        return json_pack("{s:s s:O s:O s:O s:O}", "grade", json_text_at(card, "grade", "none"), "value",
                         json_at(card, "value"), "interval", json_at(card, "interval"), "coverage",
                         json_at(card, "coverage"), "freshness", json_at(card, "freshness"));
}

static size_t runs_of(const json_t *records, const char *service) {
        const json_t *record;
        size_t n = 0, i;

        json_array_foreach (records, i, record)
                n += strcmp(json_text_at(record, "experiment/service", ""), service) == 0;
        return n;
}

static json_t *services_of(const struct score_profile *p, const json_t *cards, const json_t *before,
                           const json_t *in_quarter) {
        json_t *rows = json_array();
        const json_t *card;
        size_t i;

        json_array_foreach (cards, i, card) {
                const char *name = json_text_at(card, "name", "");
                const json_t *old = card_called(before, name);
                json_t *row = figures_of(card);

                (void)json_object_set_new(row, "service", json_string(name));
                (void)json_object_set_new(row, "before", old ? figures_of(old) : json_null());
                (void)json_object_set_new(row, "movement", json_string(movement_of(p, card, old)));
                (void)json_object_set_new(row, "runs", json_integer((json_int_t)runs_of(in_quarter, name)));
                (void)json_object_set_new(row, "findings",
                                          json_integer((json_int_t)json_array_size(json_at(card, "findings"))));
                (void)json_array_append_new(rows, row);
        }
        return rows;
}

/* What is open at the end (accepted risks too), and what this quarter closed. */
static void split_findings(const json_t *findings, const char *from, json_t *backlog, json_t *closed) {
        json_t *f;
        size_t i;

        json_array_foreach (findings, i, f)
                if (strcmp(json_text_at(f, "status", ""), "closed") != 0)
                        (void)json_array_append(backlog, f);
                else if (strcmp(json_text_at(f, "closed", ""), from) >= 0)
                        (void)json_array_append(closed, f);
}

static json_t *first_of(const json_t *array, size_t n) {
        json_t *some = json_array();

        for (size_t i = 0; i < n && i < json_array_size(array); i++)
                (void)json_array_append(some, json_array_get(array, i));
        return some;
}

static int add_findings(json_t *report, const json_t *records, const json_t *notes, const char *from, uint64_t at_us,
                        struct err *e) {
        SCOPED_JSON json_t *known = records_between(records, 0, at_us);
        SCOPED_JSON json_t *findings = NULL;
        json_t *backlog = json_array(), *closed = json_array();
        int r;

        (void)json_object_set_new(report, "backlog", backlog);
        (void)json_object_set_new(report, "closed", closed);
        r = findings_compute(known, notes, at_us, &findings, e);
        if (r < 0)
                return r;

        split_findings(findings, from, backlog, closed);
        (void)json_object_set_new(report, "risks", first_of(backlog, RISKS_MAX));
        return 0;
}

int report_compute(const struct score_profile *p, const json_t *records, const json_t *notes, struct report_quarter q,
                   uint64_t now_us, json_t **ret, struct err *e) {
        uint64_t from_us = quarter_start_us(q, 0), to_us = quarter_start_us(q, 1);
        uint64_t at_us = now_us < to_us ? now_us : to_us;
        SCOPED_JSON json_t *cards = json_array(), *before = json_array();
        SCOPED_JSON json_t *in_quarter = records_between(records, from_us, at_us);
        SCOPED_JSON json_t *report = NULL;
        char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], at[CLOCK_TEXT_SIZE];
        int r;

        if (now_us < from_us)
                return err_set(e, -ERANGE, "%dQ%d has not begun", q.year, q.quarter);
        r = cards_at(p, records, at_us, cards, e);
        if (r == 0)
                r = cards_at(p, records, from_us, before, e);
        if (r < 0)
                return r;

        (void)clock_format_utc(from_us, from, sizeof(from));
        (void)clock_format_utc(to_us, to, sizeof(to));
        (void)clock_format_utc(at_us, at, sizeof(at));
        report = json_pack("{s:s s:o s:s s:s s:s s:b s:s s:o s:o s:o s:o s:o}", "schema", "chaosd/report/v1", "quarter",
                           json_sprintf("%dQ%d", q.year, q.quarter), "from", from, "to", to, "as_of", at, "complete",
                           now_us >= to_us, "profile", p->name, "runs", report_verdicts(in_quarter), "services",
                           services_of(p, cards, before, in_quarter), "budget", report_budget(in_quarter), "cost",
                           report_cost(p, in_quarter), "not_tested", report_not_tested(cards));
        if (!report)
                return err_set(e, -ENOMEM, "no memory for the report");
        r = add_findings(report, records, notes, from, at_us, e);
        if (r < 0)
                return r;

        (void)json_object_set_new(report, "summary", report_summary(report));
        *ret = TAKE_PTR(report);
        return 0;
}
