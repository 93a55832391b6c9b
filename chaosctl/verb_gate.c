/* chaosctl gate FILE…|DIR — experiments as a step of a CI job: one exit code, reports, no prompts, a time limit. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "chaosctl/gate.h"
#include "chaosctl/profile_path.h"
#include "chaosctl/run_history.h"
#include "chaosctl/run_once.h"
#include "core/clock.h"
#include "core/units.h"
#include "experiments/model.h"

#define TIMEOUT_DEFAULT_US (3600 * USEC_PER_SEC)
#define PATHS_MAX          256

enum {
        OPT_MIN_SCORE,
        OPT_MIN_COVERAGE,
        OPT_PROFILE,
        OPT_WITH_HISTORY,
        OPT_BASELINE,
        OPT_COMPLIANCE_DROP,
        OPT_RECOVERY_RISE,
        OPT_SPEND_RISE,
        OPT_JUNIT,
        OPT_SARIF,
        OPT_SUMMARY,
        OPT_RECORD_DIR,
        OPT_TIMEOUT,
        OPT_NO_HISTORY,
        OPT_KEEP,
        OPT_DRY_RUN,
};

static const struct option_row options[] = {
        [OPT_MIN_SCORE] = { "min-score", 0, "N", "fail when a service's score is lower, 0 to 100" },
        [OPT_MIN_COVERAGE] = { "min-coverage", 0, "N", "fail when a service's coverage is lower, 0 to 100" },
        [OPT_PROFILE] = { "profile", 'p', "NAME|FILE", "what should be exercised (default: web-service)" },
        [OPT_WITH_HISTORY] = { "with-history", 0, NULL, "earlier runs of the history count for the scores too" },
        [OPT_BASELINE] = { "baseline", 0, "FROM",
                           "fail when a run is worse than in FROM: history, a record, a folder of records" },
        [OPT_COMPLIANCE_DROP] = { "max-compliance-drop", 0, "N",
                                  "good events under fault that may be lost, percent of all (default 1)" },
        [OPT_RECOVERY_RISE] = { "max-recovery-rise", 0, "N",
                                "percent by which recovery may take longer; 1 s is always allowed (default 20)" },
        [OPT_SPEND_RISE] = { "max-spend-rise", 0, "N",
                             "percent of the error budget that may be spent more (default 0.5)" },
        [OPT_JUNIT] = { "junit", 0, "FILE", "write JUnit XML" },
        [OPT_SARIF] = { "sarif", 0, "FILE", "write SARIF 2.1.0" },
        [OPT_SUMMARY] = { "summary", 0, "FILE", "write Markdown (default: append to $GITHUB_STEP_SUMMARY if set)" },
        [OPT_RECORD_DIR] = { "record-dir", 0, "DIR", "write each run record there, as EXPERIMENT.json" },
        [OPT_TIMEOUT] = { "timeout", 0, "DURATION",
                          "after this, everything is reverted and the exit code is 4 "
                          "(default 1h)" },
        [OPT_NO_HISTORY] = { "no-history", 0, NULL, "do not keep the records in the history" },
        [OPT_KEEP] = { "keep", 0, "DURATION", "drop runs from the history that are older (default 400d)" },
        [OPT_DRY_RUN] = { "dry-run", 0, NULL, "check everything, say what would be run, run nothing" },
        { NULL },
};

struct gate {
        struct cli *cli;
        struct gate_files files;
        struct gate_rules rules;
        struct gate_outputs outputs;
        struct score_profile *profile;
        json_t *baseline, *earlier; /* NULL = not asked */
        json_t *runs;               /* see gate_judge() */
        const char *record_dir;
        bool no_history;
        uint64_t timeout_us, keep_us;
};

static void gate_done(struct gate *g) {
        gate_files_done(&g->files);
        score_profile_free(g->profile);
        json_decref(g->baseline);
        json_decref(g->earlier);
        json_decref(g->runs);
}

/* ── before ────────────────────────────────────────────────────────────────────────────────────────────────── */

/* "80" and "80%" are the same. */
static int parse_percent(const char *text, double *ret_share, struct err *e) {
        char buf[40];
        uint32_t ppm;
        int r;

        (void)snprintf(buf, sizeof(buf), "%.30s%s", text, strchr(text, '%') ? "" : "%");
        r = units_parse_percent(buf, &ppm, e);
        if (r >= 0)
                *ret_share = ppm / 1e6;
        return r;
}

static unsigned parse_shares(struct gate *g, const struct args *args) {
        const struct {
                unsigned option;
                double *share;
        } shares[] = {
                { OPT_MIN_SCORE, &g->rules.min_score },
                { OPT_MIN_COVERAGE, &g->rules.min_coverage },
                { OPT_COMPLIANCE_DROP, &g->rules.limits.compliance },
                { OPT_RECOVERY_RISE, &g->rules.limits.recovery },
                { OPT_SPEND_RISE, &g->rules.limits.spend },
        };
        unsigned wrong = 0;

        for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
                const char *text = args->value[shares[i].option];
                struct err e = { 0 };

                if (!text || parse_percent(text, shares[i].share, &e) >= 0)
                        continue;
                term_say(&g->cli->log, "--%s: %s", options[shares[i].option].name, e.msg);
                wrong++;
        }
        return wrong;
}

static unsigned say_error(struct gate *g, int r, const char *what, const struct err *e) {
        if (r >= 0)
                return 0;
        term_say(&g->cli->log, "%s: %s", what, e->msg);
        return 1;
}

static unsigned read_profile(struct gate *g, const char *name) {
        char path[PROFILE_PATH_SIZE];
        struct err e = { 0 };
        int r = profile_path_find(name ? name : "web-service", path, &e);

        if (r >= 0)
                r = score_profile_read(path, &g->profile, &e);
        return say_error(g, r, "--profile", &e);
}

/* A file or folder that knows none of the experiments is the wrong one; a young history is not. */
static unsigned read_baseline(struct gate *g, const char *from) {
        struct err e = { 0 };

        if (!from)
                return 0;
        g->baseline = json_array();
        if (gate_records_read(from, g->baseline, &e) < 0)
                return say_error(g, -1, "--baseline", &e);
        if (strcmp(from, "history") == 0 || g->files.n == 0)
                return 0;
        for (size_t i = 0; i < g->files.n; i++)
                if (gate_baseline_for(g->baseline, g->files.files[i].x->service, g->files.files[i].x->name))
                        return 0;
        term_say(&g->cli->log, "--baseline: %s has no run of any of these experiments that passed or failed", from);
        return 1;
}

static unsigned read_earlier(struct gate *g, bool asked) {
        struct err e = { 0 };

        if (!asked)
                return 0;
        g->earlier = json_array();
        return say_error(g, gate_records_read("history", g->earlier, &e), "--with-history", &e);
}

/* Better now than after half an hour of runs. */
static unsigned try_history(struct gate *g) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        struct err e = { 0 };

        return g->no_history ? 0 : say_error(g, run_history_open(NULL, &h, &e), "the history (see --no-history)", &e);
}

static unsigned make_record_dir(struct gate *g) {
        struct stat st;

        if (!g->record_dir || (stat(g->record_dir, &st) == 0 && S_ISDIR(st.st_mode)) || mkdir(g->record_dir, 0777) == 0)
                return 0;
        term_say(&g->cli->log, "--record-dir: cannot make %s: %s", g->record_dir, strerror(errno));
        return 1;
}

/* Everything that can be wrong is looked at and said before anything runs. Returns how much was wrong. */
static unsigned prepare(struct gate *g, const struct args *args) {
        struct err e = { 0 };
        unsigned wrong = gate_files_read(g->cli, args->operands, args->n_operands, &g->files);

        wrong += parse_shares(g, args);
        if (ARGS_HAS(args, OPT_TIMEOUT))
                wrong += say_error(g, units_parse_duration(args->value[OPT_TIMEOUT], &g->timeout_us, &e), "--timeout",
                                   &e);
        wrong += say_error(g, run_once_parse_keep(args->value[OPT_KEEP], &g->keep_us, &e), "chaosctl gate", &e);
        if (g->timeout_us == 0) {
                term_say(&g->cli->log, "--timeout: must be longer than 0");
                wrong++;
        }
        wrong += read_profile(g, args->value[OPT_PROFILE]);
        wrong += read_baseline(g, args->value[OPT_BASELINE]);
        wrong += read_earlier(g, ARGS_HAS(args, OPT_WITH_HISTORY));
        wrong += gate_outputs_check(g->cli, &g->outputs);
        if (!ARGS_HAS(args, OPT_DRY_RUN) && wrong == 0)
                wrong += try_history(g) + make_record_dir(g);
        return wrong;
}

/* ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Takes the record. */
static void add_run(struct gate *g, const struct gate_file *f, json_t *record, int exit_code, const char *why) {
        (void)json_array_append_new(g->runs,
                                    json_pack("{s:s s:s s:s s:o s:i s:s}", "file", f->path, "experiment", f->x->name,
                                              "service", f->x->service, "record", record ? record : json_null(),
                                              "exit_code", exit_code, "why", why));
}

/* Returns the exit code of this run. */
static int run_file(struct gate *g, const struct gate_file *f) {
        SCOPED_FREE char *record_path = NULL;
        struct run_once_options o = { .no_history = g->no_history, .keep_us = g->keep_us };
        json_t *record = NULL;
        struct err e = { 0 };
        bool kept;

        if (g->record_dir && asprintf(&record_path, "%s/%s.json", g->record_dir, f->x->name) < 0)
                record_path = NULL;
        o.record_path = record_path;
        if (run_once(g->cli, f->x, &o, &record, &e) < 0) {
                term_say(&g->cli->log, "%s: %s", f->x->name, e.msg);
                add_run(g, f, NULL, EXIT_ERROR, e.msg);
                return EXIT_ERROR;
        }
        kept = run_once_keep(g->cli, &o, record) && (record_path || !g->record_dir);
        add_run(g, f, record, kept ? EXIT_PASS : EXIT_ERROR, kept ? "" : "its record could not be kept");
        return (int)json_int_at(record, "verdict/exit_code", EXIT_ERROR);
}

/* On a node where something could not be undone, nothing more is broken. */
static void run_files(struct gate *g) {
        const char *why = NULL;
        int code = EXIT_PASS;

        for (size_t i = 0; i < g->files.n; i++) {
                if (code == EXIT_RESIDUE)
                        why = "a fault of the run before could not be undone";
                else if (!why)
                        why = run_once_stopped();
                if (why)
                        add_run(g, &g->files.files[i], NULL, EXIT_ABORTED, why);
                else
                        code = run_file(g, &g->files.files[i]);
        }
}

static void say_start(struct gate *g) {
        uint64_t planned_us = gate_planned_us(&g->files);
        char planned[UNITS_TEXT_SIZE], limit[UNITS_TEXT_SIZE];

        (void)units_format_duration(planned_us, planned);
        (void)units_format_duration(g->timeout_us, limit);
        if (planned_us > g->timeout_us)
                term_say(&g->cli->log, "warning: the runs are planned for %s, the time limit is %s", planned, limit);
        else if (!g->cli->quiet)
                term_say(&g->cli->log, "%zu experiment%s, planned for %s, time limit %s", g->files.n,
                         g->files.n == 1 ? "" : "s", planned, limit);
}

static int run_gate(struct gate *g) {
        SCOPED_JSON json_t *verdict = NULL;
        struct err e = { 0 };
        int code;

        if (run_once_catch_signals(g->timeout_us, &e) < 0)
                return cli_fail(g->cli, &e);
        say_start(g);
        run_files(g);
        if (gate_judge(&g->rules, g->profile, g->runs, g->earlier, g->baseline, clock_realtime_us(), &verdict, &e) < 0)
                return cli_fail_as(g->cli, &e, EXIT_ERROR);

        if (!g->cli->json)
                gate_view(g->cli, verdict);
        (void)fflush(stdout);
        if (!gate_outputs_write(g->cli, &g->outputs, verdict, g->runs))
                gate_add_error(verdict, "a report could not be written");
        code = (int)json_int_at(verdict, "verdict/exit_code", EXIT_ERROR);
        return g->cli->json ? cli_print_json(g->cli, verdict, code) : code;
}

/* A CI log is read later and by machines: no colours, no line that moves, whatever stdout is. */
static void plain(struct cli *cli) {
        cli->out.colour = cli->log.colour = false;
        cli->log.is_tty = false;
}

static int run(struct cli *cli, const struct args *args) {
        struct gate g __attribute__((cleanup(gate_done))) = {
                .cli = cli,
                .rules = { .limits = compare_defaults, .min_score = NAN, .min_coverage = NAN },
                .outputs = { args->value[OPT_JUNIT], args->value[OPT_SARIF], args->value[OPT_SUMMARY] },
                .runs = json_array(),
                .record_dir = args->value[OPT_RECORD_DIR],
                .no_history = ARGS_HAS(args, OPT_NO_HISTORY),
                .timeout_us = TIMEOUT_DEFAULT_US,
        };
        unsigned wrong;

        plain(cli);
        wrong = prepare(&g, args);
        if (wrong > 0) {
                struct err e = { 0 };

                (void)err_set(&e, -EINVAL, "%u fault%s above: nothing was run", wrong, wrong == 1 ? "" : "s");
                return cli_fail_as(cli, &e, EXIT_USAGE);
        }
        return ARGS_HAS(args, OPT_DRY_RUN) ? gate_dry_run(cli, &g.files) : run_gate(&g);
}

const struct verb verb_gate = {
        .name = "gate",
        .args = "FILE…|DIR",
        .summary = "Experiments as a step of a CI job: one exit code, reports, a time limit",
        .about = "Checks all files first; when one is wrong, nothing runs and the exit code is 2. Then runs one after "
                 "the other,\n"
                 "compares with the baseline, and holds scores and coverage against their minimum. The exit code is "
                 "that of the gravest\n"
                 "outcome: 6 residue, 5 error, 4 aborted, 3 inconclusive, 1 fail (also: worse than the baseline, below "
                 "a minimum), 0 pass.\n"
                 "Always reverts, also on SIGTERM and when the time is over.",
        .options = options,
        .min_args = 1,
        .max_args = PATHS_MAX,
        .operand = OPERAND_FILE,
        .examples =
                (const struct verb_example[]){
                        { "gate experiments/ --min-score 80 --min-coverage 30 --junit junit.xml",
                          "in a pipeline; examples are in docs/ci" },
                        { "gate checkout.yaml --baseline main/ --record-dir records --summary summary.md",
                          "no worse than the records of the main branch" },
                        { "gate experiments/ --dry-run", "on a pull request, without a daemon" },
                        { NULL },
                },
        .run = run,
};
