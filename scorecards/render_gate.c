/* render_gate.c — the gate's decision as Markdown for the summary page of a CI job: what a reviewer needs first. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scorecards/gate.h"
#include "scorecards/markdown_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

#define REASONS_MAX 50

static const char *mark(const char *result) {
        return strcmp(result, "pass") == 0 ? "✅" : strcmp(result, "inconclusive") == 0 ? "❔" : "❌";
}

static void put_list(const char *heading, const json_t *texts, FILE *out) {
        size_t n = json_array_size(texts);

        if (n == 0)
                return;
        (void)fprintf(out, "\n### %s\n\n", heading);
        for (size_t i = 0; i < n && i < REASONS_MAX; i++) {
                (void)fputs("- ", out);
                markdown_put(json_string_value(json_array_get(texts, i)) ?: "", out);
                (void)fputc('\n', out);
        }
        if (n > REASONS_MAX)
                (void)fprintf(out, "- … and %zu more\n", n - REASONS_MAX);
}

static void put_number(double x, const char *fmt, FILE *out) {
        if (isnan(x))
                (void)fputs("–", out);
        else
                (void)fprintf(out, fmt[0] == 's' ? "%.3g s" : "%.3g %%", x);
}

static void put_slo(const json_t *run, const json_t *slo, FILE *out) {
        char objective[24], compliance[24];
        bool held = json_bool_at(slo, "held", false), conclusive = json_bool_at(slo, "conclusive", false);

        (void)fputs("| ", out);
        markdown_put(json_text_at(run, "experiment", "?"), out);
        (void)fputs(" | ", out);
        markdown_put(json_text_at(slo, "name", "?"), out);
        (void)fprintf(out, " | %s | %s | ",
                      words_percent(json_object_get(slo, "objective"), objective, sizeof(objective)),
                      words_percent(json_object_get(slo, "compliance"), compliance, sizeof(compliance)));
        put_number(json_number_at(slo, "spent", NAN) * 100, "%", out);
        (void)fputs(" | ", out);
        put_number(json_number_at(slo, "time_to_recover_s", NAN), "s", out);
        (void)fprintf(out, " | %s |\n", !conclusive ? "unclear" : held ? "yes" : "**no**");
}

static void put_slos(const json_t *gate, FILE *out) {
        const json_t *run, *slo;
        size_t i, k;

        (void)fputs("\n### SLOs under fault\n\n| experiment | SLO | objective | good under fault | budget spent | "
                    "recovered in | held |\n|---|---|---:|---:|---:|---:|---|\n",
                    out);
        json_array_foreach (json_object_get(gate, "runs"), i, run)
                json_array_foreach (json_object_get(run, "slos"), k, slo)
                        put_slo(run, slo, out);
}

/* What is worse stands under "Why" already. */
static void put_comparisons(const json_t *gate, FILE *out) {
        const json_t *comparison;
        size_t i;

        if (json_array_size(json_object_get(gate, "comparisons")) == 0)
                return;
        (void)fputs("\n### Against the baseline\n\n| | experiment | baseline run | figures worse | figures better |\n"
                    "|---|---|---|---:|---:|\n",
                    out);
        json_array_foreach (json_object_get(gate, "comparisons"), i, comparison) {
                size_t worse = json_array_size(json_object_get(comparison, "regressions"));

                (void)fprintf(out, "| %s | ", worse ? "❌" : "✅");
                markdown_put(json_text_at(comparison, "after/experiment", "?"), out);
                (void)fputs(" | ", out);
                markdown_put(json_text_at(comparison, "before/id", "?"), out);
                (void)fprintf(out, " | %zu | %zu |\n", worse,
                              json_array_size(json_object_get(comparison, "improvements")));
        }
}

static void put_scores(const json_t *gate, FILE *out) {
        char value[24], interval[48], coverage[24], fresh[24];
        const json_t *card;
        size_t i;

        if (json_array_size(json_object_get(gate, "scorecards")) == 0)
                return;
        (void)fputs("\n### Scores\n\n| service | grade | value | 95 % interval | coverage | freshness | checks |\n"
                    "|---|---|---:|---|---:|---:|---:|\n",
                    out);
        json_array_foreach (json_object_get(gate, "scorecards"), i, card) {
                (void)fputs("| ", out);
                markdown_put(json_text_at(card, "service", "?"), out);
                (void)fprintf(out, " | %s | %s | %s | %s | %s | %" PRId64 " |\n", json_text_at(card, "grade", "none"),
                              words_percent(json_object_get(card, "value"), value, sizeof(value)),
                              words_interval(card, interval, sizeof(interval)),
                              words_percent(json_object_get(card, "coverage"), coverage, sizeof(coverage)),
                              words_percent(json_object_get(card, "freshness"), fresh, sizeof(fresh)),
                              json_int_at(card, "checks", 0));
        }
        if (json_is_number(json_at(gate, "asked/min_score")))
                (void)fprintf(out, "\nAsked: a value of at least %s.\n",
                              words_percent(json_at(gate, "asked/min_score"), value, sizeof(value)));
        if (json_is_number(json_at(gate, "asked/min_coverage")))
                (void)fprintf(out, "\nAsked: a coverage of at least %s.\n",
                              words_percent(json_at(gate, "asked/min_coverage"), coverage, sizeof(coverage)));
}

void render_gate_markdown(const json_t *gate, const json_t *reports, FILE *out) {
        const char *result = json_text_at(gate, "verdict/result", "error");

        (void)fprintf(out, "# %s Chaos gate: %s\n\nExit code %" PRId64 ", %s.\n", mark(result), result,
                      json_int_at(gate, "verdict/exit_code", 5), json_text_at(gate, "generated", "?"));
        put_list("Why", json_at(gate, "verdict/reasons"), out);
        (void)fputc('\n', out);
        render_summary(reports, out);
        put_slos(gate, out);
        put_comparisons(gate, out);
        put_scores(gate, out);
        put_list("Notes", json_object_get(gate, "notes"), out);
}
