/* chaosctl inject KIND … — one fault without an experiment file. */
#include <errno.h>
#include <string.h>

#include "chaosctl/catalogue.h"
#include "chaosctl/cli.h"
#include "chaosctl/fault_view.h"
#include "chaosctl/interrupt.h"
#include "chaosctl/kind_flags.h"
#include "chaosctl/live.h"
#include "core/units.h"

enum { OPT_FOR, OPT_LEASE, OPT_BACKEND, OPT_SEED, OPT_NAME, OPT_DETACH, OPT_DRY_RUN, OPT_BREAK_GLASS };

static const struct option_row options[] = {
        [OPT_FOR] = { "for", 0, "DURATION", "how long the fault acts: required unless the kind is irreversible" },
        [OPT_LEASE] = { "lease", 0, "DURATION",
                        "gone when chaosctl has been dead for this long (default: the daemon's, 5s)" },
        [OPT_BACKEND] = { "backend", 0, "NAME", "force one backend instead of the best" },
        [OPT_SEED] = { "seed", 0, "N", "same seed, same random choices" },
        [OPT_NAME] = { "name", 0, "TEXT", "a name to find it by in status and logs" },
        [OPT_DETACH] = { "detach", 'd', NULL, "print the UID and return; the daemon keeps the deadline" },
        [OPT_DRY_RUN] = { "dry-run", 'n', NULL, "only say what would be changed" },
        [OPT_BREAK_GLASS] = { "break-glass", 0, NULL,
                              "reach protected targets, if the daemon's policy allows it at all" },
        { NULL },
};

/* What stands on the command line, understood. */
struct request {
        struct args args;
        struct catalogue catalogue;
        const char *kind_name;
        const json_t *kind;
        struct kind_flags *flags;
};

static void request_done(struct request *q) {
        args_done(&q->args);
        catalogue_done(&q->catalogue);
        kind_flags_free(q->flags);
}

/* The kind decides which flags there are, so it is looked for first: an argument that is a known kind, or else the
 * first one without a dash, so that the complaint is about the right word. */
static const char *find_kind_name(const struct catalogue *c, int argc, char **argv) {
        const char *first = NULL;

        for (int i = 0; i < argc; i++) {
                if (argv[i][0] == '-')
                        continue;
                if (catalogue_kind(c, argv[i], NULL))
                        return argv[i];
                first = first ? first : argv[i];
        }
        return first;
}

static int unknown_kind(struct cli *cli, const struct request *q) {
        const char *nearest = NULL;

        (void)catalogue_kind(&q->catalogue, q->kind_name, &nearest);
        return cli_usage(cli, &verb_inject, "there is no fault kind '%.60s'%s%s%s", q->kind_name,
                         nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static int load_kind(struct cli *cli, struct request *q, int argc, char **argv) {
        struct err e = { 0 };

        if (catalogue_load(NULL, &q->catalogue, &e) < 0)
                return cli_fail(cli, &e);
        q->kind_name = find_kind_name(&q->catalogue, argc, argv);
        if (!q->kind_name)
                return EXIT_PASS;

        q->kind = catalogue_kind(&q->catalogue, q->kind_name, NULL);
        if (!q->kind) { /* a newer daemon may know more kinds than we do */
                catalogue_done(&q->catalogue);
                if (catalogue_load(&cli->node, &q->catalogue, &e) < 0)
                        return cli_fail(cli, &e);
                q->kind = catalogue_kind(&q->catalogue, q->kind_name, NULL);
        }
        if (!q->kind)
                return unknown_kind(cli, q);
        if (kind_flags_new(q->kind, json_object_get(q->catalogue.root, "target"), &q->flags, &e) < 0)
                return cli_fail(cli, &e);
        return EXIT_PASS;
}

static void print_kind_help(struct cli *cli, const struct request *q) {
        const struct option_row *rows;
        size_t n;

        help_verb(&cli->out, &verb_inject);
        if (!q->flags) {
                (void)printf("\nFlags of a kind: chaosctl inject KIND --help\n");
                return;
        }

        rows = kind_flags_rows(q->flags, &n);
        (void)printf("\n%sTargets and parameters of %s%s\n", term_on(&cli->out, STYLE_BOLD), q->kind_name,
                     term_off(&cli->out));
        for (size_t i = 0; i < n; i++)
                help_option(&cli->out, &rows[i]);
}

static int refuse_operand(void *arg, const char *text, struct err *e) {
        bool *seen_kind = arg;

        if (!*seen_kind) {
                *seen_kind = true;
                return 0;
        }
        return err_set(e, -EINVAL, "'%.60s' is one argument too many: parameters are flags", text);
}

static int scan(struct cli *cli, struct request *q, int argc, char **argv, struct err *e) {
        const struct option_set sets[] = {
                { cli_global_options, cli_on_global, cli },
                { options, args_on_option, &q->args },
                { q->flags ? kind_flags_rows(q->flags, NULL) : NULL, kind_flags_on_option, q->flags },
        };
        bool seen_kind = false;

        return args_scan(argc, argv, sets, ARRAY_SIZE(sets), false, refuse_operand, &seen_kind, e);
}

static int check_span(const char *flag, const char *text, struct err *e) {
        uint64_t us;
        int r;

        if (!text)
                return 0;
        r = units_parse_duration(text, &us, e);
        if (r == 0 && us == 0)
                r = err_set(e, -ERANGE, "must be over 0");
        return r < 0 ? err_wrap(e, r, "--%s", flag) : 0;
}

static int check(const struct request *q, struct err *e) {
        const char *const *value = q->args.value;
        uint64_t seed;
        int r;

        r = check_span("for", value[OPT_FOR], e);
        if (r == 0)
                r = check_span("lease", value[OPT_LEASE], e);
        if (r == 0 && value[OPT_SEED] && units_parse_uint(value[OPT_SEED], &seed, e) < 0)
                r = err_wrap(e, -EINVAL, "--seed");
        if (r == 0 && !value[OPT_FOR] && !json_bool_at(q->kind, "irreversible", false))
                r = err_set(e, -EINVAL, "a fault without a deadline is refused: say how long, e.g. --for 30s");
        if (r == 0 && ARGS_HAS(&q->args, OPT_DETACH) && value[OPT_LEASE])
                r = err_set(e, -EINVAL, "--detach and --lease exclude each other: nobody would renew the lease");
        return r < 0 ? r : kind_flags_check(q->flags, e);
}

static json_t *body_of(const struct request *q) {
        const char *const *value = q->args.value;
        const char *lease = ARGS_HAS(&q->args, OPT_DETACH) ? "none" : value[OPT_LEASE];
        json_t *body = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:O*, s:O*}", "kind", q->kind_name, "for",
                                 value[OPT_FOR], "lease", lease, "backend", value[OPT_BACKEND], "name", value[OPT_NAME],
                                 "target", kind_flags_target(q->flags), "params", kind_flags_params(q->flags));
        uint64_t seed;

        if (value[OPT_SEED] && units_parse_uint(value[OPT_SEED], &seed, NULL) == 0)
                (void)json_object_set_new(body, "seed", json_integer((json_int_t)seed));
        if (ARGS_HAS(&q->args, OPT_BREAK_GLASS))
                (void)json_object_set_new(body, "breakGlass", json_true());
        return body;
}

/* "/params/delay" is no help to somebody who wrote --delay. */
static int fail_request(struct cli *cli, const struct request *q, struct err *e) {
        kind_flags_name_pointer(q->flags, e);
        return cli_fail(cli, e);
}

static int dry_run(struct cli *cli, const struct request *q, const json_t *body) {
        SCOPED_JSON json_t *plan = NULL;
        const json_t *item;
        struct err e = { 0 };
        size_t i;

        if (node_call(&cli->node, "POST", "/v1/plan", body, &plan, &e) < 0)
                return fail_request(cli, q, &e);
        if (cli->json)
                return cli_print_json(cli, plan, EXIT_PASS);

        fault_view_plan(cli, plan);
        json_array_foreach (json_object_get(plan, "warnings"), i, item)
                term_say(&cli->out, "%swarning: %s%s", term_on(&cli->out, STYLE_WARN), json_string_value(item),
                         term_off(&cli->out));
        return EXIT_PASS;
}

static void announce(struct cli *cli, const json_t *fault) {
        bool has_params = json_object_size(json_object_get(fault, "params")) > 0;
        char target[400], params[400];

        if (cli->quiet)
                return;
        term_say(&cli->log, "Injected %s by %s on %s%s%s", json_text_at(fault, "kind", "?"),
                 json_text_at(fault, "backend", "?"), fault_view_target(fault, target, sizeof(target)),
                 has_params ? ": " : "", has_params ? fault_view_params(fault, params, sizeof(params)) : "");
        if (*json_text_at(fault, "backend_reason", ""))
                term_say(&cli->log, "Backend: %s", json_text_at(fault, "backend_reason", ""));
        term_say(&cli->log, "UID %s; Ctrl-C reverts.", json_text_at(fault, "uid", "?"));
}

static int finish(struct cli *cli, json_t *last, int code) {
        const char *word;
        SCOPED_JSON json_t *result = NULL;

        if (!cli->json)
                return code;

        (void)fault_view_verdict(last, &word);
        if (code == EXIT_ABORTED)
                word = "aborted";
        result = json_pack("{s:O, s:{s:s, s:i}}", "fault", last, "verdict", "result", word, "exit_code", code);
        return cli_print_json(cli, result, code);
}

static int inject(struct cli *cli, const struct request *q, const json_t *body) {
        struct interrupt interrupt __attribute__((cleanup(interrupt_done))) = { .fd = -1 };
        SCOPED_JSON json_t *fault = NULL;
        SCOPED_JSON json_t *last = NULL;
        struct err e = { 0 };
        int code, r;

        /* Before the request: a signal that comes during it must find something to revert. */
        if (interrupt_init(&interrupt, &e) < 0)
                return cli_fail(cli, &e);
        r = node_call(&cli->node, "POST", "/v1/faults", body, &fault, &e);
        if (r == -ETIMEDOUT)
                (void)err_wrap(&e, r, "no answer; if the fault is there it ends with its lease, see `chaosctl status`");
        if (r < 0)
                return fail_request(cli, q, &e);

        if (ARGS_HAS(&q->args, OPT_DETACH)) {
                if (cli->json)
                        return cli_print_json(cli, fault, EXIT_PASS);
                term_say(&cli->out, "%s", json_text_at(fault, "uid", ""));
                return EXIT_PASS;
        }

        announce(cli, fault);
        code = live_watch(cli, &interrupt, fault, &last);
        return finish(cli, last, code);
}

static int run_raw(struct cli *cli, int argc, char **argv) {
        struct request q __attribute__((cleanup(request_done))) = { .args = { .rows = options } };
        SCOPED_JSON json_t *body = NULL;
        struct err e = { 0 }, settle = { 0 };
        int r;

        r = load_kind(cli, &q, argc, argv);
        if (r != EXIT_PASS)
                return r;

        r = scan(cli, &q, argc, argv, &e);
        if (cli_settle(cli, &settle) < 0)
                return cli_fail(cli, &settle);
        if (cli->want_help) {
                print_kind_help(cli, &q);
                return EXIT_PASS;
        }
        if (!q.kind_name)
                return cli_usage(cli, &verb_inject, "inject needs a fault kind; `chaosctl faults` lists them");
        if (r >= 0)
                r = check(&q, &e);
        if (r < 0)
                return cli_usage(cli, &verb_inject, "%s", e.msg);

        body = body_of(&q);
        if (!body)
                return cli_usage(cli, &verb_inject, "an argument is not valid UTF-8");
        return ARGS_HAS(&q.args, OPT_DRY_RUN) ? dry_run(cli, &q, body) : inject(cli, &q, body);
}

const struct verb verb_inject = {
        .name = "inject",
        .args = "KIND [TARGET and PARAMETER flags] --for DURATION",
        .summary = "One fault, now, without an experiment file",
        .about = "Stays in the foreground, renews the fault's lease and shows what meets it. Ctrl-C reverts and exits "
                 "4.\n"
                 "Exit 3 when nothing met the fault, or its effect was not there at the end: then it proved nothing.\n"
                 "`chaosctl inject KIND --help` prints the flags of a kind; lists are repeated or separated by commas.",
        .options = options,
        .min_args = 1,
        .max_args = 1,
        .operand = OPERAND_KIND,
        .examples =
                (const struct verb_example[]){
                        { "inject net.delay --interface up0 --netns shop-front --peer 10.77.1.2/32 --delay 80ms --for "
                          "30s",
                          "80 ms later to one address, for half a minute" },
                        { "inject cpu.load --cgroup /shop --load 50% --workers 2 --for 5m --detach",
                          "returns the UID at once" },
                        { "inject proc.kill --exe /usr/sbin/nginx --cmdline 'worker process' --pick one --dry-run",
                          "who would be killed" },
                        { NULL },
                },
        .run_raw = run_raw,
};
