#include "scorecards/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/score_math.h"

#define TEXT_SIZE 320

const struct compare_limits compare_defaults = {
        .compliance = 0.01,
        .recovery_s = 1,
        .recovery = 0.2,
        .spend = 0.005,
};

struct comparing {
        const struct compare_limits *limits;
        json_t *rows, *regressions, *improvements;
};

static void say(json_t *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(json_t *list, const char *fmt, ...) {
        char text[TEXT_SIZE];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        (void)json_array_append_new(list, json_string(text));
}

/* Takes before and after. */
static void add_row(struct comparing *c, const char *slo, const char *what, json_t *before, json_t *after, bool worse) {
        bool numbers = json_is_number(before) && json_is_number(after);
        double change = numbers ? json_number_value(after) - json_number_value(before) : 0;

        (void)json_array_append_new(c->rows, json_pack("{s:s s:s s:o s:o s:o s:b}", "slo", slo, "what", what, "before",
                                                       before, "after", after, "change",
                                                       numbers ? json_real(change) : json_null(), "worse", worse));
}

static json_t *copy_at(const json_t *slo, const char *path) {
        json_t *value = json_at(slo, path);

        return value ? json_deep_copy(value) : json_null();
}

/* From best to worst. An inconclusive run is worse than a pass: what was proven is not proven any more. */
static int rank_of(const char *verdict) {
        static const char *const order[] = { "pass", "inconclusive", "fail", "aborted", "error" };
        int i;

        for (i = 0; i < (int)ARRAY_SIZE(order) && strcmp(order[i], verdict) != 0; i++)
                ;
        return i;
}

static void compare_verdicts(struct comparing *c, const json_t *a, const json_t *b) {
        const char *before = json_text_at(a, "verdict/result", "?"), *after = json_text_at(b, "verdict/result", "?");
        int change = rank_of(after) - rank_of(before);

        add_row(c, "", "verdict", json_string(before), json_string(after), change > 0);
        if (change > 0)
                say(c->regressions, "the verdict was %s and is %s: %s", before, after,
                    json_text_at(b, "verdict/reasons/0", "no reason was recorded"));
        else if (change < 0)
                say(c->improvements, "the verdict was %s and is %s", before, after);
}

/* Shares of few samples differ by chance: the two-proportion z-test, 95 %. Without counts nothing is known of that. */
static bool is_chance(double p, double n_p, double q, double n_q) {
        double pooled = (p * n_p + q * n_q) / (n_p + n_q);

        if (!(n_p > 0 && n_q > 0))
                return false;
        return fabs(p - q) <= SCORE_Z_95 * sqrt(pooled * (1 - pooled) * (1 / n_p + 1 / n_q));
}

static void compare_compliance(struct comparing *c, const char *name, const json_t *a, const json_t *b) {
        double before = json_number_at(a, "phases/fault/compliance", NAN);
        double after = json_number_at(b, "phases/fault/compliance", NAN);
        bool chance = is_chance(before, json_number_at(a, "phases/fault/total", 0), after,
                                json_number_at(b, "phases/fault/total", 0));
        bool worse = before - after > c->limits->compliance && !chance;

        add_row(c, name, "compliance", copy_at(a, "phases/fault/compliance"), copy_at(b, "phases/fault/compliance"),
                worse);
        if (worse)
                say(c->regressions, "%s: %.4g %% good under fault, before %.4g %%", name, after * 100, before * 100);
        else if (after - before > c->limits->compliance && !chance)
                say(c->improvements, "%s: %.4g %% good under fault, before %.4g %%", name, after * 100, before * 100);
}

static void compare_recovery(struct comparing *c, const char *name, const json_t *a, const json_t *b) {
        double before = json_number_at(a, "time_to_recover_s", NAN),
               after = json_number_at(b, "time_to_recover_s", NAN);
        double slack = fmax(c->limits->recovery_s, before * c->limits->recovery);
        bool never = !isnan(before) && isnan(after);
        bool worse = never || after - before > slack;

        add_row(c, name, "time_to_recover_s", copy_at(a, "time_to_recover_s"), copy_at(b, "time_to_recover_s"), worse);
        if (never)
                say(c->regressions, "%s: not recovered, before in %.3g s", name, before);
        else if (worse)
                say(c->regressions, "%s: recovered in %.3g s, before in %.3g s", name, after, before);
        else if ((isnan(before) && !isnan(after)) || before - after > slack)
                say(c->improvements, "%s: recovered in %.3g s", name, after);
}

static void compare_spend(struct comparing *c, const char *name, const json_t *a, const json_t *b) {
        double before = json_number_at(a, "budget/spent", NAN), after = json_number_at(b, "budget/spent", NAN);
        bool worse = after - before > c->limits->spend;

        add_row(c, name, "spent", copy_at(a, "budget/spent"), copy_at(b, "budget/spent"), worse);
        if (worse)
                say(c->regressions, "%s: %.3g %% of the error budget spent, before %.3g %%", name, after * 100,
                    before * 100);
        else if (before - after > c->limits->spend)
                say(c->improvements, "%s: %.3g %% of the error budget spent, before %.3g %%", name, after * 100,
                    before * 100);
}

static const json_t *slo_called(const json_t *record, const char *name) {
        const json_t *slo;
        size_t i;

        json_array_foreach (json_object_get(record, "slos"), i, slo)
                if (strcmp(json_text_at(slo, "name", ""), name) == 0)
                        return slo;
        return NULL;
}

static void compare_slos(struct comparing *c, const json_t *a, const json_t *b) {
        const json_t *before, *after;
        size_t i;

        json_array_foreach (json_object_get(a, "slos"), i, before) {
                const char *name = json_text_at(before, "name", "");
                bool held = json_bool_at(before, "held", false);

                after = slo_called(b, name);
                if (!after) {
                        add_row(c, name, "held", json_boolean(held), json_null(), true);
                        say(c->regressions, "%s is not measured any more", name);
                        continue;
                }
                add_row(c, name, "held", json_boolean(held), copy_at(after, "held"),
                        held && !json_bool_at(after, "held", false));
                compare_compliance(c, name, before, after);
                compare_recovery(c, name, before, after);
                compare_spend(c, name, before, after);
        }
}

static json_t *head_of(const json_t *r) {
        return json_pack("{s:s s:s s:s s:s s:s}", "id", json_text_at(r, "id", ""), "started",
                         json_text_at(r, "started", ""), "service", json_text_at(r, "experiment/service", ""),
                         "experiment", json_text_at(r, "experiment/name", ""), "verdict",
                         json_text_at(r, "verdict/result", ""));
}

json_t *compare_runs(const json_t *a, const json_t *b, const struct compare_limits *limits) {
        struct comparing c = { limits ? limits : &compare_defaults, json_array(), json_array(), json_array() };
        bool same = strcmp(json_text_at(a, "experiment/name", ""), json_text_at(b, "experiment/name", "")) == 0;

        compare_verdicts(&c, a, b);
        compare_slos(&c, a, b);
        return json_pack("{s:o s:o s:b s:o s:o s:o}", "before", head_of(a), "after", head_of(b), "same_experiment",
                         same, "rows", c.rows, "regressions", c.regressions, "improvements", c.improvements);
}
