/* chaosctl run FILE — one experiment, from baseline to verdict. */
#include <errno.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/report_file.h"
#include "chaosctl/run_once.h"
#include "chaosctl/run_view.h"
#include "core/units.h"
#include "experiments/model.h"
#include "scorecards/render.h"

enum { OPT_RECORD, OPT_SEED, OPT_OVERRIDE_BUDGET, OPT_NO_HISTORY, OPT_KEEP, OPT_JUNIT, OPT_SUMMARY };

static const struct option_row options[] = {
        [OPT_RECORD] = { "record", 'o', "FILE", "write the run record there" },
        [OPT_SEED] = { "seed", 0, "N", "instead of the file's: same seed, same random choices" },
        [OPT_OVERRIDE_BUDGET] = { "override-budget", 0, "REASON",
                                  "start although the error budget says no; the reason is recorded" },
        [OPT_NO_HISTORY] = { "no-history", 0, NULL, "do not keep the record in the history" },
        [OPT_KEEP] = { "keep", 0, "DURATION", "drop runs from the history that are older (default 400d)" },
        [OPT_JUNIT] = { "junit", 0, "FILE", "write JUnit XML" },
        [OPT_SUMMARY] = { "summary", 0, "FILE", "write Markdown" },
        { NULL },
};

static int prepare(const struct args *args, struct experiment **ret, struct run_once_options *o, struct err *e) {
        SCOPED(experiment_freep) struct experiment *x = NULL;
        int r;

        r = run_once_parse_keep(args->value[OPT_KEEP], &o->keep_us, e);
        if (r < 0)
                return r;
        if (ARGS_HAS(args, OPT_OVERRIDE_BUDGET) && !*args->value[OPT_OVERRIDE_BUDGET])
                return err_set(e, -EINVAL, "--override-budget needs a reason in words");

        r = experiment_load(args->operands[0], &x, e);
        if (r < 0)
                return r;
        if (ARGS_HAS(args, OPT_SEED)) {
                r = units_parse_uint(args->value[OPT_SEED], &x->seed, e);
                if (r < 0)
                        return err_wrap(e, r, "--seed");
                x->seed_given = true;
        }
        *ret = TAKE_PTR(x);
        return 0;
}

/* The verdict outranks a report that could not be written: that is said, and the record is in the history. */
static void write_reports(struct cli *cli, const struct args *args, json_t *record) {
        SCOPED_JSON json_t *records = json_pack("[O]", record);

        (void)report_file_write(cli, args->value[OPT_JUNIT], render_junit, records);
        (void)report_file_write(cli, args->value[OPT_SUMMARY], render_summary, records);
}

static int finish(struct cli *cli, const struct args *args, const struct run_once_options *o, json_t *record) {
        int code = (int)json_int_at(record, "verdict/exit_code", EXIT_ERROR);

        if (!cli->json)
                run_view_record(cli, record);
        (void)fflush(stdout);
        if (!run_once_keep(cli, o, record) && code == EXIT_PASS)
                code = EXIT_ERROR; /* a pass that nobody can look up later is none */
        write_reports(cli, args, record);
        return cli->json ? cli_print_json(cli, record, code) : code;
}

static int run(struct cli *cli, const struct args *args) {
        SCOPED(experiment_freep) struct experiment *x = NULL;
        SCOPED_JSON json_t *record = NULL;
        struct run_once_options o = {
                .budget_override = args->value[OPT_OVERRIDE_BUDGET],
                .no_history = ARGS_HAS(args, OPT_NO_HISTORY),
                .record_path = args->value[OPT_RECORD],
        };
        struct err e = { 0 };

        if (prepare(args, &x, &o, &e) < 0)
                return cli_fail_as(cli, &e, EXIT_USAGE);
        if (run_once_catch_signals(0, &e) < 0 || run_once(cli, x, &o, &record, &e) < 0)
                return cli_fail(cli, &e);

        if (run_once_stopped() && json_bool_at(record, "residue/clean", false))
                term_say(&cli->log, "Everything was reverted: %s.", run_once_stopped());
        return finish(cli, args, &o, record);
}

const struct verb verb_run = {
        .name = "run",
        .args = "FILE",
        .summary = "Run an experiment: baseline, fault, recovery, verdict",
        .about = "Exit 0 pass, 1 fail, 2 invalid file, 3 inconclusive (nothing met the fault, or too few samples), 4 "
                 "aborted,\n"
                 "5 error, 6 residue left. Ctrl-C reverts everything and exits 4. The record goes into the history.",
        .options = options,
        .min_args = 1,
        .max_args = 1,
        .operand = OPERAND_FILE,
        .examples =
                (const struct verb_example[]){
                        { "run experiments/catalog/slow-upstream.yaml", "with a live line per phase" },
                        { "run slow-upstream.yaml --record run.json -q", "for a CI job: the exit code is the verdict" },
                        { "run slow-upstream.yaml --override-budget 'game day, agreed with ana'",
                          "although the budget is spent" },
                        { NULL },
                },
        .run = run,
};
