/* render_html.c — one self-contained page: readable by an executive in the first screen, by an engineer below. */
#include <inttypes.h>
#include <string.h>

#include "scorecards/html_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

/* The style sheet is linked in, so that the page needs nothing but itself. */
extern const char scorecard_style[];
__asm__(".section .rodata\n.global scorecard_style\nscorecard_style:\n"
        ".incbin \"" CHAOS_SCORECARD_STYLE "\"\n.byte 0\n.previous\n");

void html_put(const char *text, FILE *out) {
        static const char *const escapes[128] = {
                ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
        };

        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c < 128 && escapes[c])
                        (void)fputs(escapes[c], out);
                else if (c >= ' ' || c == '\n')
                        (void)fputc(c, out);
        }
}

static void put_between(const char *open, const char *text, const char *close, FILE *out) {
        (void)fputs(open, out);
        html_put(text, out);
        (void)fputs(close, out);
}

/* A class name from a record must be one of ours: letters only. */
static void put_class(const char *text, FILE *out) {
        for (; (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'); text++)
                (void)fputc(*text, out);
}

static void put_fact(const char *term, const char *value, const char *small, FILE *out) {
        put_between("<div><dt>", term, "</dt>", out);
        put_between("<dd>", value, "", out);
        put_between("<small>", small, "</small></dd></div>\n", out);
}

static void put_hero(const json_t *card, FILE *out) {
        char text[WORDS_SIZE], small[WORDS_SIZE];
        const char *grade = json_text_at(card, "grade", "none");

        (void)fputs("<div class=\"hero\"><div class=\"grade ", out);
        put_class(grade, out);
        put_between("\">", strcmp(grade, "none") == 0 ? "no grade" : grade, "</div><div>", out);
        put_between("<h2>", json_text_at(card, "name", ""), "</h2>", out);
        put_between("<p class=\"summary\">", words_summary(card, text, sizeof(text)), "</p></div></div>\n", out);

        (void)fputs("<dl class=\"facts\">\n", out);
        (void)snprintf(small, sizeof(small), "95 %% interval %s", words_interval(card, text, sizeof(text)));
        put_fact("Value", words_percent(json_at(card, "value"), text, sizeof(text)), small, out);
        put_fact("Coverage", words_percent(json_at(card, "coverage"), text, sizeof(text)),
                 "of what should be exercised", out);
        (void)snprintf(small, sizeof(small), "half-life %.0f days", json_number_at(card, "half_life_s", 0) / 86400);
        put_fact("Freshness", words_percent(json_at(card, "freshness"), text, sizeof(text)), small, out);
        (void)snprintf(text, sizeof(text), "%" PRId64, json_int_at(card, "runs/total", 0));
        (void)snprintf(small, sizeof(small), "%" PRId64 " pass, %" PRId64 " fail, %" PRId64 " inconclusive",
                       json_int_at(card, "runs/pass", 0), json_int_at(card, "runs/fail", 0),
                       json_int_at(card, "runs/inconclusive", 0));
        put_fact("Runs", text, small, out);
        (void)snprintf(text, sizeof(text), "%zu", json_array_size(json_at(card, "findings")));
        put_fact("Open findings", text, "closed only by a passing retest", out);
        (void)fputs("</dl>\n", out);
}

static void put_categories(const json_t *card, FILE *out) {
        char text[80];
        json_t *row;
        size_t i;

        (void)fputs("<h3>What was exercised, and what was not</h3>\n<div "
                    "class=\"scroll\"><table><thead><tr><th>Category</th>"
                    "<th class=\"n\">Weight</th><th>Exercised</th><th class=\"n\">Held</th><th>Freshness</th><th>Last "
                    "run</th>"
                    "</tr></thead><tbody>\n",
                    out);
        json_array_foreach (json_at(card, "categories"), i, row) {
                bool exercised = json_bool_at(row, "exercised", false);

                put_between("<tr><td>", json_text_at(row, "name", ""), "", out);
                put_between("<small>",
                            exercised ? words_list(json_at(row, "families"), text, sizeof(text))
                                      : json_text_at(row, "why", ""),
                            "</small></td>", out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 "</td><td class=\"%s\">%s</td>",
                              json_int_at(row, "weight", 0), exercised ? "yes" : "no", exercised ? "yes" : "no");
                put_between("<td class=\"n\">", words_percent(json_at(row, "value"), text, sizeof(text)), "</td>", out);
                (void)fprintf(out, "<td><span class=\"bar\"><i style=\"width:%.0f%%\"></i></span></td>",
                              json_number_at(row, "freshness", 0) * 100);
                put_between("<td>", words_time(json_text_at(row, "last_run", NULL), text, sizeof(text)), "</td></tr>\n",
                            out);
        }
        (void)fputs("</tbody></table></div>\n", out);
}

static void put_findings(const json_t *card, FILE *out) {
        json_t *f;
        size_t i;

        (void)fputs("<h3>Open findings</h3>\n", out);
        if (json_array_size(json_at(card, "findings")) == 0)
                (void)fputs("<p>None.</p>\n", out);
        json_array_foreach (json_at(card, "findings"), i, f) {
                (void)fputs("<div class=\"finding ", out);
                put_class(json_text_at(f, "severity", ""), out);
                put_between("\"><strong>", json_text_at(f, "severity", ""), "</strong>", out);
                put_between("<p>", json_text_at(f, "summary", ""), "</p>", out);
                put_between("<p>", json_text_at(f, "recommendation", ""), "</p>", out);
                put_between("<p class=\"meta\">Evidence: ", json_text_at(f, "evidence", ""), ". ", out);
                put_between("Owner ", json_text_at(f, "owner", "nobody"), ", ", out);
                put_between("due ", json_text_at(f, "due", "not set"), ", ", out);
                put_between("retest with <code>", json_text_at(f, "retest", ""), "</code></p></div>\n", out);
        }
}

static double objective_of(const json_t *timeline, const char *slo) {
        const json_t *row;
        size_t i;

        json_array_foreach (json_at(timeline, "slos"), i, row)
                if (strcmp(json_text_at(row, "name", ""), slo) == 0)
                        return json_number_at(row, "objective", 1);
        return 1;
}

static void put_timelines(const json_t *card, FILE *out) {
        char text[40];
        json_t *timeline, *series;
        size_t i, k;

        (void)fputs("<h3>The newest run of each experiment</h3>\n", out);
        json_array_foreach (json_at(card, "timelines"), i, timeline) {
                const char *verdict = json_text_at(timeline, "verdict", "");

                if (i == 6)
                        break;
                json_array_foreach (json_at(timeline, "series"), k, series) {
                        const char *slo = json_text_at(series, "slo", "");

                        put_between("<figure><figcaption><strong>", json_text_at(timeline, "experiment", ""),
                                    "</strong> · ", out);
                        put_between("", slo, " · ", out);
                        put_between("", words_time(json_text_at(timeline, "started", NULL), text, sizeof(text)), " · ",
                                    out);
                        (void)fputs("<span class=\"verdict ", out);
                        put_class(verdict, out);
                        put_between("\">", verdict, "</span></figcaption>\n", out);
                        html_put_timeline(timeline, series, objective_of(timeline, slo), out);
                        (void)fputs("</figure>\n", out);
                }
        }
}

static void put_slos(const json_t *card, FILE *out) {
        char text[40];
        json_t *row;
        size_t i;

        (void)fputs("<h3>SLOs</h3>\n<div class=\"scroll\"><table><thead><tr><th>SLO</th><th class=\"n\">Objective</th>"
                    "<th class=\"n\">Held</th><th class=\"n\">Last, under fault</th><th class=\"n\">Recovered "
                    "in</th></tr></thead><tbody>\n",
                    out);
        json_array_foreach (json_at(card, "slos"), i, row) {
                put_between("<tr><td>", json_text_at(row, "name", ""), "</td>", out);
                put_between("<td class=\"n\">", words_percent(json_at(row, "objective"), text, sizeof(text)), "</td>",
                            out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 " of %" PRId64 "</td>", json_int_at(row, "held", 0),
                              json_int_at(row, "checks", 0));
                put_between("<td class=\"n\">", words_percent(json_at(row, "last_compliance"), text, sizeof(text)),
                            "</td>", out);
                if (json_is_number(json_at(row, "time_to_recover_s")))
                        (void)fprintf(out, "<td class=\"n\">%.1f s</td></tr>\n",
                                      json_number_at(row, "time_to_recover_s", 0));
                else
                        (void)fputs("<td class=\"n\">–</td></tr>\n", out);
        }
        (void)fputs("</tbody></table></div>\n", out);
}

static void put_runs(const json_t *card, FILE *out) {
        char text[96];
        json_t *row;
        size_t i;

        (void)fputs("<h3>Runs</h3>\n<div "
                    "class=\"scroll\"><table><thead><tr><th>Started</th><th>Experiment</th><th>Faults</th>"
                    "<th class=\"n\">Evidence</th><th>Verdict</th></tr></thead><tbody>\n",
                    out);
        json_array_foreach (json_at(card, "run_table"), i, row) {
                const char *verdict = json_text_at(row, "verdict", "");

                if (i == 200)
                        break;
                put_between("<tr><td>", words_time(json_text_at(row, "started", NULL), text, sizeof(text)), "</td>",
                            out);
                put_between("<td>", json_text_at(row, "experiment", ""), "", out);
                put_between("<small>", json_string_value(json_array_get(json_at(row, "reasons"), 0)) ?: "",
                            "</small></td>", out);
                put_between("<td>", words_list(json_at(row, "kinds"), text, sizeof(text)), "</td>", out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 "</td><td class=\"verdict ",
                              json_int_at(row, "evidence_hits", 0));
                put_class(verdict, out);
                put_between("\">", verdict, "</td></tr>\n", out);
        }
        (void)fputs("</tbody></table></div>\n", out);
}

static void put_arithmetic(const json_t *card, FILE *out) {
        json_t *one = json_pack("[O]", card);
        char *text = NULL;
        size_t len;
        FILE *memory = open_memstream(&text, &len);

        if (memory) {
                render_explain(one, memory);
                if (fclose(memory) == 0)
                        put_between("<details><summary>The arithmetic, to the last term</summary><div "
                                    "class=\"scroll\"><pre>",
                                    text, "</pre></div></details>\n", out);
        }
        free(text);
        json_decref(one);
}

void render_html(const json_t *cards, FILE *out) {
        char when[32];
        json_t *card;
        size_t i;

        (void)fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                    "<title>Reliability scorecard</title><link rel=\"icon\" href=\"data:,\"><style>\n",
                    out);
        (void)fputs(scorecard_style, out);
        (void)fputs("</style></head><body><main>\n<header class=\"page\"><h1>Reliability scorecard</h1>", out);
        put_between("<span>as of ",
                    words_time(json_text_at(json_array_get(cards, 0), "generated", NULL), when, sizeof(when)),
                    " UTC</span></header>\n", out);
        json_array_foreach (cards, i, card) {
                (void)fputs("<section class=\"card\">\n", out);
                put_hero(card, out);
                put_categories(card, out);
                put_findings(card, out);
                put_timelines(card, out);
                put_slos(card, out);
                html_put_trend(card, out);
                put_runs(card, out);
                put_arithmetic(card, out);
                put_between("<footer>Profile ", json_text_at(card, "profile", ""), ".</footer></section>\n", out);
        }
        (void)fputs("</main></body></html>\n", out);
}
