/* html_out.h — what render_html*.c share: escaping, and the pictures. Only scorecards/ includes this. */
#pragma once

#include <stdio.h>

#include "core/json.h"

/* Text into HTML or an attribute in double quotes: & < > " ' are escaped, control characters dropped. */
void html_put(const char *text, FILE *out);

/* Inline SVG of one SLO in one run: compliance per second, objective, fault windows, phases. */
void html_put_timeline(const json_t *timeline, const json_t *series, double objective, FILE *out);

/* Inline SVG of the value after each run. Nothing for fewer than two points. */
void html_put_trend(const json_t *card, FILE *out);
