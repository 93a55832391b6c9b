/* render_badge.c — a badge: plain SVG, readable without any font of its own. White on each colour has a contrast of at
 * least 4.5 : 1. */
#include <stdio.h>
#include <string.h>

#include "scorecards/html_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

#define ROW     20
#define PADDING 8
#define LETTER  6.6 /* mean width of a letter at 11 px; textLength makes it exact whatever font is there */

static const char *colour_of(const char *grade) {
        static const struct {
                const char *grade, *colour;
        } colours[] = {
                { "A", "#14713f" }, { "B", "#3a6b1e" }, { "C", "#8a5a00" }, { "D", "#a3470b" }, { "F", "#b3261e" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
                if (strcmp(colours[i].grade, grade) == 0)
                        return colours[i].colour;
        return "#5a6675";
}

static unsigned letters(const char *text) {
        unsigned n = 0;

        for (; *text; text++)
                n += ((unsigned char)*text & 0xc0) != 0x80;
        return n;
}

static double width_of(const char *text) {
        return 2 * PADDING + LETTER * letters(text);
}

static void put_part(const char *text, double x, double y, const char *colour, FILE *out) {
        double width = width_of(text);

        (void)fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", x, y, width, ROW,
                      colour);
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\">", x + PADDING, y + 14,
                      LETTER * letters(text));
        html_put(text, out);
        (void)fputs("</text>\n", out);
}

struct badge {
        char label[80], text[80];
        const char *grade;
};

static void read_badge(const json_t *card, struct badge *b) {
        char value[16], coverage[16];

        b->grade = json_text_at(card, "grade", "none");
        (void)snprintf(b->label, sizeof(b->label), "%.60s", json_text_at(card, "name", ""));
        if (json_is_null(json_at(card, "value")))
                (void)snprintf(b->text, sizeof(b->text), "not judged yet");
        else
                (void)snprintf(b->text, sizeof(b->text), "%.8s · %s held · %s covered", b->grade,
                               words_percent(json_at(card, "value"), value, sizeof(value)),
                               words_percent(json_at(card, "coverage"), coverage, sizeof(coverage)));
}

void render_badge(const json_t *cards, FILE *out) {
        double label_width = 0, text_width = 0;
        struct badge b;
        char summary[WORDS_SIZE];
        json_t *card;
        size_t i;

        json_array_foreach (cards, i, card) {
                read_badge(card, &b);
                label_width = width_of(b.label) > label_width ? width_of(b.label) : label_width;
                text_width = width_of(b.text) > text_width ? width_of(b.text) : text_width;
        }
        (void)fprintf(out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%zu\" role=\"img\" "
                      "font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" fill=\"#fff\">\n<title>",
                      label_width + text_width, (size_t)ROW * json_array_size(cards));
        json_array_foreach (cards, i, card) {
                html_put(json_text_at(card, "name", ""), out);
                (void)fputs(": ", out);
                html_put(words_summary(card, summary, sizeof(summary)), out);
                (void)fputs(i + 1 < json_array_size(cards) ? "\n" : "", out);
        }
        (void)fputs("</title>\n", out);
        json_array_foreach (cards, i, card) {
                double y = (double)(ROW * i);

                read_badge(card, &b);
                (void)fprintf(out, "<rect y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"#39424e\"/>", y, label_width,
                              ROW);
                (void)fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
                              label_width, y, text_width, ROW, colour_of(b.grade));
                put_part(b.label, 0, y, "#39424e", out);
                put_part(b.text, label_width, y, colour_of(b.grade), out);
        }
        (void)fputs("</svg>\n", out);
}
