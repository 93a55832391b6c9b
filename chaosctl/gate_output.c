/* gate_output.c — the gate's reports: files for CI systems, text for its log. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaosctl/gate.h"
#include "chaosctl/report_file.h"
#include "chaosctl/table.h"
#include "scorecards/render.h"

static const char *step_summary(void) {
        const char *path = getenv("GITHUB_STEP_SUMMARY");

        return path && *path ? path : NULL;
}

static bool is_writable(struct cli *cli, const char *path) {
        SCOPED_FREE char *copy = strdup(path);

        if (copy && (access(path, F_OK) == 0 ? access(path, W_OK) == 0 : access(dirname(copy), W_OK | X_OK) == 0))
                return true;
        term_say(&cli->log, "cannot write %s: %s", path, strerror(errno));
        return false;
}

unsigned gate_outputs_check(struct cli *cli, const struct gate_outputs *o) {
        const char *const paths[] = { o->junit, o->sarif, o->summary };
        unsigned wrong = 0;

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (paths[i] && !is_writable(cli, paths[i]))
                        wrong++;
        return wrong;
}

static bool write_summary(struct cli *cli, const char *path, const char *mode, const json_t *gate,
                          const json_t *reports) {
        FILE *out;

        if (!path)
                return true;
        out = fopen(path, mode);
        if (out)
                render_gate_markdown(gate, reports, out);
        return report_file_end(cli, path, out);
}

bool gate_outputs_write(struct cli *cli, const struct gate_outputs *o, const json_t *gate, const json_t *runs) {
        SCOPED_JSON json_t *reports = gate_reports(gate, runs, false), *with_gate = gate_reports(gate, runs, true);
        bool ok = report_file_write(cli, o->junit, render_junit, with_gate);

        ok = report_file_write(cli, o->sarif, render_sarif, reports) && ok;
        if (o->summary)
                return write_summary(cli, o->summary, "we", gate, reports) && ok;
        return write_summary(cli, step_summary(), "ae", gate, reports) && ok;
}

static void print_runs(struct cli *cli, const json_t *gate) {
        static const char *const headings[] = { "EXPERIMENT", "SERVICE", "VERDICT", "EVIDENCE", "TOOK", "WHY", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        const json_t *run;
        size_t i;

        json_array_foreach (json_object_get(gate, "runs"), i, run) {
                bool ran = json_bool_at(run, "ran", false);

                table_cell(t, STYLE_NONE, "%s", json_text_at(run, "experiment", "?"));
                table_cell(t, STYLE_NONE, "%s", json_text_at(run, "service", "?"));
                table_cell(t, STYLE_NONE, "%s", ran ? json_text_at(run, "result", "?") : "not run");
                table_cell(t, STYLE_NONE, "%" PRId64, json_int_at(run, "evidence_hits", 0));
                table_cell(t, STYLE_NONE, "%.1fs", json_number_at(run, "duration_s", 0));
                table_cell(t, STYLE_NONE, "%s", json_text_at(run, "reasons/0", ""));
        }
        (void)fputc('\n', cli->out.file);
        (void)table_print(t, &cli->out);
}

static void print_scores(struct cli *cli, const json_t *gate) {
        const json_t *card;
        size_t i;

        json_array_foreach (json_object_get(gate, "scorecards"), i, card) {
                double value = json_number_at(card, "value", NAN);

                (void)fprintf(cli->out.file, "%s: ", json_text_at(card, "service", "?"));
                if (isnan(value))
                        (void)fprintf(cli->out.file, "no score");
                else
                        (void)fprintf(cli->out.file, "score %.4g (95 %% interval %.3g to %.3g)", value * 100,
                                      json_number_at(card, "interval/low", NAN) * 100,
                                      json_number_at(card, "interval/high", NAN) * 100);
                (void)fprintf(cli->out.file, ", coverage %.3g %%, freshness %.3g %%, grade %s\n",
                              json_number_at(card, "coverage", 0) * 100, json_number_at(card, "freshness", 0) * 100,
                              json_text_at(card, "grade", "none"));
        }
}

void gate_view(struct cli *cli, const json_t *gate) {
        const json_t *text;
        size_t i;

        print_runs(cli, gate);
        (void)fputc('\n', cli->out.file);
        print_scores(cli, gate);
        json_array_foreach (json_object_get(gate, "notes"), i, text)
                (void)fprintf(cli->out.file, "note: %s\n", json_string_value(text));
        (void)fprintf(cli->out.file, "\nGate: %s\n", json_text_at(gate, "verdict/result", "error"));
        json_array_foreach (json_at(gate, "verdict/reasons"), i, text)
                (void)fprintf(cli->out.file, "  %s\n", json_string_value(text));
}
