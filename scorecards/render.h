/* render.h — scorecards for people: one function per form. Each takes a JSON array of scorecards (score.h) and
 * writes the whole document; texts from records are untrusted and escaped. Check ferror(out) afterwards. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/json.h"

void render_text(const json_t *cards, bool colour, FILE *out);
void render_explain(const json_t *cards, FILE *out); /* the arithmetic, to the last term */
void render_markdown(const json_t *cards, FILE *out);

/* One self-contained page: no network, no scripts; light and dark; prints well. */
void render_html(const json_t *cards, FILE *out);
