/* render.h — scorecards, runs and reports for people and for other programs: one function per form. Each writes the
 * whole document; texts from records are untrusted and escaped. Check ferror(out) afterwards. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/json.h"

/* These take a JSON array of scorecards (score.h). */
void render_text(const json_t *cards, bool colour, FILE *out);
void render_explain(const json_t *cards, FILE *out); /* the arithmetic, to the last term */
void render_markdown(const json_t *cards, FILE *out);

/* One self-contained page: no network, no scripts; light and dark; prints well. */
void render_html(const json_t *cards, FILE *out);

/* One row for each card: grade, value and coverage, never a number alone. */
void render_badge(const json_t *cards, FILE *out);

/* These take a JSON array of run records. */
void render_junit(const json_t *records, FILE *out);
void render_sarif(const json_t *records, FILE *out); /* SARIF 2.1.0 */

/* For the summary page of a CI job: GitHub's and GitLab's Markdown. */
void render_summary(const json_t *records, FILE *out);

/* These take one report (report.h). */
void render_report_text(const json_t *report, FILE *out);
void render_report_markdown(const json_t *report, FILE *out);
void render_report_html(const json_t *report, FILE *out);
