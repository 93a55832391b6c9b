/* render_summary.c — runs as one Markdown table: what a CI job shows at its top. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/markdown_out.h"
#include "scorecards/render.h"
#include "scorecards/words.h"

static const char *mark_of(const char *verdict) {
        return strcmp(verdict, "pass") == 0 ? "✅ pass" : strcmp(verdict, "fail") == 0 ? "❌ fail" : "⚠️ ";
}

static void put_run(const json_t *record, FILE *out) {
        const char *verdict = json_text_at(record, "verdict/result", "error");
        const char *mark = mark_of(verdict);
        bool named = strstr(mark, verdict) != NULL;

        (void)fputs("| ", out);
        markdown_put(json_text_at(record, "experiment/service", ""), out);
        (void)fputs(" | ", out);
        markdown_put(json_text_at(record, "experiment/name", ""), out);
        (void)fprintf(out, " | %s%s | %" PRId64 " | %.0f s | ", mark, named ? "" : verdict,
                      json_int_at(record, "verdict/evidence_hits", 0), json_number_at(record, "duration_s", 0));
        markdown_put(json_text_at(record, "verdict/reasons/0", ""), out);
        (void)fputs(" |\n", out);
}

static void put_findings(const json_t *records, FILE *out) {
        const json_t *record, *f;
        size_t i, k, n = 0;

        json_array_foreach (records, i, record)
                json_array_foreach (json_at(record, "findings"), k, f) {
                        if (n++ == 0)
                                (void)fputs("\n### Findings\n\n", out);
                        (void)fprintf(out, "- **%s** ", json_text_at(f, "severity", ""));
                        markdown_put(json_text_at(f, "summary", ""), out);
                        (void)fputs(" — ", out);
                        markdown_put(json_text_at(f, "recommendation", ""), out);
                        (void)fputs(" Owner ", out);
                        markdown_put(json_text_at(f, "owner", "nobody"), out);
                        (void)fprintf(out, ", due %.10s.\n", json_text_at(f, "due", "never"));
                }
}

void render_summary(const json_t *records, FILE *out) {
        size_t passed = 0, i;
        const json_t *record;

        json_array_foreach (records, i, record)
                passed += strcmp(json_text_at(record, "verdict/result", ""), "pass") == 0;
        (void)fprintf(out, "## Resilience gate: %zu of %zu experiments passed\n\n", passed, json_array_size(records));
        (void)fputs("| service | experiment | verdict | evidence | took | why |\n|---|---|---|---:|---:|---|\n", out);
        json_array_foreach (records, i, record)
                put_run(record, out);
        put_findings(records, out);
}
