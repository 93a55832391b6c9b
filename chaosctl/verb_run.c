/* chaosctl run FILE — one experiment, from baseline to verdict. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/run_history.h"
#include "chaosctl/run_spent.h"
#include "chaosctl/run_view.h"
#include "core/clock.h"
#include "core/units.h"
#include "experiments/model.h"
#include "experiments/run.h"

enum { OPT_RECORD, OPT_SEED, OPT_OVERRIDE_BUDGET, OPT_NO_HISTORY, OPT_KEEP };

static const struct option_row options[] = {
        [OPT_RECORD] = { "record", 'o', "FILE", "write the run record there" },
        [OPT_SEED] = { "seed", 0, "N", "instead of the file's: same seed, same random choices" },
        [OPT_OVERRIDE_BUDGET] = { "override-budget", 0, "REASON",
                                  "start although the error budget says no; the reason is recorded" },
        [OPT_NO_HISTORY] = { "no-history", 0, NULL, "do not keep the record in the history" },
        [OPT_KEEP] = { "keep", 0, "DURATION", "drop runs from the history that are older (default 400d)" },
        { NULL },
};

/* A signal handler gets no argument; this is the one run of this process. */
static struct run *running;
static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
        interrupted = number;
        run_request_stop(running);
}

/* A reader that went away (| head) must not keep us from reverting. A handler, for probe commands would inherit an
 * ignored signal. */
static void on_pipe(int number) {
        (void)number;
}

static int catch_signals(struct run *r, struct err *e) {
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
        struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
        struct sigaction pipe_action = { .sa_handler = on_pipe, .sa_flags = SA_RESTART };

        running = r;
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (sigaction(numbers[i], &action, NULL) < 0)
                        return err_errno(e, "cannot catch signals");
        return sigaction(SIGPIPE, &pipe_action, NULL) < 0 ? err_errno(e, "cannot catch signals") : 0;
}

static int prepare(const struct args *args, struct experiment **ret, uint64_t *keep_us, struct err *e) {
        SCOPED(experiment_freep) struct experiment *x = NULL;
        int r;

        if (ARGS_HAS(args, OPT_KEEP)) {
                r = units_parse_duration(args->value[OPT_KEEP], keep_us, e);
                if (r < 0)
                        return err_wrap(e, r, "--keep");
        }
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

/* The history sets the hashes, so it comes before the file. */
static void keep_record(struct cli *cli, const struct args *args, json_t *record, uint64_t keep_us) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        const char *path = args->value[OPT_RECORD];
        uint64_t now = clock_realtime_us();
        struct err e = { 0 };

        if (!ARGS_HAS(args, OPT_NO_HISTORY)) {
                if (run_history_open(NULL, &h, &e) < 0 || run_history_add(h, record, &e) < 0)
                        term_say(&cli->log, "%sThe run is not in the history: %s%s", term_on(&cli->log, STYLE_BAD),
                                 e.msg, term_off(&cli->log));
                else if (run_history_prune(h, keep_us < now ? now - keep_us : 0, false, &e) < 0)
                        term_say(&cli->log, "Old runs stay in the history: %s", e.msg);
                else if (!cli->quiet)
                        term_say(&cli->log, "Kept in the history as %s", json_text_at(record, "id", "?"));
        }
        if (path && json_store_path(path, record, 0644, &e) < 0)
                term_say(&cli->log, "%sThe record was not written: %s%s", term_on(&cli->log, STYLE_BAD), e.msg,
                         term_off(&cli->log));
        else if (path && !cli->quiet)
                term_say(&cli->log, "Record written to %s", path);
}

static int finish(struct cli *cli, const struct args *args, json_t *record, uint64_t keep_us) {
        int code = (int)json_int_at(record, "verdict/exit_code", EXIT_ERROR);

        if (!cli->json)
                run_view_record(cli, record);
        (void)fflush(stdout);
        keep_record(cli, args, record, keep_us);
        return cli->json ? cli_print_json(cli, record, code) : code;
}

static int run(struct cli *cli, const struct args *args) {
        uint64_t keep_us = RUN_HISTORY_KEEP_DAYS * 86400ULL * USEC_PER_SEC;
        SCOPED(run_spent_closep) struct run_spent *spent = NULL;
        SCOPED(experiment_freep) struct experiment *x = NULL;
        SCOPED(run_freep) struct run *r = NULL;
        SCOPED_JSON json_t *record = NULL;
        struct run_options o = { .node = &cli->node, .budget_override = args->value[OPT_OVERRIDE_BUDGET] };
        struct run_view view;
        struct err e = { 0 };

        if (prepare(args, &x, &keep_us, &e) < 0)
                return cli_fail_as(cli, &e, EXIT_USAGE);
        if (!ARGS_HAS(args, OPT_NO_HISTORY))
                run_spent_use(&o, &spent);
        run_view_init(&view, cli, &o.observer);
        if (run_new(x, &o, &r, &e) < 0 || catch_signals(r, &e) < 0)
                return cli_fail(cli, &e);

        if (!cli->quiet)
                term_say(&cli->log, "%s%s%s  %s", term_on(&cli->log, STYLE_BOLD), x->name, term_off(&cli->log),
                         x->hypothesis ? x->hypothesis : "");
        if (run_execute(r, &record, &e) < 0) {
                term_live_clear(&cli->log);
                return cli_fail(cli, &e);
        }
        run_view_phase_end(&view);
        term_live_clear(&cli->log);
        if (interrupted)
                term_say(&cli->log, "%s: everything was reverted.",
                         interrupted == SIGINT ? "Ctrl-C" : "Stopped by a signal");
        return finish(cli, args, record, keep_us);
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
