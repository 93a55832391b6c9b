/* chaosctl score — scorecards of the services in the history. */
#include <errno.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/profile_path.h"
#include "chaosctl/run_history.h"
#include "core/clock.h"
#include "scorecards/render.h"
#include "scorecards/score.h"

enum { OPT_PROFILE, OPT_HTML, OPT_MARKDOWN, OPT_EXPLAIN };

static const struct option_row options[] = {
        [OPT_PROFILE] = { "profile", 'p', "NAME|FILE", "what should be exercised (default: web-service)" },
        [OPT_HTML] = { "html", 0, "FILE", "write one self-contained page" },
        [OPT_MARKDOWN] = { "markdown", 0, "FILE", "write Markdown" },
        [OPT_EXPLAIN] = { "explain", 0, NULL, "show the arithmetic, to the last term" },
        { NULL },
};

static int collect(void *arg, const json_t *record) {
        return json_array_append(arg, (json_t *)record);
}

static int read_history(json_t *records, struct err *e) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        int r = run_history_open(NULL, &h, e);

        return r < 0 ? r : run_history_each(h, NULL, NULL, NULL, 0, collect, records, e);
}

/* The services asked for, or all that have runs. */
static int score_all(const struct score_profile *profile, const json_t *records, const struct args *args, json_t *cards,
                     struct err *e) {
        SCOPED_JSON json_t *services = json_array();
        json_t *service;
        size_t i;

        for (i = 0; i < args->n_operands; i++)
                (void)json_array_append_new(services, json_string(args->operands[i]));
        if (args->n_operands == 0) {
                json_decref(services);
                services = score_names(records, SCORE_BY_SERVICE);
        }

        json_array_foreach (services, i, service) {
                json_t *card;
                int r = score_compute(profile, records, SCORE_BY_SERVICE, json_string_value(service),
                                      clock_realtime_us(), &card, e);

                if (r < 0)
                        return r;
                (void)json_array_append_new(cards, card);
        }
        return 0;
}

static int write_file(const char *path, void (*render)(const json_t *, FILE *), const json_t *cards, struct err *e) {
        FILE *out = fopen(path, "we");
        int failed;

        if (!out)
                return err_errno(e, "cannot create %s", path);

        render(cards, out);
        failed = ferror(out);
        if (fclose(out) != 0 || failed)
                return err_errno(e, "cannot write %s", path);
        return 0;
}

static int write_files(struct cli *cli, const struct args *args, const json_t *cards, struct err *e) {
        static const struct {
                unsigned option;
                void (*render)(const json_t *cards, FILE *out);
        } forms[] = { { OPT_HTML, render_html }, { OPT_MARKDOWN, render_markdown } };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                const char *path = args->value[forms[i].option];
                int r = path ? write_file(path, forms[i].render, cards, e) : 0;

                if (r < 0)
                        return r;
                if (path && !cli->quiet)
                        term_say(&cli->log, "Wrote %s", path);
        }
        return 0;
}

static int run(struct cli *cli, const struct args *args) {
        SCOPED(score_profile_freep) struct score_profile *profile = NULL;
        SCOPED_JSON json_t *records = json_array(), *cards = json_array();
        struct err e = { 0 };
        char path[PROFILE_PATH_SIZE];

        if (profile_path_find(args->value[OPT_PROFILE] ? args->value[OPT_PROFILE] : "web-service", path, &e) < 0 ||
            score_profile_read(path, &profile, &e) < 0 || read_history(records, &e) < 0 ||
            score_all(profile, records, args, cards, &e) < 0 || write_files(cli, args, cards, &e) < 0)
                return cli_fail(cli, &e);

        if (cli->json)
                return cli_print_json(cli, cards, EXIT_PASS);
        if (json_array_size(cards) == 0) {
                term_say(&cli->out, "No runs are recorded yet: `chaosctl run FILE` makes one.");
                return EXIT_PASS;
        }
        if (ARGS_HAS(args, OPT_EXPLAIN))
                render_explain(cards, cli->out.file);
        else
                render_text(cards, cli->out.colour, cli->out.file);
        return ferror(cli->out.file) ? EXIT_ERROR : EXIT_PASS;
}

const struct verb verb_score = {
        .name = "score",
        .args = "[SERVICE…]",
        .summary = "Scorecards of the services in the history",
        .about = "Value, coverage, freshness and interval stand together; what was not exercised is listed. An "
                 "inconclusive run\n"
                 "changes no value. The formulas are in docs/scorecards.md.",
        .options = options,
        .max_args = 64,
        .operand = OPERAND_NONE,
        .examples =
                (const struct verb_example[]){
                        { "score", "every service, as text" },
                        { "score shop --html shop.html", "one self-contained page" },
                        { "score shop --explain", "the arithmetic" },
                        { "score --json | jq '.[].value'", "for scripts" },
                        { NULL },
                },
        .run = run,
};
