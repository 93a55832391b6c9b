/* term.h — one output stream: is it a terminal, may it be coloured, how wide is it; the live line; sparklines. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum term_style {
        STYLE_NONE,
        STYLE_BOLD,
        STYLE_DIM,
        STYLE_GOOD, /* green */
        STYLE_WARN, /* yellow */
        STYLE_BAD,  /* red */
        STYLE_INFO, /* cyan */
};

struct term {
        FILE *file;
        bool is_tty;
        bool colour;
        bool utf8;
        bool live_shown; /* a live line stands on the screen and must go before other text */
};

/* term_init — colours only on a terminal, without NO_COLOR (any non-empty value), TERM=dumb or no_colour. */
void term_init(struct term *t, FILE *file, bool no_colour);

unsigned term_width(const struct term *t); /* columns; 80 when unknown */

/* Escape sequences, or "" where colours are off: fprintf("%s…%s", term_on(t, STYLE_BAD), …, term_off(t)). */
const char *term_on(const struct term *t, enum term_style style);
const char *term_off(const struct term *t);

/* term_live — replace the live line (terminals only; nothing happens elsewhere). The text is cut at the width. */
void term_live(struct term *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void term_live_clear(struct term *t); /* before any other output; no-op when none is shown */

/* term_say — one plain line, after clearing the live line. */
void term_say(struct term *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* term_columns — how many columns a UTF-8 text takes, escape sequences counting nothing. */
size_t term_columns(const char *text);

/* term_sparkline — values (NAN = no data) as one block character each, oldest first, scaled from low to high
 * (equal: to the values' own range). At most n_max last ones. ASCII where the locale is not UTF-8. Returns buf. */
char *term_sparkline(const struct term *t, const double *values, size_t n, size_t n_max, double low, double high,
                     char *buf, size_t size);
