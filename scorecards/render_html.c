/* render_html.c — one self-contained page: readable by an executive in the first screen, by an engineer below. */
#include <inttypes.h>
#include <string.h>

#include "scorecards/html_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

#define TERMS_MAX     300
#define RUNS_MAX      200
#define TIMELINES_MAX 6

static void put_fact(const char *term, const char *value, const char *small, FILE *out) {
        html_put_between("<div><dt>", term, "</dt>", out);
        html_put_between("<dd>", value, "", out);
        html_put_between("<small>", small, "</small></dd></div>\n", out);
}

/* Why the grade is no better than it is. */
static void put_caps(const json_t *card, FILE *out) {
        const json_t *cap;
        size_t i;

        json_array_foreach (json_at(card, "caps"), i, cap) {
                html_put_between("<p class=\"cap\">No better than ", json_text_at(cap, "grade", ""), ": ", out);
                html_put_between("", json_text_at(cap, "reason", ""), ".</p>", out);
        }
}

static void put_hero(const json_t *card, FILE *out) {
        char text[WORDS_SIZE], small[WORDS_SIZE];
        const char *grade = json_text_at(card, "grade", "none");

        (void)fputs("<div class=\"hero\"><div class=\"grade ", out);
        html_put_class(grade, out);
        html_put_between("\">", strcmp(grade, "none") == 0 ? "no grade" : grade, "</div><div>", out);
        html_put_between("<h2>", json_text_at(card, "name", ""), "</h2>", out);
        html_put_between("<p class=\"summary\">", words_summary(card, text, sizeof(text)), "</p>", out);
        put_caps(card, out);
        (void)fputs("</div></div>\n", out);

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

        (void)fputs("<h3>What was exercised, and what was not</h3>\n", out);
        html_open_table(
                (const char *const[]){ "Category", "#Weight", "Exercised", "#Held", "Freshness", "Last run", NULL },
                out);
        json_array_foreach (json_at(card, "categories"), i, row) {
                bool exercised = json_bool_at(row, "exercised", false);

                html_put_between("<tr><td>", json_text_at(row, "name", ""), "", out);
                html_put_between("<small>",
                                 exercised ? words_list(json_at(row, "families"), text, sizeof(text))
                                           : json_text_at(row, "why", ""),
                                 "</small></td>", out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 "</td><td class=\"%s\">%s</td>",
                              json_int_at(row, "weight", 0), exercised ? "yes" : "no", exercised ? "yes" : "no");
                html_put_between("<td class=\"n\">", words_percent(json_at(row, "value"), text, sizeof(text)), "</td>",
                                 out);
                (void)fprintf(out, "<td><span class=\"bar\"><i style=\"width:%.0f%%\"></i></span></td>",
                              json_number_at(row, "freshness", 0) * 100);
                html_put_between("<td class=\"when\">",
                                 words_time(json_text_at(row, "last_run", NULL), text, sizeof(text)), "</td></tr>\n",
                                 out);
        }
        html_close_table(out);
}

static void put_finding(const json_t *f, FILE *out) {
        const char *severity = json_text_at(f, "severity", "");
        bool accepted = strcmp(json_text_at(f, "status", ""), "accepted") == 0;

        (void)fputs("<div class=\"finding ", out);
        html_put_class(severity, out);
        html_put_between("\"><strong>", severity, accepted ? " · accepted" : "", out);
        (void)fputs(json_bool_at(f, "overdue", false) ? " · overdue</strong>" : "</strong>", out);
        html_put_between("<p>", json_text_at(f, "summary", ""), "</p>", out);
        html_put_between("<p>", json_text_at(f, "recommendation", ""), "</p>", out);
        html_put_between("<p class=\"meta\">Evidence: ", json_text_at(f, "evidence", ""), ". ", out);
        html_put_between("Owner ", json_text_at(f, "owner", "nobody"), ", ", out);
        html_put_between("due ", json_text_at(f, "due", "not set"), ", ", out);
        html_put_between("retest with <code>", json_text_at(f, "retest", ""), "</code>", out);
        if (*json_text_at(f, "docs", ""))
                html_put_between(", background in <code>", json_text_at(f, "docs", ""), "</code>", out);
        (void)fputs(".</p>", out);
        if (accepted) {
                html_put_between("<p class=\"meta\">Risk accepted until ", json_text_at(f, "accepted/until", ""),
                                 " by ", out);
                html_put_between("", json_text_at(f, "accepted/by", "nobody"), ": ", out);
                html_put_between("", json_text_at(f, "accepted/reason", ""), "</p>", out);
        }
        (void)fputs("</div>\n", out);
}

static void put_findings(const json_t *card, FILE *out) {
        json_t *f;
        size_t i;

        (void)fputs("<h3>Open findings</h3>\n", out);
        if (json_array_size(json_at(card, "findings")) == 0)
                (void)fputs("<p>None.</p>\n", out);
        json_array_foreach (json_at(card, "findings"), i, f)
                put_finding(f, out);
}

static double objective_of(const json_t *timeline, const char *slo) {
        const json_t *row;
        size_t i;

        json_array_foreach (json_at(timeline, "slos"), i, row)
                if (strcmp(json_text_at(row, "name", ""), slo) == 0)
                        return json_number_at(row, "objective", 1);
        return 1;
}

static void put_timeline(const json_t *timeline, const json_t *series, FILE *out) {
        const char *slo = json_text_at(series, "slo", "");
        char when[40];

        html_put_between("<figure><figcaption><strong>", slo, "</strong> during ", out);
        html_put_between("", json_text_at(timeline, "experiment", ""), " · ", out);
        html_put_tag("verdict", json_text_at(timeline, "verdict", ""), out);
        html_put_between("<small>", words_time(json_text_at(timeline, "started", NULL), when, sizeof(when)),
                         " · good events per second, objective dashed</small></figcaption>\n", out);
        html_put_timeline(timeline, series, objective_of(timeline, slo), out);
        (void)fputs("</figure>\n", out);
}

static void put_timelines(const json_t *card, FILE *out) {
        json_t *timeline, *series;
        size_t i, k;

        (void)fputs("<h3>The newest run of each experiment</h3>\n<div class=\"figures\">\n", out);
        json_array_foreach (json_at(card, "timelines"), i, timeline) {
                if (i == TIMELINES_MAX)
                        break;
                json_array_foreach (json_at(timeline, "series"), k, series)
                        put_timeline(timeline, series, out);
        }
        (void)fputs("</div>\n", out);
}

static void put_slos(const json_t *card, FILE *out) {
        char text[40];
        json_t *row;
        size_t i;

        (void)fputs("<h3>SLOs</h3>\n", out);
        html_open_table(
                (const char *const[]){ "SLO", "#Objective", "#Held", "#Last, under fault", "#Recovered in", NULL },
                out);
        json_array_foreach (json_at(card, "slos"), i, row) {
                html_put_between("<tr><td>", json_text_at(row, "name", ""), "</td>", out);
                html_put_between("<td class=\"n\">", words_share(json_at(row, "objective"), text, sizeof(text)),
                                 "</td>", out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 " of %" PRId64 "</td>", json_int_at(row, "held", 0),
                              json_int_at(row, "checks", 0));
                html_put_between("<td class=\"n\">", words_share(json_at(row, "last_compliance"), text, sizeof(text)),
                                 "</td>", out);
                if (json_is_number(json_at(row, "time_to_recover_s")))
                        (void)fprintf(out, "<td class=\"n\">%.1f s</td></tr>\n",
                                      json_number_at(row, "time_to_recover_s", 0));
                else
                        (void)fputs("<td class=\"n\">–</td></tr>\n", out);
        }
        html_close_table(out);
}

static void put_budgets(const json_t *card, FILE *out) {
        json_t *budget;
        size_t i;

        if (json_array_size(json_at(card, "budget")) == 0)
                return;
        (void)fputs("<h3>Error budget that the drills left</h3>\n<div class=\"figures\">\n", out);
        json_array_foreach (json_at(card, "budget"), i, budget) {
                html_put_between("<figure><figcaption><strong>", json_text_at(budget, "slo", ""), "</strong>", out);
                (void)fprintf(out,
                              "<small>%.3g %% spent by drills in the last %.0f days; users’ own spend is not in it",
                              json_number_at(budget, "spent_in_window", 0) * 100,
                              json_number_at(budget, "window_s", 0) / 86400);
                (void)fputs("</small></figcaption>\n", out);
                html_put_budget(budget, out);
                (void)fputs("</figure>\n", out);
        }
        (void)fputs("</div>\n", out);
}

static void put_runs(const json_t *card, FILE *out) {
        char text[96];
        json_t *row;
        size_t i;

        (void)fputs("<h3>Runs</h3>\n", out);
        html_open_table((const char *const[]){ "Started", "Experiment", "Faults", "#Evidence", "Verdict", NULL }, out);
        json_array_foreach (json_at(card, "run_table"), i, row) {
                const char *verdict = json_text_at(row, "verdict", "");

                if (i == RUNS_MAX)
                        break;
                html_put_between("<tr><td class=\"when\">",
                                 words_time(json_text_at(row, "started", NULL), text, sizeof(text)), "</td>", out);
                html_put_between("<td>", json_text_at(row, "experiment", ""), "", out);
                html_put_between("<small>", json_string_value(json_array_get(json_at(row, "reasons"), 0)) ?: "",
                                 "</small></td>", out);
                html_put_between("<td>", words_list(json_at(row, "kinds"), text, sizeof(text)), "</td>", out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 "</td><td class=\"verdict ",
                              json_int_at(row, "evidence_hits", 0));
                html_put_class(verdict, out);
                html_put_between("\">", verdict, "</td></tr>\n", out);
        }
        html_close_table(out);
}

static void put_arithmetic(const json_t *card, FILE *out) {
        json_t *one;
        char *text = NULL;
        size_t len;
        FILE *memory;

        if (json_array_size(json_at(card, "terms")) > TERMS_MAX) {
                (void)fputs("<p>The arithmetic is too long for a page: <code>chaosctl score --explain</code>.</p>\n",
                            out);
                return;
        }
        one = json_pack("[O]", card);
        memory = open_memstream(&text, &len);
        if (memory) {
                render_explain(one, memory);
                if (fclose(memory) == 0)
                        html_put_between("<details><summary>The arithmetic, to the last term</summary><div "
                                         "class=\"scroll\" tabindex=\"0\"><pre>",
                                         text, "</pre></div></details>\n", out);
        }
        free(text);
        json_decref(one);
}

static void put_card(const json_t *card, FILE *out) {
        (void)fputs("<section class=\"card\">\n", out);
        put_hero(card, out);
        put_categories(card, out);
        put_findings(card, out);
        put_timelines(card, out);
        put_slos(card, out);
        put_budgets(card, out);
        html_put_trend(card, out);
        put_runs(card, out);
        put_arithmetic(card, out);
        html_put_between("<footer>Profile ", json_text_at(card, "profile", ""), ".</footer></section>\n", out);
}

void render_html(const json_t *cards, FILE *out) {
        json_t *card;
        size_t i;

        html_open_page("Reliability scorecard", json_text_at(json_array_get(cards, 0), "generated", NULL), out);
        if (json_array_size(cards) > 1 && strcmp(json_text_at(cards, "0/by", ""), "family") != 0)
                html_put_matrix(cards, out);
        json_array_foreach (cards, i, card)
                put_card(card, out);
        html_close_page(out);
}
