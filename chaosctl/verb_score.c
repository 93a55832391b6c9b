/* chaosctl score — scorecards of the services in the history. */
#include <errno.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/profile_path.h"
#include "chaosctl/run_history.h"
#include "core/clock.h"
#include "scorecards/findings.h"
#include "scorecards/render.h"
#include "scorecards/score.h"

enum { OPT_BY, OPT_PROFILE, OPT_HTML, OPT_MARKDOWN, OPT_BADGE, OPT_EXPLAIN };

static const struct option_row options[] = {
        [OPT_BY] = { "by", 'b', "service|team|slo|family", "what the scorecards are about (default: service)" },
        [OPT_PROFILE] = { "profile", 'p', "NAME|FILE", "what should be exercised (default: web-service)" },
        [OPT_HTML] = { "html", 0, "FILE", "write one self-contained page" },
        [OPT_MARKDOWN] = { "markdown", 0, "FILE", "write Markdown" },
        [OPT_BADGE] = { "badge", 0, "FILE", "write a badge (SVG)" },
        [OPT_EXPLAIN] = { "explain", 0, NULL, "show the arithmetic, to the last term" },
        { NULL },
};

static int read_history(json_t *records, json_t **notes, struct err *e) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        int r;

        r = run_history_open(NULL, &h, e);
        if (r == 0)
                r = run_history_digests(h, records, e);
        return r < 0 ? r : run_history_notes(h, notes, e);
}

static int parse_by(const struct args *args, enum score_by *ret, struct err *e) {
        const char *text = args->value[OPT_BY];

        if (!text)
                return 0;
        for (int by = 0; by < SCORE_BY_COUNT; by++)
                if (strcmp(text, score_by_names[by]) == 0) {
                        *ret = (enum score_by)by;
                        return 0;
                }
        return err_set(e, -EINVAL, "--by: '%.40s' is none of service, team, slo, family", text);
}

/* The names asked for, or all that have runs. */
static int score_all(const struct score_profile *profile, const json_t *records, const json_t *notes,
                     const struct args *args, json_t *cards, struct err *e) {
        SCOPED_JSON json_t *names = NULL;
        enum score_by by = SCORE_BY_SERVICE;
        uint64_t now_us = clock_realtime_us();
        json_t *name;
        size_t i;
        int r;

        r = parse_by(args, &by, e);
        if (r < 0)
                return r;
        names = args->n_operands ? json_array() : score_names(records, by);
        for (i = 0; i < args->n_operands; i++)
                (void)json_array_append_new(names, json_string(args->operands[i]));

        json_array_foreach (names, i, name) {
                json_t *card;

                r = score_compute(profile, records, by, json_string_value(name), now_us, &card, e);
                if (r < 0)
                        return r;
                findings_overlay(json_at(card, "findings"), notes, now_us);
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
        } forms[] = { { OPT_HTML, render_html }, { OPT_MARKDOWN, render_markdown }, { OPT_BADGE, render_badge } };

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
        SCOPED_JSON json_t *notes = NULL;
        struct err e = { 0 };
        char path[PROFILE_PATH_SIZE];

        if (profile_path_find(args->value[OPT_PROFILE] ? args->value[OPT_PROFILE] : "web-service", path, &e) < 0 ||
            score_profile_read(path, &profile, &e) < 0 || read_history(records, &notes, &e) < 0 ||
            score_all(profile, records, notes, args, cards, &e) < 0 || write_files(cli, args, cards, &e) < 0)
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
        .args = "[NAME…]",
        .summary = "Scorecards from the history: by service, team, SLO or fault family",
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
                        { "score --by team", "one card for each team label" },
                        { "score --by family --html families.html", "which faults were tried on how many services" },
                        { "score shop --badge shop.svg", "for a README" },
                        { "score --json | jq '.[].value'", "for scripts" },
                        { NULL },
                },
        .run = run,
};
