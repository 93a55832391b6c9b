/* report_parts.c — verdicts, budgets, costs, gaps of a quarter, and the summary in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/report_internal.h"

json_t *report_verdicts(const json_t *records) {
        static const char *const names[] = { "pass", "fail", "inconclusive", "aborted", "error" };
        json_t *counts = json_pack("{s:I}", "total", (json_int_t)json_array_size(records));
        const json_t *record;
        double seconds = 0;
        size_t i;

        for (i = 0; i < ARRAY_SIZE(names); i++)
                (void)json_object_set_new(counts, names[i], json_integer(0));
        json_array_foreach (records, i, record) {
                const char *verdict = json_text_at(record, "verdict/result", "error");

                (void)json_object_set_new(counts, verdict, json_integer(json_int_at(counts, verdict, 0) + 1));
                seconds += json_number_at(record, "duration_s", 0);
        }
        (void)json_object_set_new(counts, "duration_s", json_real(seconds));
        return counts;
}

static void add_spend(json_t *rows, const json_t *record, const json_t *slo) {
        const char *service = json_text_at(record, "experiment/service", ""), *name = json_text_at(slo, "name", "");
        double spent = json_number_at(slo, "budget/spent", 0);
        char key[512];
        json_t *row;

        (void)snprintf(key, sizeof(key), "%.200s/%.200s", service, name);
        row = json_object_get(rows, key);
        if (!row) {
                row = json_pack("{s:s s:s s:f s:i s:f s:f s:s}", "service", service, "slo", name, "window_s",
                                json_number_at(slo, "window_s", 30 * 86400.0), "runs", 0, "spent", 0.0, "most", 0.0,
                                "most_experiment", "");
                (void)json_object_set_new(rows, key, row);
        }
        (void)json_object_set_new(row, "runs", json_integer(json_int_at(row, "runs", 0) + 1));
        (void)json_object_set_new(row, "spent", json_real(json_number_at(row, "spent", 0) + spent));
        if (spent > json_number_at(row, "most", 0)) {
                (void)json_object_set_new(row, "most", json_real(spent));
                (void)json_object_set_new(row, "most_experiment",
                                          json_string(json_text_at(record, "experiment/name", "")));
        }
}

static int most_spent_first(const void *a, const void *b) {
        double x = json_number_at(*(json_t *const *)a, "spent", 0), y = json_number_at(*(json_t *const *)b, "spent", 0);

        return x < y ? 1 : x > y ? -1 : 0;
}

json_t *report_budget(const json_t *records) {
        SCOPED_JSON json_t *rows = json_object();
        SCOPED_FREE json_t **list = NULL;
        json_t *sorted = json_array(), *row;
        const json_t *record, *slo;
        const char *key;
        size_t i, k, n = 0;

        json_array_foreach (records, i, record)
                json_array_foreach (json_object_get(record, "slos"), k, slo)
                        if (json_is_number(json_at(slo, "budget/spent")))
                                add_spend(rows, record, slo);
        list = calloc(json_object_size(rows) + 1, sizeof(*list));
        if (!list)
                return sorted;
        json_object_foreach (rows, key, row)
                list[n++] = row;
        qsort(list, n, sizeof(*list), most_spent_first);
        for (i = 0; i < n; i++)
                (void)json_array_append(sorted, list[i]);
        return sorted;
}

static void add_cost(json_t *sums, const char *currency, double amount) {
        (void)json_object_set_new(sums, currency, json_real(json_number_at(sums, currency, 0) + amount));
}

json_t *report_cost(const struct score_profile *p, const json_t *records) {
        json_t *sums = json_object();
        size_t unknown = 0, estimated = 0, i;
        const json_t *record;

        json_array_foreach (records, i, record) {
                const json_t *amount = json_at(record, "cost/amount");

                if (json_is_number(amount))
                        add_cost(sums, json_text_at(record, "cost/currency", "EUR"), json_number_value(amount));
                else if (p->has_cost) {
                        add_cost(sums, p->currency ? p->currency : "EUR", p->cost_per_run);
                        estimated++;
                } else
                        unknown++;
        }
        return json_pack("{s:o s:I s:I}", "sums", sums, "estimated_runs", (json_int_t)estimated, "unknown_runs",
                         (json_int_t)unknown);
}

json_t *report_not_tested(const json_t *cards) {
        json_t *rows = json_array();
        const json_t *card, *category;
        size_t i, k;

        json_array_foreach (cards, i, card)
                json_array_foreach (json_at(card, "categories"), k, category)
                        if (!json_bool_at(category, "exercised", false))
                                (void)json_array_append_new(rows, json_pack("{s:s s:s s:O s:O s:s}", "service",
                                                                            json_text_at(card, "name", ""), "category",
                                                                            json_text_at(category, "name", ""),
                                                                            "families", json_at(category, "families"),
                                                                            "weight", json_at(category, "weight"),
                                                                            "why", json_text_at(category, "why", "")));
        return rows;
}

static size_t count_where(const json_t *array, const char *key, const char *value) {
        const json_t *row;
        size_t n = 0, i;

        json_array_foreach (array, i, row)
                n += strcmp(json_text_at(row, key, ""), value) == 0;
        return n;
}

static const char *s(size_t n) {
        return n == 1 ? "" : "s";
}

static void say_runs(const json_t *report, json_t *lines) {
        size_t runs = (size_t)json_int_at(report, "runs/total", 0);
        size_t services = json_array_size(json_at(report, "services"));
        const char *so_far = json_bool_at(report, "complete", true) ? "" : " so far";
        long long unclear = json_int_at(report, "runs/inconclusive", 0) + json_int_at(report, "runs/aborted", 0) +
                            json_int_at(report, "runs/error", 0);

        if (runs == 0) {
                (void)json_array_append_new(lines, json_sprintf("No experiment ran in %s%s: nothing new is known.",
                                                                json_text_at(report, "quarter", ""), so_far));
                return;
        }
        (void)json_array_append_new(
                lines, json_sprintf("%zu experiment%s ran in %s%s on %zu service%s: %lld passed, %lld failed, %lld "
                                    "proved nothing.",
                                    runs, s(runs), json_text_at(report, "quarter", ""), so_far, services, s(services),
                                    (long long)json_int_at(report, "runs/pass", 0),
                                    (long long)json_int_at(report, "runs/fail", 0), unclear));
}

static void say_movement(const json_t *report, json_t *lines) {
        const json_t *services = json_at(report, "services");
        size_t up = count_where(services, "movement", "up"), down = count_where(services, "movement", "down");
        size_t new = count_where(services, "movement", "new"), same = count_where(services, "movement", "same");

        if (json_array_size(services) > 0)
                (void)json_array_append_new(
                        lines, json_sprintf("Against the quarter before, %zu service%s rose by grade, %zu fell, %zu "
                                            "stayed, %zu %s new.",
                                            up, s(up), down, same, new, new == 1 ? "is" : "are"));
}

static void say_findings(const json_t *report, json_t *lines) {
        const json_t *backlog = json_at(report, "backlog"), *f;
        size_t open = json_array_size(backlog), critical = count_where(backlog, "severity", "critical");
        size_t accepted = count_where(backlog, "status", "accepted"),
               closed = json_array_size(json_at(report, "closed"));
        size_t overdue = 0, i;

        json_array_foreach (backlog, i, f)
                overdue += json_bool_at(f, "overdue", false);
        (void)json_array_append_new(
                lines,
                json_sprintf(
                        "%zu finding%s %s open (%zu critical, %zu overdue, %zu accepted as risk); %zu %s closed by "
                        "passing retests.",
                        open, s(open), open == 1 ? "is" : "are", critical, overdue, accepted, closed,
                        closed == 1 ? "was" : "were"));
}

static void say_spend(const json_t *report, json_t *lines) {
        const json_t *most = json_array_get(json_at(report, "budget"), 0);
        size_t gaps = json_array_size(json_at(report, "not_tested"));

        if (most && json_number_at(most, "spent", 0) > 0)
                (void)json_array_append_new(
                        lines, json_sprintf("The drills took most from %s of %s: %.3g %% of one %.0f-day error budget.",
                                            json_text_at(most, "slo", ""), json_text_at(most, "service", ""),
                                            json_number_at(most, "spent", 0) * 100,
                                            json_number_at(most, "window_s", 0) / 86400));
        else
                (void)json_array_append_new(lines,
                                            json_string("The drills took nothing measurable from error budgets."));
        (void)json_array_append_new(
                lines, gaps ? json_sprintf("%zu kind%s of failure %s never tried where the profile asks for it; nobody "
                                           "knows what would happen there.",
                                           gaps, s(gaps), gaps == 1 ? "was" : "were")
                            : json_string("Everything that the profile asks for was tried on every service."));
}

json_t *report_summary(const json_t *report) {
        json_t *lines = json_array();

        say_runs(report, lines);
        say_movement(report, lines);
        say_findings(report, lines);
        say_spend(report, lines);
        return lines;
}
