/* render_svg.c — the pictures of the HTML page: plain SVG, coloured by the page's style. */
#include <math.h>
#include <string.h>

#include "scorecards/html_out.h"

#define WIDTH  900.0
#define HEIGHT 150.0
#define LEFT   44.0
#define TOP    14.0
#define BOTTOM 24.0

struct plot {
        double duration_s;
        double low; /* the share at the bottom of the plot: 0, or closer to 1 when nothing goes below */
};

static double x_of(const struct plot *p, double t_s) {
        return LEFT + (WIDTH - LEFT - 4) * fmin(1, fmax(0, t_s / p->duration_s));
}

static double y_of(const struct plot *p, double share) {
        double part = (fmin(1, fmax(p->low, share)) - p->low) / (1 - p->low);

        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part);
}

/* A service that never falls under 99 % would show a flat line on a scale from 0. */
static double lowest_scale(const json_t *points, double objective) {
        static const double scales[] = { 0.99, 0.9, 0.5, 0 };
        double lowest = objective;
        const json_t *point;
        size_t i;

        json_array_foreach (points, i, point) {
                double total = json_number_at(point, "total", 0);

                if (total > 0)
                        lowest = fmin(lowest, json_number_at(point, "good", 0) / total);
        }
        for (i = 0; i < ARRAY_SIZE(scales) - 1 && lowest <= scales[i]; i++)
                ;
        return scales[i];
}

static void put_axes(const struct plot *p, FILE *out) {
        for (int i = 0; i <= 2; i++) {
                double share = p->low + (1 - p->low) * i / 2;

                (void)fprintf(out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
                              WIDTH, y_of(p, share), y_of(p, share));
                (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g%%</text>", LEFT - 6,
                              y_of(p, share) + 4, share * 100);
        }
}

static void put_phases(const struct plot *p, const json_t *phases, FILE *out) {
        const json_t *phase;
        size_t i;

        json_array_foreach (phases, i, phase) {
                double x = x_of(p, json_number_at(phase, "start_s", 0));

                (void)fprintf(out, "<line class=\"phase\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, TOP,
                              HEIGHT - BOTTOM);
                (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", x + 4, HEIGHT - 8);
                html_put(json_text_at(phase, "name", ""), out);
                (void)fprintf(out, " %.0f s</text>",
                              json_number_at(phase, "end_s", 0) - json_number_at(phase, "start_s", 0));
        }
}

static void put_windows(const struct plot *p, const json_t *faults, FILE *out) {
        const json_t *fault;
        size_t i;

        json_array_foreach (faults, i, fault) {
                double from = json_number_at(fault, "injected_s", NAN);
                double to = json_number_at(fault, "reverted_s", p->duration_s);
                double x = x_of(p, from);

                if (isnan(from))
                        continue;
                (void)fprintf(out,
                              "<rect class=\"window\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>", x,
                              TOP, fmax(2, x_of(p, to) - x), HEIGHT - TOP - BOTTOM);
                html_put(json_text_at(fault, "kind", ""), out);
                (void)fputs("</title></rect>", out);
                (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", x + 4, TOP - 3);
                html_put(json_text_at(fault, "kind", ""), out);
                (void)fputs("</text>", out);
        }
}

/* The line breaks where a second had no samples: no data must not look like good data. */
static void put_line(const struct plot *p, const json_t *points, FILE *out) {
        const json_t *point;
        const char *pen = "M";
        size_t i;

        (void)fputs("<path class=\"line\" d=\"", out);
        json_array_foreach (points, i, point) {
                double total = json_number_at(point, "total", 0);

                if (total <= 0) {
                        pen = "M";
                        continue;
                }
                (void)fprintf(out, "%s%.1f %.1f ", pen, x_of(p, json_number_at(point, "t_s", 0) + 0.5),
                              y_of(p, json_number_at(point, "good", 0) / total));
                pen = "L";
        }
        (void)fputs("\"/>", out);
}

static void open_svg(const char *label, double height, FILE *out) {
        (void)fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH, height);
        html_put(label, out);
        (void)fputs("\">", out);
}

void html_put_timeline(const json_t *timeline, const json_t *series, double objective, FILE *out) {
        const json_t *points = json_at(series, "points");
        struct plot p = { .duration_s = fmax(1, json_number_at(timeline, "duration_s", 1)) };

        p.low = lowest_scale(points, objective);
        open_svg("Share of good events per second, with fault windows", HEIGHT, out);
        put_axes(&p, out);
        put_windows(&p, json_at(timeline, "faults"), out);
        put_phases(&p, json_at(timeline, "phases"), out);
        (void)fprintf(out,
                      "<line class=\"objective\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
                      "y2=\"%.1f\"><title>objective</title></line>",
                      LEFT, WIDTH, y_of(&p, objective), y_of(&p, objective));
        put_line(&p, points, out);
        (void)fputs("</svg>\n", out);
}

void html_put_trend(const json_t *card, FILE *out) {
        const json_t *points = json_at(card, "trend");
        size_t n = json_array_size(points), i;
        struct plot p = { .duration_s = n > 1 ? (double)(n - 1) : 1 };
        const json_t *point;

        if (n < 2)
                return;

        (void)fputs("<h3>Trend: value after each run</h3>\n", out);
        open_svg("Value after each run", HEIGHT, out);
        put_axes(&p, out);
        (void)fputs("<path class=\"line\" d=\"", out);
        json_array_foreach (points, i, point)
                (void)fprintf(out, "%s%.1f %.1f ", i ? "L" : "M", x_of(&p, (double)i),
                              y_of(&p, json_number_at(point, "value", 0)));
        (void)fputs("\"/>", out);
        json_array_foreach (points, i, point) {
                (void)fprintf(out, "<circle class=\"dot\" r=\"3\" cx=\"%.1f\" cy=\"%.1f\"><title>", x_of(&p, (double)i),
                              y_of(&p, json_number_at(point, "value", 0)));
                html_put(json_text_at(point, "time", ""), out);
                (void)fputs("</title></circle>", out);
        }
        (void)fputs("</svg>\n", out);
}
