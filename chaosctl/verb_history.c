/* chaosctl history — the runs that were recorded, and whether their chain is whole. */
#include <errno.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/history_diff.h"
#include "chaosctl/run_history.h"
#include "chaosctl/table.h"
#include "core/clock.h"
#include "core/suggest.h"
#include "core/units.h"
#include "scorecards/compare.h"

enum { OPT_SERVICE, OPT_EXPERIMENT, OPT_LIMIT, OPT_OLDER_THAN, OPT_DRY_RUN, OPT_OUTPUT };

static const struct option_row options[] = {
        [OPT_SERVICE] = { "service", 0, "NAME", "list, export: only runs of this service" },
        [OPT_EXPERIMENT] = { "experiment", 0, "NAME", "list, export: only runs of this experiment" },
        [OPT_LIMIT] = { "limit", 0, "N", "list: the newest N (default 20; 0 = all)" },
        [OPT_OLDER_THAN] = { "older-than", 0, "DURATION", "prune: drop runs that began before (default 400d)" },
        [OPT_DRY_RUN] = { "dry-run", 'n', NULL, "prune: only say how many" },
        [OPT_OUTPUT] = { "output", 'o', "FILE", "export: write there instead of stdout" },
        { NULL },
};

#define LIMIT_DEFAULT 20

static int collect(void *arg, const json_t *record) {
        return json_array_append(arg, (json_t *)record);
}

static int read_records(struct run_history *h, const struct args *args, uint64_t limit, json_t *records,
                        struct err *e) {
        return run_history_each(h, args->value[OPT_SERVICE], args->value[OPT_EXPERIMENT], NULL, (size_t)limit, collect,
                                records, e);
}

static enum term_style verdict_style(const char *verdict) {
        return strcmp(verdict, "pass") == 0 ? STYLE_GOOD : strcmp(verdict, "fail") == 0 ? STYLE_BAD : STYLE_WARN;
}

static int do_list(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        static const char *const headings[] = { "RUN", "SERVICE", "STARTED", "TOOK", "VERDICT", "WHY", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        SCOPED_JSON json_t *records = json_array();
        const char *text = args->value[OPT_LIMIT];
        uint64_t limit = LIMIT_DEFAULT;
        const json_t *record;
        size_t i;
        int r;

        r = text ? units_parse_uint(text, &limit, e) : 0;
        if (r < 0)
                return err_wrap(e, r, "--limit");
        r = read_records(h, args, limit, records, e);
        if (r < 0)
                return r;
        if (cli->json) {
                SCOPED_JSON json_t *result = json_pack("{s:O}", "runs", records);

                return cli_print_json(cli, result, EXIT_PASS);
        }
        if (json_array_size(records) == 0) {
                term_say(&cli->out, "No runs are recorded%s.",
                         args->value[OPT_SERVICE] || args->value[OPT_EXPERIMENT] ? " that fit" : "");
                return EXIT_PASS;
        }

        json_array_foreach (records, i, record) {
                const char *verdict = json_text_at(record, "verdict/result", "?");

                table_cell(t, STYLE_BOLD, "%s", json_text_at(record, "id", "?"));
                table_cell(t, STYLE_NONE, "%s", json_text_at(record, "experiment/service", "-"));
                table_cell(t, STYLE_NONE, "%.19s", json_text_at(record, "started", "-"));
                table_cell(t, STYLE_NONE, "%.0fs", json_number_at(record, "duration_s", 0));
                table_cell(t, verdict_style(verdict), "%s", verdict);
                table_cell(t, STYLE_NONE, "%s", json_text_at(record, "verdict/reasons/0", ""));
        }
        return table_print(t, &cli->out) < 0 ? EXIT_ERROR : EXIT_PASS;
}

static int do_show(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        SCOPED_JSON json_t *record = NULL;
        int r;

        r = run_history_get(h, args->operands[1], &record, e);
        return r < 0 ? r : cli_print_json(cli, record, EXIT_PASS);
}

/* With one run: against the one before it of the same experiment and service. */
static int run_before(struct run_history *h, const json_t *record, json_t **ret, struct err *e) {
        SCOPED_JSON json_t *records = json_array();
        json_t *other, *found = NULL;
        size_t i;
        int r;

        r = run_history_each(h, json_text_at(record, "experiment/service", ""),
                             json_text_at(record, "experiment/name", ""), NULL, 0, collect, records, e);
        if (r < 0)
                return r;
        json_array_foreach (records, i, other) {
                if (strcmp(json_text_at(other, "id", ""), json_text_at(record, "id", "")) == 0)
                        break;
                found = other;
        }
        if (!found)
                return err_set(e, -ENOENT, "%s is the first run of its experiment: give the other one too",
                               json_text_at(record, "id", ""));
        *ret = json_incref(found);
        return 0;
}

static int do_diff(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        SCOPED_JSON json_t *before = NULL, *after = NULL, *comparison = NULL;
        bool two = args->n_operands > 2;
        int r;

        r = run_history_get(h, args->operands[two ? 2 : 1], &after, e);
        if (r == 0)
                r = two ? run_history_get(h, args->operands[1], &before, e) : run_before(h, after, &before, e);
        if (r < 0)
                return r;

        comparison = compare_runs(before, after, NULL);
        return history_diff_print(cli, comparison);
}

static int do_export(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        SCOPED_JSON json_t *records = json_array();
        const char *path = args->value[OPT_OUTPUT];
        int r;

        r = read_records(h, args, 0, records, e);
        if (r < 0)
                return r;
        if (!path)
                return cli_print_json(cli, records, EXIT_PASS);

        r = json_store_path(path, records, 0600, e);
        if (r < 0)
                return r;
        term_say(&cli->log, "%zu runs written to %s", json_array_size(records), path);
        return EXIT_PASS;
}

static int do_import(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        size_t added = 0, known = 0;

        for (size_t i = 1; i < args->n_operands; i++) {
                SCOPED_JSON json_t *records = NULL;
                size_t file_added, file_known;
                int r;

                r = json_load_path(args->operands[i], &records, e);
                if (r == 0)
                        r = run_history_import(h, records, &file_added, &file_known, e);
                if (r < 0)
                        return err_wrap(e, r, "%s", args->operands[i]);
                added += file_added;
                known += file_known;
        }
        if (cli->json) {
                SCOPED_JSON json_t *result =
                        json_pack("{s:I, s:I}", "added", (json_int_t)added, "known", (json_int_t)known);

                return cli_print_json(cli, result, EXIT_PASS);
        }
        term_say(&cli->out, "%zu runs added, %zu were here already.", added, known);
        return EXIT_PASS;
}

struct complaints {
        struct cli *cli;
        json_t *list;
};

static void on_bad(void *arg, const char *id, const char *what) {
        struct complaints *c = arg;

        (void)json_array_append_new(c->list, json_pack("{s:s, s:s}", "id", id, "what", what));
        if (!c->cli->json)
                term_say(&c->cli->out, "%s%s%s: %s", term_on(&c->cli->out, STYLE_BAD), id, term_off(&c->cli->out),
                         what);
}

static int do_verify(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        SCOPED_JSON json_t *list = json_array();
        struct complaints c = { cli, list };
        size_t checked = 0;
        int n;

        (void)args;
        n = run_history_verify(h, on_bad, &c, &checked, e);
        if (n < 0)
                return n;
        if (cli->json) {
                SCOPED_JSON json_t *result =
                        json_pack("{s:I, s:b, s:O}", "checked", (json_int_t)checked, "whole", n == 0, "bad", list);

                return cli_print_json(cli, result, n ? EXIT_FAIL : EXIT_PASS);
        }
        if (n == 0)
                term_say(&cli->out, "%s%zu runs, the chain is whole.%s", term_on(&cli->out, STYLE_GOOD), checked,
                         term_off(&cli->out));
        else
                term_say(&cli->out, "%zu runs, %d complaints.", checked, n);
        return n ? EXIT_FAIL : EXIT_PASS;
}

static int do_prune(struct cli *cli, struct run_history *h, const struct args *args, struct err *e) {
        uint64_t age_us = RUN_HISTORY_KEEP_DAYS * 86400ULL * USEC_PER_SEC, now = clock_realtime_us();
        const char *text = args->value[OPT_OLDER_THAN];
        bool dry_run = ARGS_HAS(args, OPT_DRY_RUN);
        int n;

        n = text ? units_parse_duration(text, &age_us, e) : 0;
        if (n < 0)
                return err_wrap(e, n, "--older-than");
        n = run_history_prune(h, age_us < now ? now - age_us : 0, dry_run, e);
        if (n < 0)
                return n;
        if (cli->json) {
                SCOPED_JSON json_t *result = json_pack("{s:i, s:b}", "dropped", n, "dry_run", dry_run);

                return cli_print_json(cli, result, EXIT_PASS);
        }
        term_say(&cli->out, "%d runs %s.", n, dry_run ? "would be dropped" : "dropped");
        return EXIT_PASS;
}

static const struct action {
        const char *name;
        unsigned min_args, max_args; /* behind the action's name */
        int (*run)(struct cli *cli, struct run_history *h, const struct args *args, struct err *e);
} actions[] = {
        { "list", 0, 0, do_list },     { "show", 1, 1, do_show },       { "diff", 1, 2, do_diff },
        { "export", 0, 0, do_export }, { "import", 1, 256, do_import }, { "verify", 0, 0, do_verify },
        { "prune", 0, 0, do_prune },
};

static const char *const words[] = { "list", "show", "diff", "export", "import", "verify", "prune", NULL };

static int run(struct cli *cli, const struct args *args) {
        const char *name = args->n_operands ? args->operands[0] : "list", *nearest;
        SCOPED(run_history_closep) struct run_history *h = NULL;
        const struct action *action = NULL;
        struct err e = { 0 };
        size_t n = args->n_operands ? args->n_operands - 1 : 0;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
                if (strcmp(actions[i].name, name) == 0)
                        action = &actions[i];
        nearest = suggest_word(name, words, ARRAY_SIZE(words) - 1);
        if (!action)
                return cli_usage(cli, &verb_history, "history cannot '%.40s'%s%s%s", name,
                                 nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        if (n < action->min_args || n > action->max_args)
                return cli_usage(cli, &verb_history, "history %s takes %s", name,
                                 !action->max_args       ? "no arguments"
                                 : action->max_args == 1 ? "the id of one run, or its beginning"
                                 : action->max_args == 2 ? "one run, or two: the earlier one first"
                                                         : "one or more files");

        r = run_history_open(NULL, &h, &e);
        if (r == 0)
                r = action->run(cli, h, args, &e);
        return r < 0 ? cli_fail(cli, &e) : r;
}

const struct verb verb_history = {
        .name = "history",
        .args = "[list | show RUN | diff [RUN] RUN | export | import FILE… | verify | prune]",
        .summary = "Recorded runs: list, read, exchange, and check that none was changed",
        .about = "Runs are kept in $XDG_STATE_HOME/chaosctl/history.db (default ~/.local/state), each with the SHA-256 "
                 "of the one\n"
                 "before it. verify finds a record that was changed, removed or replaced, and exits 1 then. prune cuts "
                 "the chain\n"
                 "at its beginning only and keeps the last dropped hash.",
        .options = options,
        .max_args = 257,
        .operand = OPERAND_WORD,
        .words = words,
        .examples =
                (const struct verb_example[]){
                        { "history", "the newest 20 runs" },
                        { "history show 20261123T220611Z",
                          "the whole record of one run; the beginning of its id is enough" },
                        { "history diff 20261123T220611Z",
                          "against the run before it of the same experiment; exits 1 when something got worse" },
                        { "history export --service shop -o shop.json", "for another machine" },
                        { "history import shop.json", "merge it there" },
                        { "history verify", "is every record as it was written, and none missing?" },
                        { "history prune --older-than 400d --dry-run", "what the retention would drop" },
                        { NULL },
                },
        .run = run,
};
