/* chaosctl help — overview, one verb, or a man page made from the same tables. */
#include <string.h>

#include "chaosctl/cli.h"

enum { OPT_MAN };

static const struct option_row options[] = {
        [OPT_MAN] = { "man", 0, "PAGE", "print a manual page in troff: chaosctl.1 or chaosd-faults.7" },
        { NULL },
};

static int run(struct cli *cli, const struct args *args) {
        const struct verb *verb;
        struct err e = { 0 };

        if (ARGS_HAS(args, OPT_MAN))
                return help_man(args->value[OPT_MAN], &e) < 0 ? cli_fail(cli, &e) : EXIT_PASS;
        if (args->n_operands == 0) {
                help_overview(&cli->out);
                return EXIT_PASS;
        }

        verb = verb_find(args->operands[0]);
        if (!verb)
                return cli_usage(cli, &verb_help, "there is no verb '%.60s'", args->operands[0]);

        help_verb(&cli->out, verb);
        return EXIT_PASS;
}

const struct verb verb_help = {
        .name = "help",
        .args = "[VERB]",
        .summary = "This overview, or everything about one verb",
        .options = options,
        .max_args = 1,
        .operand = OPERAND_VERB,
        .examples =
                (const struct verb_example[]){
                        { "help inject", "options and examples of one verb" },
                        { "help --man chaosctl.1 | man -l -", "read the manual without installing it" },
                        { NULL },
                },
        .run = run,
};
