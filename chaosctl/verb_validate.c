/* chaosctl validate FILE… — is every file what it says it is? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "core/text.h"
#include "experiments/model.h"
#include "experiments/openslo.h"

/* "FILE:LINE:COLUMN: text" → its parts; *line is 0 when the message carries no mark. */
static const char *split_mark(const char *msg, const char *file, long *line, long *column) {
        size_t n = strlen(file);
        char *end;

        *line = *column = 0;
        if (strncmp(msg, file, n) != 0 || msg[n] != ':')
                return msg;
        *line = strtol(msg + n + 1, &end, 10);
        if (*end != ':' || *line <= 0) {
                *line = 0;
                return msg;
        }
        *column = strtol(end + 1, &end, 10);
        return *end == ':' ? end + 1 + strspn(end + 1, " ") : msg;
}

static json_t *describe(const char *file, const char *kind, json_t *warnings, int r, const struct err *e) {
        long line, column;
        const char *text;

        if (r >= 0)
                return json_pack("{s:s, s:b, s:s, s:O}", "file", file, "valid", 1, "kind", kind, "warnings", warnings);

        text = split_mark(e->msg, file, &line, &column);
        return json_pack("{s:s, s:b, s:{s:s, s:I, s:I, s:s}}", "file", file, "valid", 0, "error", "message", text,
                         "line", (json_int_t)line, "column", (json_int_t)column, "pointer", e->path);
}

static int run(struct cli *cli, const struct args *args) {
        SCOPED_JSON json_t *files = json_array();
        SCOPED_JSON json_t *result = NULL;
        int code = EXIT_PASS;

        for (size_t i = 0; i < args->n_operands; i++) {
                SCOPED_FREE char *clean = strdup(args->operands[i]);
                const char *file = args->operands[i], *name = clean ? text_clean(clean) : "?";
                struct err e = { 0 };
                char kind[32] = "";
                int r = document_check(file, kind, &e);

                if (r < 0)
                        code = EXIT_USAGE;
                SCOPED_JSON json_t *warnings =
                        r >= 0 && strcmp(kind, "Experiment") != 0 ? slo_file_warnings(file) : json_array();
                const json_t *warning;
                size_t k;

                (void)json_array_append_new(files, describe(name, kind, warnings, r, &e));
                if (cli->json)
                        continue;
                json_array_foreach (warnings, k, warning)
                        term_say(&cli->log, "%swarning: %s%s", term_on(&cli->log, STYLE_WARN),
                                 json_string_value(warning), term_off(&cli->log));
                if (r < 0)
                        term_say(&cli->log, "%s%s%s", term_on(&cli->log, STYLE_BAD), e.msg, term_off(&cli->log));
                else if (!cli->quiet)
                        term_say(&cli->out, "%s: %svalid%s (%s)", name, term_on(&cli->out, STYLE_GOOD),
                                 term_off(&cli->out), kind);
        }
        if (!cli->json)
                return code;

        result = json_pack("{s:O, s:b}", "files", files, "valid", code == EXIT_PASS);
        return cli_print_json(cli, result, code);
}

const struct verb verb_validate = {
        .name = "validate",
        .args = "FILE…",
        .summary = "Check experiment and SLO files, with line and column of what is wrong",
        .about = "Also reads what an experiment refers to. Needs no daemon. Exit 2 when a file is wrong.",
        .min_args = 1,
        .max_args = 256,
        .operand = OPERAND_FILE,
        .examples =
                (const struct verb_example[]){
                        { "validate experiments/catalog/*.yaml", "all of them; the last line of defence in a CI job" },
                        { "validate --json slow-upstream.yaml", "for an editor" },
                        { NULL },
                },
        .run = run,
};
