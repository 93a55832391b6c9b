/* chaosctl halt — the big red button. */
#include "chaosctl/cli.h"

enum { OPT_REASON };

static const struct option_row options[] = {
        [OPT_REASON] = { "reason", 'r', "TEXT", "why, for the audit log" },
        { NULL },
};

static int run(struct cli *cli, const struct args *args) {
        SCOPED_JSON json_t *body = json_pack("{s:s*}", "reason", args->value[OPT_REASON]);
        SCOPED_JSON json_t *answer = NULL;
        struct err e = { 0 };
        size_t failed;
        int code;

        if (node_call(&cli->node, "POST", "/v1/halt", body, &answer, &e) < 0)
                return cli_fail(cli, &e);

        failed = json_array_size(json_object_get(answer, "failed"));
        code = failed ? EXIT_RESIDUE : EXIT_PASS;
        if (cli->json)
                return cli_print_json(cli, answer, code);

        term_say(&cli->out, "Halted: %zu faults undone. Nothing is accepted until `chaosctl resume`.",
                 json_array_size(json_object_get(answer, "reverted")));
        if (failed)
                term_say(&cli->out, "%sRESIDUE: %zu faults could not be undone; see `chaosctl status`.%s",
                         term_on(&cli->out, STYLE_BAD), failed, term_off(&cli->out));
        return code;
}

const struct verb verb_halt = {
        .name = "halt",
        .args = "",
        .summary = "Undo everything and refuse new faults until resume",
        .options = options,
        .examples =
                (const struct verb_example[]){
                        { "halt --reason 'incident 4711'", "everything ends now and stays so" },
                        { NULL },
                },
        .run = run,
};
