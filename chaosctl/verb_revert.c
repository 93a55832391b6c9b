/* chaosctl revert — end faults now. */
#include <errno.h>

#include "chaosctl/cli.h"
#include "chaosctl/fault_view.h"

enum { OPT_ALL };

static const struct option_row options[] = {
        [OPT_ALL] = { "all", 'a', NULL, "every fault of this node" },
        { NULL },
};

/* One fault: its last state to *done, or the error's exit code. */
static int revert_one(struct cli *cli, const char *uid, json_t *done) {
        SCOPED_JSON json_t *fault = NULL;
        struct err e = { 0 };
        const char *word;
        char path[128];

        (void)snprintf(path, sizeof(path), "/v1/faults/%.60s", uid);
        if (node_call(&cli->node, "DELETE", path, NULL, &fault, &e) < 0)
                return cli_fail(cli, &e);

        (void)json_array_append(done, fault);
        if (!cli->json) {
                term_say(&cli->out, "%s", uid);
                fault_view_ending(&cli->out, fault);
        }
        /* Reverting is what was asked for: it is no abort here, and hits are not judged. */
        return fault_view_verdict(fault, &word) == EXIT_RESIDUE ? EXIT_RESIDUE : EXIT_PASS;
}

static int revert_all(struct cli *cli, json_t *done) {
        SCOPED_JSON json_t *answer = NULL;
        const json_t *fault;
        struct err e = { 0 };
        int code = EXIT_PASS;
        size_t i;

        if (node_call(&cli->node, "GET", "/v1/faults", NULL, &answer, &e) < 0)
                return cli_fail(cli, &e);

        json_array_foreach(json_object_get(answer, "faults"), i, fault) {
                int r = revert_one(cli, json_text_at(fault, "uid", ""), done);

                code = r > code ? r : code;
        }
        if (json_array_size(done) == 0 && code == EXIT_PASS && !cli->json)
                term_say(&cli->out, "No faults.");
        return code;
}

static int run(struct cli *cli, const struct args *args) {
        SCOPED_JSON json_t *done = json_array();
        int code = EXIT_PASS;

        if (ARGS_HAS(args, OPT_ALL) == (args->n_operands > 0))
                return cli_usage(cli, &verb_revert, "name the faults to revert, or say --all");
        for (size_t i = 0; i < args->n_operands; i++)
                if (!cli_is_uid(args->operands[i]))
                        return cli_usage(cli, &verb_revert, "'%.60s' is not the UID of a fault", args->operands[i]);

        if (ARGS_HAS(args, OPT_ALL))
                code = revert_all(cli, done);
        for (size_t i = 0; i < args->n_operands; i++) {
                int r = revert_one(cli, args->operands[i], done);

                code = r > code ? r : code;
        }

        if (cli->json && (code == EXIT_PASS || code == EXIT_RESIDUE)) {
                SCOPED_JSON json_t *result = json_pack("{s:O}", "reverted", done);

                return cli_print_json(cli, result, code);
        }
        return code;
}

const struct verb verb_revert = {
        .name = "revert",
        .args = "UID… | --all",
        .summary = "Undo faults now",
        .about = "Answers when they are undone. Undoing one that is over already is no error.",
        .options = options,
        .max_args = 256,
        .operand = OPERAND_UID,
        .examples =
                (const struct verb_example[]){
                        { "revert 0b9f7c1e-5d0a-4f0e-9d0c-1f2e3d4c5b6a",
                          "one fault; the UID is what inject and status print" },
                        { "revert --all", "everything; new faults are still accepted (see halt)" },
                        { NULL },
                },
        .run = run,
};
