/* chaosctl report — the quarter for those who decide, from the same history as the scorecards. */
#include <errno.h>

#include "chaosctl/cli.h"
#include "chaosctl/profile_path.h"
#include "chaosctl/run_history.h"
#include "core/clock.h"
#include "scorecards/render.h"
#include "scorecards/report.h"
#include "scorecards/score.h"

enum { OPT_QUARTER, OPT_PROFILE, OPT_HTML, OPT_MARKDOWN };

static const struct option_row options[] = {
        [OPT_QUARTER] = { "quarter", 'Q', "2026Q4", "which one (default: the current one, so far)" },
        [OPT_PROFILE] = { "profile", 'p', "NAME|FILE", "what should be exercised (default: web-service)" },
        [OPT_HTML] = { "html", 0, "FILE", "write one self-contained page; a browser prints it as PDF" },
        [OPT_MARKDOWN] = { "markdown", 0, "FILE", "write Markdown" },
        { NULL },
};

static int compute(const struct args *args, json_t **ret, struct err *e) {
        SCOPED(score_profile_freep) struct score_profile *profile = NULL;
        SCOPED(run_history_closep) struct run_history *h = NULL;
        SCOPED_JSON json_t *records = json_array(), *notes = NULL;
        const char *name = args->value[OPT_PROFILE] ? args->value[OPT_PROFILE] : "web-service";
        uint64_t now_us = clock_realtime_us();
        struct report_quarter q = report_quarter_at(now_us);
        char path[PROFILE_PATH_SIZE];
        int r;

        r = args->value[OPT_QUARTER] ? report_parse_quarter(args->value[OPT_QUARTER], &q, e) : 0;
        if (r == 0)
                r = profile_path_find(name, path, e);
        if (r == 0)
                r = score_profile_read(path, &profile, e);
        if (r == 0)
                r = run_history_open(NULL, &h, e);
        if (r == 0)
                r = run_history_digests(h, records, e);
        if (r == 0)
                r = run_history_notes(h, &notes, e);
        return r < 0 ? r : report_compute(profile, records, notes, q, now_us, ret, e);
}

static int write_file(const char *path, void (*render)(const json_t *, FILE *), const json_t *report, struct err *e) {
        FILE *out = fopen(path, "we");
        int failed;

        if (!out)
                return err_errno(e, "cannot create %s", path);

        render(report, out);
        failed = ferror(out);
        return fclose(out) != 0 || failed ? err_errno(e, "cannot write %s", path) : 0;
}

static int run(struct cli *cli, const struct args *args) {
        static const struct {
                unsigned option;
                void (*render)(const json_t *report, FILE *out);
        } forms[] = { { OPT_HTML, render_report_html }, { OPT_MARKDOWN, render_report_markdown } };
        SCOPED_JSON json_t *report = NULL;
        struct err e = { 0 };

        if (compute(args, &report, &e) < 0)
                return cli_fail(cli, &e);
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                const char *path = args->value[forms[i].option];

                if (path && write_file(path, forms[i].render, report, &e) < 0)
                        return cli_fail(cli, &e);
                if (path && !cli->quiet)
                        term_say(&cli->log, "Wrote %s", path);
        }

        if (cli->json)
                return cli_print_json(cli, report, EXIT_PASS);
        render_report_text(report, cli->out.file);
        return ferror(cli->out.file) ? EXIT_ERROR : EXIT_PASS;
}

const struct verb verb_report = {
        .name = "report",
        .args = "",
        .summary = "The quarter for those who decide: grades and movement, risks, backlog, what was not tested",
        .about = "Made from the same history, profile and notes as `score` and `findings`; every sentence of its "
                 "summary comes\n"
                 "from a figure below it.",
        .options = options,
        .operand = OPERAND_NONE,
        .examples =
                (const struct verb_example[]){
                        { "report", "this quarter, so far" },
                        { "report --quarter 2026Q4 --html q4.html --markdown q4.md", "to hand around" },
                        { NULL },
                },
        .run = run,
};
