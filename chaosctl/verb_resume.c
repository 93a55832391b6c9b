/* chaosctl resume — faults are accepted again. */
#include "chaosctl/cli.h"

static int run(struct cli *cli, const struct args *args) {
        SCOPED_JSON json_t *answer = NULL;
        struct err e = { 0 };

        (void)args;
        if (node_call(&cli->node, "POST", "/v1/resume", NULL, &answer, &e) < 0)
                return cli_fail(cli, &e);
        if (cli->json)
                return cli_print_json(cli, answer, EXIT_PASS);

        term_say(&cli->out, "Faults are accepted again.");
        return EXIT_PASS;
}

const struct verb verb_resume = {
        .name = "resume",
        .args = "",
        .summary = "Accept faults again after halt",
        .examples = (const struct verb_example[]){ { "resume", "ends a halt" }, { NULL } },
        .run = run,
};
