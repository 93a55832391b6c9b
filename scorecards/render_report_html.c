/* render_report_html.c — the quarterly report as one page: the summary first, then what it rests on. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/html_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

static void put_text_cell(const char *text, FILE *out) {
        html_put_between("<td>", text, "</td>", out);
}

static void put_number_cell(const char *text, const char *small, FILE *out) {
        html_put_between("<td class=\"n\">", text, "", out);
        if (small)
                html_put_between("<small>", small, "</small>", out);
        (void)fputs("</td>", out);
}

static void put_summary(const json_t *report, FILE *out) {
        const json_t *line;
        size_t i;

        (void)fputs("<section class=\"card\"><h2>", out);
        html_put_between("Quarter ", json_text_at(report, "quarter", ""), "</h2>\n", out);
        if (!json_bool_at(report, "complete", true))
                (void)fputs("<p class=\"cap\">Not over yet: figures as of today.</p>\n", out);
        json_array_foreach (json_at(report, "summary"), i, line)
                html_put_between("<p class=\"lead\">", json_string_value(line) ?: "", "</p>\n", out);
}

static void put_services(const json_t *report, FILE *out) {
        char text[64], small[64];
        const json_t *row;
        size_t i;

        (void)fputs("<h3>Services by grade</h3>\n", out);
        html_open_table((const char *const[]){ "Service", "Grade", "Movement", "#Held", "#Coverage", "#Freshness",
                                               "#Runs", "#Findings", NULL },
                        out);
        json_array_foreach (json_at(report, "services"), i, row) {
                html_put_between("<tr><th scope=\"row\">", json_text_at(row, "service", ""), "</th><td>", out);
                html_put_tag("letter", json_text_at(row, "grade", "none"), out);
                (void)fputs("</td><td class=\"when\">", out);
                html_put_between("", words_movement(row, text, sizeof(text)), "</td>", out);
                put_number_cell(words_percent(json_at(row, "value"), text, sizeof(text)),
                                words_interval(row, small, sizeof(small)), out);
                put_number_cell(words_percent(json_at(row, "coverage"), text, sizeof(text)), NULL, out);
                put_number_cell(words_percent(json_at(row, "freshness"), text, sizeof(text)), NULL, out);
                (void)fprintf(out, "<td class=\"n\">%" PRId64 "</td><td class=\"n\">%" PRId64 "</td></tr>\n",
                              json_int_at(row, "runs", 0), json_int_at(row, "findings", 0));
        }
        html_close_table(out);
        (void)fputs("<p class=\"legend\">Held: share of judged checks that held, with its 95&#160;% interval. A grade "
                    "needs value and coverage.</p></section>\n",
                    out);
}

static void put_risks(const json_t *report, FILE *out) {
        const json_t *f;
        size_t i;

        (void)fputs("<section class=\"card\"><h2 class=\"small\">Top risks</h2>\n", out);
        if (json_array_size(json_at(report, "risks")) == 0)
                (void)fputs("<p>None is known.</p>\n", out);
        json_array_foreach (json_at(report, "risks"), i, f) {
                const char *severity = json_text_at(f, "severity", "");

                (void)fputs("<div class=\"finding ", out);
                html_put_class(severity, out);
                html_put_between("\"><strong>", severity, "</strong>", out);
                html_put_between("<p>", json_text_at(f, "summary", ""), "</p>", out);
                html_put_between("<p class=\"meta\">", json_text_at(f, "recommendation", ""), "</p></div>\n", out);
        }

        (void)fputs("<h3>Remediation backlog</h3>\n", out);
        html_open_table((const char *const[]){ "Finding", "Severity", "Owner", "Due", "Status", NULL }, out);
        json_array_foreach (json_at(report, "backlog"), i, f) {
                bool overdue = json_bool_at(f, "overdue", false);
                char day[11], status[64];

                (void)snprintf(day, sizeof(day), "%.10s", json_text_at(f, "due", "not set"));
                html_put_between("<tr><td>", json_text_at(f, "id", ""), "", out);
                html_put_between("<small>", json_text_at(f, "accepted/reason", ""), "</small></td><td>", out);
                html_put_tag("verdict", json_text_at(f, "severity", ""), out);
                (void)fputs("</td>", out);
                put_text_cell(json_text_at(f, "owner", "nobody"), out);
                html_put_between("<td class=\"when\">", day, "</td>", out);
                html_put_between(overdue ? "<td class=\"no\">" : "<td>", words_status(f, status, sizeof(status)),
                                 "</td></tr>\n", out);
        }
        html_close_table(out);
        (void)fputs("</section>\n", out);
}

static void put_budget(const json_t *report, FILE *out) {
        char text[WORDS_SIZE];
        const json_t *row;
        size_t i;

        (void)fputs("<section class=\"card\"><h2 class=\"small\">What the drills took</h2>\n", out);
        html_open_table((const char *const[]){ "Service", "SLO", "#Runs", "#Error budget spent", "Most by", NULL },
                        out);
        json_array_foreach (json_at(report, "budget"), i, row) {
                (void)fputs("<tr>", out);
                put_text_cell(json_text_at(row, "service", ""), out);
                put_text_cell(json_text_at(row, "slo", ""), out);
                (void)fprintf(out,
                              "<td class=\"n\">%" PRId64 "</td><td class=\"n\">%.3g&#160;%%<small>of %.0f "
                              "days</small></td>",
                              json_int_at(row, "runs", 0), json_number_at(row, "spent", 0) * 100,
                              json_number_at(row, "window_s", 0) / 86400);
                put_text_cell(json_text_at(row, "most_experiment", ""), out);
                (void)fputs("</tr>\n", out);
        }
        html_close_table(out);
        (void)fprintf(out, "<p>%" PRId64 " runs, %.0f minutes of experiments. Cost of drills: ",
                      json_int_at(report, "runs/total", 0), json_number_at(report, "runs/duration_s", 0) / 60);
        html_put_between("", words_cost(json_at(report, "cost"), text, sizeof(text)), "</p></section>\n", out);
}

static void put_gaps(const json_t *report, FILE *out) {
        const json_t *row;
        size_t i;

        (void)fputs("<section class=\"card\"><h2 class=\"small\">What was not tested</h2>\n<ul class=\"plain\">\n",
                    out);
        json_array_foreach (json_at(report, "not_tested"), i, row) {
                html_put_between("<li><strong>", json_text_at(row, "service", ""), "</strong>: ", out);
                html_put_between("", json_text_at(row, "category", ""), ". ", out);
                html_put_between("", json_text_at(row, "why", ""), "</li>\n", out);
        }
        (void)fputs(i ? "</ul>\n" : "<li>Everything that the profile asks for was tried.</li></ul>\n", out);
        html_put_between("<footer>Profile ", json_text_at(report, "profile", ""), ", ", out);
        html_put_between("", json_text_at(report, "from", ""), " to ", out);
        html_put_between("", json_text_at(report, "to", ""), ".</footer></section>\n", out);
}

void render_report_html(const json_t *report, FILE *out) {
        html_open_page("Resilience report", json_text_at(report, "as_of", NULL), out);
        put_summary(report, out);
        put_services(report, out);
        put_risks(report, out);
        put_budget(report, out);
        put_gaps(report, out);
        html_close_page(out);
}
