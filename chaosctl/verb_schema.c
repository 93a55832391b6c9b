/* chaosctl schema — JSON Schemas of our files, for editors. */
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/json_schema.h"

static const char *const words[] = { "experiment", "fault", NULL };

static int run(struct cli *cli, const struct args *args) {
        static int (*const make[])(json_t * *ret, struct err * e) = { json_schema_experiment, json_schema_fault };
        SCOPED_JSON json_t *schema = NULL;
        struct err e = { 0 };

        for (size_t i = 0; words[i]; i++)
                if (strcmp(words[i], args->operands[0]) == 0)
                        return make[i](&schema, &e) < 0 ? cli_fail(cli, &e) : cli_print_json(cli, schema, EXIT_PASS);
        return cli_usage(cli, &verb_schema, "no schema of '%.40s': experiment or fault", args->operands[0]);
}

const struct verb verb_schema = {
        .name = "schema",
        .args = "experiment|fault",
        .summary = "JSON Schemas of the files, for editors",
        .about = "Made from the tables that parse them. `validate` is stricter: it also knows ranges and what files "
                 "refer to.",
        .min_args = 1,
        .max_args = 1,
        .operand = OPERAND_WORD,
        .words = words,
        .examples =
                (const struct verb_example[]){
                        { "schema experiment > experiment.schema.json",
                          "then, first line of a file: # yaml-language-server: $schema=experiment.schema.json" },
                        { NULL },
                },
        .run = run,
};
