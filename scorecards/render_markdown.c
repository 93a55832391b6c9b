#include <inttypes.h>
#include <string.h>

#include "scorecards/markdown_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

void markdown_put(const char *text, FILE *out) {
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c < ' ' || c == 127)
                        (void)fputc(' ', out);
                else if (c == '<')
                        (void)fputs("&lt;", out);
                else if (c == '>')
                        (void)fputs("&gt;", out);
                else {
                        if (strchr("|`*[]\\", c))
                                (void)fputc('\\', out);
                        (void)fputc(c, out);
                }
        }
}

static void put_categories(const json_t *card, FILE *out) {
        char value[16], fresh[16], when[32];
        json_t *row;
        size_t i;

        (void)fputs("\n### What was exercised\n\n| category | weight | exercised | held | freshness | last run |\n"
                    "|---|---:|---|---:|---:|---|\n",
                    out);
        json_array_foreach (json_at(card, "categories"), i, row) {
                (void)fputs("| ", out);
                markdown_put(json_text_at(row, "name", ""), out);
                (void)fprintf(out, " | %" PRId64 " | %s | %s | %s | %s |\n", json_int_at(row, "weight", 0),
                              json_bool_at(row, "exercised", false) ? "yes" : "**no**",
                              words_percent(json_at(row, "value"), value, sizeof(value)),
                              words_percent(json_at(row, "freshness"), fresh, sizeof(fresh)),
                              words_time(json_text_at(row, "last_run", NULL), when, sizeof(when)));
        }
}

static void put_findings(const json_t *card, FILE *out) {
        static const char *const columns[] = {
                "severity", "summary", "recommendation", "owner", "due", "retest", "docs"
        };
        char status[64];
        json_t *f;
        size_t i;

        (void)fputs("\n### Open findings\n\n", out);
        if (json_array_size(json_at(card, "findings")) == 0) {
                (void)fputs("None.\n", out);
                return;
        }
        (void)fputs("| severity | what | what to do | owner | due | retest | background | status "
                    "|\n|---|---|---|---|---|---|---|---|\n",
                    out);
        json_array_foreach (json_at(card, "findings"), i, f) {
                for (size_t k = 0; k < ARRAY_SIZE(columns); k++) {
                        (void)fputs("| ", out);
                        markdown_put(json_text_at(f, columns[k], ""), out);
                        (void)fputc(' ', out);
                }
                (void)fprintf(out, "| %s |\n", words_status(f, status, sizeof(status)));
        }
}

static void put_slos(const json_t *card, FILE *out) {
        char objective[16], last[16];
        json_t *row;
        size_t i;

        (void)fputs("\n### SLOs\n\n| SLO | objective | held | last compliance under fault |\n|---|---:|---:|---:|\n",
                    out);
        json_array_foreach (json_at(card, "slos"), i, row) {
                (void)fputs("| ", out);
                markdown_put(json_text_at(row, "name", ""), out);
                (void)fprintf(out, " | %s | %" PRId64 " of %" PRId64 " | %s |\n",
                              words_share(json_at(row, "objective"), objective, sizeof(objective)),
                              json_int_at(row, "held", 0), json_int_at(row, "checks", 0),
                              words_share(json_at(row, "last_compliance"), last, sizeof(last)));
        }
}

static void put_runs(const json_t *card, FILE *out) {
        char when[32], kinds[80];
        json_t *row;
        size_t i;

        (void)fputs("\n### Runs\n\n| run | experiment | faults | evidence | verdict |\n|---|---|---|---:|---|\n", out);
        json_array_foreach (json_at(card, "run_table"), i, row) {
                if (i == 50)
                        break;
                (void)fprintf(out, "| %s | ", words_time(json_text_at(row, "started", NULL), when, sizeof(when)));
                markdown_put(json_text_at(row, "experiment", ""), out);
                (void)fputs(" | ", out);
                markdown_put(words_list(json_at(row, "kinds"), kinds, sizeof(kinds)), out);
                (void)fprintf(out, " | %" PRId64 " | %s |\n", json_int_at(row, "evidence_hits", 0),
                              json_text_at(row, "verdict", ""));
        }
}

void render_markdown(const json_t *cards, FILE *out) {
        char text[WORDS_SIZE];
        json_t *card, *cap;
        size_t i, k;

        (void)fputs("# Reliability scorecard\n", out);
        json_array_foreach (cards, i, card) {
                (void)fputs("\n## ", out);
                markdown_put(json_text_at(card, "name", ""), out);
                (void)fprintf(out, ": grade %s\n\n", json_text_at(card, "grade", ""));
                (void)fprintf(out, "%s\n", words_summary(card, text, sizeof(text)));
                json_array_foreach (json_at(card, "caps"), k, cap) {
                        (void)fprintf(out, "\nNo better than %s: ", json_text_at(cap, "grade", ""));
                        markdown_put(json_text_at(cap, "reason", ""), out);
                        (void)fputs(".\n", out);
                }
                put_categories(card, out);
                put_slos(card, out);
                put_findings(card, out);
                put_runs(card, out);
                (void)fprintf(out, "\nProfile %s, as of %s.\n", json_text_at(card, "profile", ""),
                              words_time(json_text_at(card, "generated", NULL), text, sizeof(text)));
        }
}
