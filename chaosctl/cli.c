/* cli.c — from the command line to one verb, and from a verb's end to an exit code. */
#include "chaosctl/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "core/suggest.h"
#include "core/text.h"
#include "core/version.h"

#define VERBS_MAX 64

const struct verb *const verb_table[] = {
#define VERB(id) &verb_##id,
#include "chaosctl/verbs.def"
#undef VERB
        NULL,
};

const struct option_row cli_global_options[] = {
        [GLOBAL_SOCKET] = { "socket", 0, "PATH",
                            "the daemon's socket (default $CHAOSD_SOCKET, then " NODE_SOCKET_DEFAULT ")" },
        [GLOBAL_JSON] = { "json", 0, NULL, "print the result as JSON" },
        [GLOBAL_NO_COLOR] = { "no-color", 0, NULL, "no colours, as with the variable NO_COLOR" },
        [GLOBAL_QUIET] = { "quiet", 'q', NULL, "results only, no progress" },
        [GLOBAL_HELP] = { "help", 'h', NULL, "this help, or that of a verb" },
        { NULL },
};

const struct verb *verb_find(const char *name) {
        for (const struct verb *const *v = verb_table; *v; v++)
                if (strcmp((*v)->name, name) == 0)
                        return *v;
        return NULL;
}

int cli_on_global(void *arg, unsigned row, const char *value, struct err *e) {
        struct cli *cli = arg;

        (void)e;
        switch ((enum cli_global)row) {
        case GLOBAL_SOCKET:
                cli->socket = value;
                break;
        case GLOBAL_JSON:
                cli->json = true;
                break;
        case GLOBAL_NO_COLOR:
                cli->no_colour = true;
                break;
        case GLOBAL_QUIET:
                cli->quiet = true;
                break;
        case GLOBAL_HELP:
                cli->want_help = true;
                break;
        }
        return 0;
}

int cli_settle(struct cli *cli, struct err *e) {
        term_init(&cli->out, stdout, cli->no_colour);
        term_init(&cli->log, stderr, cli->no_colour);
        return node_init(&cli->node, cli->socket, e);
}

bool cli_is_uid(const char *text) {
        size_t n = strlen(text);

        return n >= 4 && n <= 36 && strspn(text, "0123456789abcdefABCDEF-") == n;
}

static bool is_invalid_input(int code) {
        return code == -EINVAL || code == -ERANGE || code == -ENAMETOOLONG;
}

int cli_print_json(struct cli *cli, const json_t *value, int exit_code) {
        size_t flags = JSON_ENCODE_ANY | (cli->out.is_tty ? JSON_INDENT(2) : JSON_INDENT(0));

        if (!value || json_dumpf(value, stdout, flags) < 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
                (void)fprintf(stderr, "chaosctl: cannot write the result\n");
                return EXIT_ERROR;
        }
        return exit_code;
}

int cli_fail_as(struct cli *cli, const struct err *e, int exit_code) {
        term_say(&cli->log, "%schaosctl: %s%s%s%s%s", term_on(&cli->log, STYLE_BAD), e->msg, term_off(&cli->log),
                 e->path[0] ? " (at " : "", e->path, e->path[0] ? ")" : "");
        if (cli->json) {
                SCOPED_JSON json_t *j =
                        json_pack("{s:{s:s, s:s, s:s, s:i}}", "error", "message", e->msg, "pointer", e->path,
                                  "errno_name", strerrorname_np(-e->code) ?: "", "exit_code", exit_code);

                return cli_print_json(cli, j, exit_code);
        }
        return exit_code;
}

int cli_fail(struct cli *cli, const struct err *e) {
        return cli_fail_as(cli, e,
                           strstr(e->msg, "RESIDUE LEFT") ? EXIT_RESIDUE /* core/node.h: the daemon said so */
                           : is_invalid_input(e->code)    ? EXIT_USAGE
                                                          : EXIT_ERROR);
}

int cli_usage(struct cli *cli, const struct verb *verb, const char *fmt, ...) {
        struct err e = { .code = -EINVAL };
        va_list ap;
        int r;

        va_start(ap, fmt);
        (void)vsnprintf(e.msg, sizeof(e.msg), fmt, ap);
        va_end(ap);
        (void)text_clean(e.msg);
        r = cli_fail(cli, &e);
        if (verb)
                term_say(&cli->log, "Usage: chaosctl %s%s%s   (more: chaosctl help %s)", verb->name,
                         *verb->args ? " " : "", verb->args, verb->name);
        return r;
}

static int check_operands(struct cli *cli, const struct verb *verb, const struct args *args) {
        if (args->n_operands < verb->min_args)
                return cli_usage(cli, verb, "%s needs %s", verb->name, verb->args);
        if (args->n_operands > verb->max_args)
                return cli_usage(cli, verb, "%s: '%s' is one argument too many", verb->name,
                                 args->operands[verb->max_args]);
        return 0;
}

static int run_verb(struct cli *cli, const struct verb *verb, int argc, char **argv) {
        struct args args __attribute__((cleanup(args_done))) = { .rows = verb->options };
        struct option_set sets[] = {
                { cli_global_options, cli_on_global, cli },
                { verb->options, args_on_option, &args },
        };
        struct err e = { 0 }, settle = { 0 };
        int r;

        r = args_scan(argc, argv, sets, ARRAY_SIZE(sets), false, args_on_operand, &args, &e);
        if (cli_settle(cli, &settle) < 0)
                return cli_fail(cli, &settle);
        if (cli->want_help) {
                help_verb(&cli->out, verb);
                return EXIT_PASS;
        }
        if (r < 0)
                return cli_usage(cli, verb, "%s", e.msg);

        r = check_operands(cli, verb, &args);
        return r ? r : verb->run(cli, &args);
}

static int unknown_verb(struct cli *cli, const char *name) {
        const char *names[VERBS_MAX];
        const char *nearest;
        size_t n = 0;

        for (const struct verb *const *v = verb_table; *v && n < VERBS_MAX; v++)
                names[n++] = (*v)->name;
        nearest = suggest_word(name, names, n);
        return cli_usage(cli, &verb_help, "unknown verb '%.60s'%s%s%s", name, nearest ? ", did you mean '" : "",
                         nearest ? nearest : "", nearest ? "'?" : "");
}

int cli_main(int argc, char **argv) {
        static const struct option_row version_option[] = { { "version", 0, NULL, "the version" }, { NULL } };
        struct args version __attribute__((cleanup(args_done))) = { .rows = version_option };
        struct cli cli = { 0 };
        struct option_set sets[] = {
                { cli_global_options, cli_on_global, &cli },
                { version_option, args_on_option, &version },
        };
        const struct verb *verb;
        struct err e = { 0 }, settle = { 0 };
        int used;

        (void)setlocale(LC_CTYPE, "");
        used = args_scan(argc - 1, argv + 1, sets, ARRAY_SIZE(sets), true, NULL, NULL, &e);
        if (cli_settle(&cli, &settle) < 0)
                return cli_fail(&cli, &settle);
        if (used < 0)
                return cli_usage(&cli, &verb_help, "%s", e.msg);
        if (ARGS_HAS(&version, 0))
                return verb_version.run(&cli, &version);
        if (used == argc - 1) {
                help_overview(cli.want_help ? &cli.out : &cli.log);
                return cli.want_help ? EXIT_PASS : EXIT_USAGE;
        }

        argv += used + 1;
        argc -= used + 1;
        verb = verb_find(argv[0]);
        if (!verb)
                return unknown_verb(&cli, argv[0]);
        if (cli.want_help) {
                help_verb(&cli.out, verb);
                return EXIT_PASS;
        }
        if (verb->run_raw)
                return verb->run_raw(&cli, argc - 1, argv + 1);
        return run_verb(&cli, verb, argc - 1, argv + 1);
}
