/* render_report.c — the quarterly report as text and Markdown. */
#include <inttypes.h>
#include <string.h>

#include "scorecards/markdown_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

void render_report_text(const json_t *report, FILE *out) {
        char value[16], coverage[16], movement[32], text[WORDS_SIZE];
        const json_t *row;
        size_t i;

        (void)fprintf(out, "Resilience report %s%s\n\n", json_text_at(report, "quarter", ""),
                      json_bool_at(report, "complete", true) ? "" : " (not over yet)");
        json_array_foreach (json_at(report, "summary"), i, row)
                (void)fprintf(out, "  %s\n", json_string_value(row) ?: "");

        (void)fprintf(out, "\n  %-20s %-6s %-8s %-9s %-6s %s\n", "service", "grade", "held", "coverage", "runs",
                      "movement");
        json_array_foreach (json_at(report, "services"), i, row)
                (void)fprintf(out, "  %-20.20s %-6s %-8s %-9s %-6" PRId64 " %s\n", json_text_at(row, "service", ""),
                              json_text_at(row, "grade", ""),
                              json_is_number(json_at(row, "value"))
                                      ? words_percent(json_at(row, "value"), value, sizeof(value))
                                      : "-",
                              words_percent(json_at(row, "coverage"), coverage, sizeof(coverage)),
                              json_int_at(row, "runs", 0), words_movement(row, movement, sizeof(movement)));

        (void)fputs("\n  Top risks\n", out);
        json_array_foreach (json_at(report, "risks"), i, row)
                (void)fprintf(out, "  %zu. [%s%s] %s (%s, due %.10s)\n", i + 1, json_text_at(row, "severity", ""),
                              json_bool_at(row, "overdue", false) ? ", overdue" : "", json_text_at(row, "summary", ""),
                              json_text_at(row, "owner", "nobody"), json_text_at(row, "due", "never"));
        if (i == 0)
                (void)fputs("  None is known.\n", out);
        (void)fprintf(out, "\n  Cost of drills: %s\n", words_cost(json_at(report, "cost"), text, sizeof(text)));
        (void)fprintf(out, "  Not tested: %zu kinds of failure; --markdown and --html list them.\n",
                      json_array_size(json_at(report, "not_tested")));
}

static void put_cell(const char *text, FILE *out) {
        (void)fputs("| ", out);
        markdown_put(text, out);
        (void)fputc(' ', out);
}

static void put_services(const json_t *report, FILE *out) {
        char text[64];
        const json_t *row;
        size_t i;

        (void)fputs(
                "\n## Services\n\n| service | grade | movement | held | 95 % interval | coverage | freshness | runs | "
                "open findings |\n|---|---|---|---:|---|---:|---:|---:|---:|\n",
                out);
        json_array_foreach (json_at(report, "services"), i, row) {
                put_cell(json_text_at(row, "service", ""), out);
                put_cell(json_text_at(row, "grade", ""), out);
                put_cell(words_movement(row, text, sizeof(text)), out);
                put_cell(words_percent(json_at(row, "value"), text, sizeof(text)), out);
                put_cell(words_interval(row, text, sizeof(text)), out);
                put_cell(words_percent(json_at(row, "coverage"), text, sizeof(text)), out);
                put_cell(words_percent(json_at(row, "freshness"), text, sizeof(text)), out);
                (void)fprintf(out, "| %" PRId64 " | %" PRId64 " |\n", json_int_at(row, "runs", 0),
                              json_int_at(row, "findings", 0));
        }
}

static void put_backlog(const json_t *report, FILE *out) {
        static const char *const columns[] = { "severity", "service", "summary", "recommendation", "owner" };
        const json_t *f;
        size_t i;

        (void)fputs("\n## Top risks\n\n", out);
        json_array_foreach (json_at(report, "risks"), i, f) {
                (void)fprintf(out, "%zu. **%s** ", i + 1, json_text_at(f, "severity", ""));
                markdown_put(json_text_at(f, "summary", ""), out);
                (void)fputc('\n', out);
        }
        if (i == 0)
                (void)fputs("None is known.\n", out);

        (void)fputs("\n## Remediation backlog\n\n| severity | service | what | what to do | owner | due | status |\n"
                    "|---|---|---|---|---|---|---|\n",
                    out);
        json_array_foreach (json_at(report, "backlog"), i, f) {
                char day[11], status[64];

                for (size_t k = 0; k < ARRAY_SIZE(columns); k++)
                        put_cell(json_text_at(f, columns[k], "–"), out);
                (void)snprintf(day, sizeof(day), "%.10s", json_text_at(f, "due", "–"));
                put_cell(day, out);
                put_cell(words_status(f, status, sizeof(status)), out);
                (void)fputs("|\n", out);
        }
}

static void put_budget(const json_t *report, FILE *out) {
        char cost[WORDS_SIZE];
        const json_t *row;
        size_t i;

        (void)fputs("\n## What the drills took\n\n| service | SLO | runs | budget spent | most by |\n"
                    "|---|---|---:|---:|---|\n",
                    out);
        json_array_foreach (json_at(report, "budget"), i, row) {
                put_cell(json_text_at(row, "service", ""), out);
                put_cell(json_text_at(row, "slo", ""), out);
                (void)fprintf(out, "| %" PRId64 " | %.3g %% of %.0f days ", json_int_at(row, "runs", 0),
                              json_number_at(row, "spent", 0) * 100, json_number_at(row, "window_s", 0) / 86400);
                put_cell(json_text_at(row, "most_experiment", ""), out);
                (void)fputs("|\n", out);
        }
        (void)fprintf(out, "\nCost of drills: %s\n", words_cost(json_at(report, "cost"), cost, sizeof(cost)));
}

static void put_gaps(const json_t *report, FILE *out) {
        const json_t *row;
        size_t i;

        (void)fputs("\n## What was not tested\n\n", out);
        json_array_foreach (json_at(report, "not_tested"), i, row) {
                (void)fputs("- ", out);
                markdown_put(json_text_at(row, "service", ""), out);
                (void)fputs(": ", out);
                markdown_put(json_text_at(row, "category", ""), out);
                (void)fputs(". ", out);
                markdown_put(json_text_at(row, "why", ""), out);
                (void)fputc('\n', out);
        }
        if (i == 0)
                (void)fputs("Everything that the profile asks for was tried.\n", out);
}

void render_report_markdown(const json_t *report, FILE *out) {
        const json_t *line;
        char when[32];
        size_t i;

        (void)fprintf(out, "# Resilience report %s\n\n", json_text_at(report, "quarter", ""));
        json_array_foreach (json_at(report, "summary"), i, line) {
                (void)fputs("- ", out);
                markdown_put(json_string_value(line) ?: "", out);
                (void)fputc('\n', out);
        }
        put_services(report, out);
        put_backlog(report, out);
        put_budget(report, out);
        put_gaps(report, out);
        (void)fprintf(out, "\nProfile %s, as of %s UTC.\n", json_text_at(report, "profile", ""),
                      words_time(json_text_at(report, "as_of", NULL), when, sizeof(when)));
}
