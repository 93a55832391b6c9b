/* html_matrix.c — several cards at a glance: one row each, one column for each way to break things. */
#include <inttypes.h>
#include <string.h>

#include "scorecards/html_out.h"
#include "scorecards/words.h"

/* Families in the order of the profile, then what else was broken. */
static json_t *columns_of(const json_t *cards) {
        json_t *columns = json_object(), *card, *row, *family;
        size_t i, k, f;

        json_array_foreach (cards, i, card)
                json_array_foreach (json_at(card, "categories"), k, row)
                        json_array_foreach (json_at(row, "families"), f, family)
                                (void)json_object_set_new(columns, json_string_value(family) ?: "", json_true());
        json_array_foreach (cards, i, card)
                json_array_foreach (json_at(card, "families"), k, row)
                        (void)json_object_set_new(columns, json_text_at(row, "name", ""), json_true());
        return columns;
}

static void put_cell(const json_t *card, const char *family, FILE *out) {
        const json_t *row, *found = NULL;
        long long checks, held;
        char when[32];
        size_t i;

        json_array_foreach (json_at(card, "families"), i, row)
                if (strcmp(json_text_at(row, "name", ""), family) == 0)
                        found = row;
        if (!found || !json_bool_at(found, "exercised", false)) {
                (void)fputs("<td class=\"cell untested\" title=\"not tested\">·</td>", out);
                return;
        }
        checks = json_int_at(found, "checks", 0);
        held = json_int_at(found, "held", 0);
        (void)fprintf(out, "<td class=\"cell %s%s\" title=\"%lld of %lld checks held, last ",
                      held == checks ? "held" : "broke", json_number_at(found, "freshness", 0) < 0.5 ? " stale" : "",
                      held, checks);
        html_put(words_time(json_text_at(found, "last_run", NULL), when, sizeof(when)), out);
        if (held == checks)
                (void)fprintf(out, "\">✓ %lld</td>", checks);
        else
                (void)fprintf(out, "\">✗ %lld/%lld</td>", checks - held, checks);
}

static void put_row(const json_t *card, const json_t *columns, FILE *out) {
        char text[64];
        const char *family;
        json_t *value;

        html_put_between("<tr><th scope=\"row\">", json_text_at(card, "name", ""), "</th><td>", out);
        html_put_tag("letter", json_text_at(card, "grade", "none"), out);
        html_put_between("</td><td class=\"n\">", words_percent(json_at(card, "value"), text, sizeof(text)), "", out);
        html_put_between("<small>", words_interval(card, text, sizeof(text)), "</small></td>", out);
        html_put_between("<td class=\"n\">", words_percent(json_at(card, "coverage"), text, sizeof(text)), "</td>",
                         out);
        (void)fprintf(out, "<td class=\"n\">%zu</td>", json_array_size(json_at(card, "findings")));
        json_object_foreach ((json_t *)columns, family, value)
                put_cell(card, family, out);
        (void)fputs("</tr>\n", out);
}

void html_put_matrix(const json_t *cards, FILE *out) {
        SCOPED_JSON json_t *columns = columns_of(cards);
        const char *family;
        json_t *card, *value;
        size_t i;

        (void)fputs("<section class=\"card\"><h2 class=\"small\">At a glance</h2>\n<div class=\"scroll\" "
                    "tabindex=\"0\"><table class=\"matrix\"><thead><tr>"
                    "<th scope=\"col\"></th><th scope=\"col\">Grade</th><th scope=\"col\" class=\"n\">Value</th>"
                    "<th scope=\"col\" class=\"n\">Coverage</th><th scope=\"col\" class=\"n\">Findings</th>",
                    out);
        json_object_foreach (columns, family, value)
                html_put_between("<th scope=\"col\" class=\"cell\">", family, "</th>", out);
        (void)fputs("</tr></thead><tbody>\n", out);
        json_array_foreach (cards, i, card)
                put_row(card, columns, out);
        html_close_table(out);
        (void)fputs("<p class=\"legend\"><span class=\"held\">✓ n</span> n checks held · "
                    "<span class=\"broke\">✗ m/n</span> m of n broke · <span class=\"untested\">·</span> not tested · "
                    "striped: older than one half-life</p></section>\n",
                    out);
}
