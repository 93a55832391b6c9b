/* render_svg.c — the pictures of the HTML page: plain SVG, coloured by the page's style. */
#include <math.h>
#include <string.h>

#include "scorecards/html_out.h"
#include "scorecards/score_runs.h"

#define WIDTH  460.0
#define HEIGHT 150.0
#define LEFT   44.0
#define TOP    14.0
#define BOTTOM 24.0

#define LABEL_MIN  62.0 /* narrower phases keep their line and lose their name */
#define POINTS_MAX 400
#define DOTS_MAX   60

struct plot {
        double duration_s;
        double low; /* the share at the bottom of the plot: 0, or closer to 1 when nothing goes below */
};

/* The day of an RFC 3339 time. */
static void put_day(const char *time, FILE *out) {
        char day[11];

        (void)snprintf(day, sizeof(day), "%.10s", time);
        html_put(day, out);
}

static double x_of(const struct plot *p, double t_s) {
        return LEFT + (WIDTH - LEFT - 4) * fmin(1, fmax(0, t_s / p->duration_s));
}

static double y_of(const struct plot *p, double share) {
        double part = (fmin(1, fmax(p->low, share)) - p->low) / (1 - p->low);

        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part);
}

/* A service that never falls under 99 % would show a flat line on a scale from 0. */
static double scale_for(double lowest) {
        static const double scales[] = { 0.99, 0.9, 0.5, 0 };
        size_t i;

        for (i = 0; i < ARRAY_SIZE(scales) - 1 && lowest <= scales[i]; i++)
                ;
        return scales[i];
}

static double lowest_share(const json_t *points, double objective) {
        double lowest = objective;
        const json_t *point;
        size_t i;

        json_array_foreach (points, i, point) {
                double total = json_number_at(point, "total", 0);

                if (total > 0)
                        lowest = fmin(lowest, json_number_at(point, "good", 0) / total);
        }
        return lowest;
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
                double width = x_of(p, json_number_at(phase, "end_s", 0)) - x;

                (void)fprintf(out, "<line class=\"phase\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, TOP,
                              HEIGHT - BOTTOM);
                if (width < LABEL_MIN)
                        continue;
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

        p.low = scale_for(lowest_share(points, objective));
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

/* Thousands of runs on a picture of 460 points: every n-th is drawn, and the last one always. */
static size_t step_of(size_t n) {
        return n / POINTS_MAX + 1;
}

static bool is_drawn(size_t i, size_t n) {
        return i % step_of(n) == 0 || i + 1 == n;
}

static void put_dates(const struct plot *p, const json_t *points, FILE *out) {
        size_t n = json_array_size(points);

        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", LEFT, HEIGHT - 8);
        put_day(json_text_at(json_array_get(points, 0), "time", ""), out);
        (void)fprintf(out, "</text><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", x_of(p, p->duration_s),
                      HEIGHT - 8);
        put_day(json_text_at(json_array_get(points, n - 1), "time", ""), out);
        (void)fputs("</text>", out);
}

/* A stepped line: the figure stays as it was until the next run. */
static void put_steps(const struct plot *p, const json_t *points, const char *key, const double *xs, FILE *out) {
        size_t n = json_array_size(points), i;
        const json_t *point;
        bool first = true;

        (void)fputs("<path class=\"line\" d=\"", out);
        json_array_foreach (points, i, point) {
                double x = x_of(p, xs[i]), y = y_of(p, json_number_at(point, key, 0));

                if (!is_drawn(i, n))
                        continue;
                (void)fprintf(out, first ? "M%.1f %.1f" : " H%.1f V%.1f", x, y);
                first = false;
        }
        (void)fputs("\"/>", out);
        json_array_foreach (points, i, point) {
                if (n > DOTS_MAX || !is_drawn(i, n))
                        continue;
                (void)fprintf(out, "<circle class=\"dot\" r=\"3.5\" cx=\"%.1f\" cy=\"%.1f\"><title>", x_of(p, xs[i]),
                              y_of(p, json_number_at(point, key, 0)));
                put_day(json_text_at(point, "time", ""), out);
                (void)fprintf(out, ": %.4g %%</title></circle>", json_number_at(point, key, 0) * 100);
        }
}

/* Seconds behind the first point; 0 and the duration where times cannot be read. */
static double *times_of(const json_t *points, struct plot *p) {
        double *xs = calloc(json_array_size(points) + 1, sizeof(*xs)), first = 0, t;
        const json_t *point;
        size_t i;

        if (!xs)
                return NULL;
        json_array_foreach (points, i, point) {
                if (score_parse_time(json_text_at(point, "time", ""), &t) < 0)
                        t = first;
                if (i == 0)
                        first = t;
                xs[i] = t - first;
        }
        p->duration_s = i > 0 && xs[i - 1] > 0 ? xs[i - 1] : 1;
        return xs;
}

static void put_history(const json_t *points, const char *key, double lowest, const char *label, FILE *out) {
        struct plot p = { .low = scale_for(lowest) };
        SCOPED_FREE double *xs = times_of(points, &p);

        if (!xs)
                return;
        open_svg(label, HEIGHT, out);
        put_axes(&p, out);
        put_dates(&p, points, out);
        put_steps(&p, points, key, xs, out);
        (void)fputs("</svg>\n", out);
}

static double lowest_of(const json_t *points, const char *key) {
        double lowest = 1;
        const json_t *point;
        size_t i;

        json_array_foreach (points, i, point)
                lowest = fmin(lowest, json_number_at(point, key, 1));
        return lowest;
}

void html_put_trend(const json_t *card, FILE *out) {
        const json_t *points = json_at(card, "trend");

        if (json_array_size(points) < 2)
                return;
        (void)fputs("<h3>Trend: value after each run</h3>\n<div class=\"figures\"><figure>", out);
        put_history(points, "value", 0, "Value after each run", out);
        (void)fputs("</figure></div>\n", out);
}

void html_put_budget(const json_t *budget, FILE *out) {
        const json_t *points = json_at(budget, "points");

        put_history(points, "remaining", lowest_of(points, "remaining"), "Error budget left after each run", out);
}
