/* html_out.h — what the HTML renderers share: escaping, the page around, and the pictures. Only scorecards/ includes
 * this. */
#pragma once

#include <stdio.h>

#include "core/json.h"

/* Text into HTML or an attribute in double quotes: & < > " ' are escaped, control characters dropped. */
void html_put(const char *text, FILE *out);
void html_put_between(const char *open, const char *text, const char *close, FILE *out);

/* A class name from a record must be one of ours: letters only. */
void html_put_class(const char *text, FILE *out);

/* "<span class=… >text</span>" with the text as its class: verdicts, severities, grades. */
void html_put_tag(const char *name, const char *text, FILE *out);

/* Everything before and behind the page's own content; the style sheet is inside. as_of is RFC 3339. */
void html_open_page(const char *title, const char *as_of, FILE *out);
void html_close_page(FILE *out);

/* A table that may be wider than a phone; columns begin with '#' for numbers. Ends with NULL. */
void html_open_table(const char *const *columns, FILE *out);
void html_close_table(FILE *out);

/* Inline SVG of one SLO in one run: compliance per second, objective, fault windows, phases. */
void html_put_timeline(const json_t *timeline, const json_t *series, double objective, FILE *out);

/* Inline SVG of the value after each run. Nothing for fewer than two points. */
void html_put_trend(const json_t *card, FILE *out);

/* Inline SVG of what the drills left of one SLO's error budget. */
void html_put_budget(const json_t *budget, FILE *out);

/* Overview of several cards: grade and figures, and the matrix of what was broken how. */
void html_put_matrix(const json_t *cards, FILE *out);
