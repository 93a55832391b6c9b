/* cli.h — what every verb gets: the verb tables, the options that all verbs share, and how a verb ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "chaosctl/args.h"
#include "chaosctl/term.h"
#include "core/err.h"
#include "core/node.h"

/* Exit codes, stable: scripts and CI jobs depend on them (docs/chaosctl.md). */
enum exit_code {
        EXIT_PASS = 0,
        EXIT_FAIL = 1,
        EXIT_USAGE = 2, /* also: an invalid file */
        EXIT_INCONCLUSIVE = 3,
        EXIT_ABORTED = 4,
        EXIT_ERROR = 5,
        EXIT_RESIDUE = 6,
};

struct cli {
        struct node node;
        struct term out; /* stdout: results */
        struct term log; /* stderr: progress and errors */
        bool json;       /* results as one JSON value on stdout */
        bool quiet;      /* no progress, results only */
        bool want_help;  /* --help stood somewhere */
        const char *socket;
        bool no_colour;
};

/* What completes a verb's positional arguments. */
enum verb_operand { OPERAND_NONE, OPERAND_FILE, OPERAND_KIND, OPERAND_UID, OPERAND_VERB, OPERAND_WORD };

struct verb_example {
        const char *command; /* without the leading "chaosctl " */
        const char *what;
};

/* One verb: its own file defines it, verbs.def lists it, and help, man page and completion are printed from it. */
struct verb {
        const char *name;
        const char *args;                    /* synopsis behind the name: "FILE…", "[UID]" */
        const char *summary;                 /* one line */
        const char *about;                   /* paragraphs, or NULL */
        const struct option_row *options;    /* ends with name NULL, or NULL */
        const struct verb_example *examples; /* ends with command NULL */
        unsigned min_args, max_args;         /* positional arguments */
        enum verb_operand operand;
        const char *const *words; /* OPERAND_WORD: the choices, NULL-ended */
        /* One of the two; both return an enum exit_code. run_raw gets the arguments behind the verb unparsed. */
        int (*run)(struct cli *cli, const struct args *args);
        int (*run_raw)(struct cli *cli, int argc, char **argv);
};

#define VERB(id) extern const struct verb verb_##id;
#include "chaosctl/verbs.def"
#undef VERB

extern const struct verb *const verb_table[];        /* in the order of verbs.def, NULL-ended */
extern const struct option_row cli_global_options[]; /* indices: enum cli_global */
enum cli_global { GLOBAL_SOCKET, GLOBAL_JSON, GLOBAL_NO_COLOR, GLOBAL_QUIET, GLOBAL_HELP };

const struct verb *verb_find(const char *name); /* or NULL */

/* cli_on_global — args_scan() callback for cli_global_options, arg = struct cli. cli_settle() puts what was said
 * into effect; call it once the scan is over. */
int cli_on_global(void *cli, unsigned row, const char *value, struct err *e);
int cli_settle(struct cli *cli, struct err *e);

/* cli_main — the whole program; separate from main() so that tests can link it. */
int cli_main(int argc, char **argv);

/* cli_fail — print the error (as JSON on stdout too with --json) and return its exit code: EXIT_USAGE for
 * invalid input (-EINVAL, -ERANGE), EXIT_ERROR for all else. */
int cli_fail(struct cli *cli, const struct err *e);

/* cli_usage — a usage error in words, with where to read more. Returns EXIT_USAGE. */
int cli_usage(struct cli *cli, const struct verb *verb, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* cli_print_json — one JSON value on stdout, indented on a terminal. Returns exit_code, or EXIT_ERROR when
 * stdout cannot be written. value is borrowed. */
int cli_print_json(struct cli *cli, const json_t *value, int exit_code);

/* Text that can be the UID of a fault and nothing else (it becomes part of a request's path). */
bool cli_is_uid(const char *text);

/* Help texts, all printed from the tables. */
void help_overview(const struct term *t);
void help_verb(const struct term *t, const struct verb *verb);
void help_option(const struct term *t, const struct option_row *row);
/* help_man — "chaosctl.1" or "chaosd-faults.7" as troff on stdout. -EINVAL: no such page. */
int help_man(const char *page, struct err *e);
