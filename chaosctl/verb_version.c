/* chaosctl version */
#include "chaosctl/cli.h"
#include "core/version.h"

static int run(struct cli *cli, const struct args *args) {
        (void)args;
        if (cli->json) {
                SCOPED_JSON json_t *j = json_pack("{s:s, s:s}", "version", CHAOS_VERSION, "api", CHAOS_API_VERSION);

                return cli_print_json(cli, j, EXIT_PASS);
        }
        term_say(&cli->out, "chaosctl %s (API %s)", CHAOS_VERSION, CHAOS_API_VERSION);
        return EXIT_PASS;
}

const struct verb verb_version = {
        .name = "version",
        .args = "",
        .summary = "The version of chaosctl and of the API that it speaks",
        .examples = (const struct verb_example[]){ { "version --json", "for scripts" }, { NULL } },
        .run = run,
};
