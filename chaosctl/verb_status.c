/* chaosctl status [UID] — the faults of this node, now. */
#include <errno.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/fault_view.h"
#include "chaosctl/interrupt.h"

enum { OPT_ALL, OPT_WATCH };

#define WATCH_MS 1000

static const struct option_row options[] = {
        [OPT_ALL] = { "all", 'a', NULL, "also those that are over (the last 256)" },
        [OPT_WATCH] = { "watch", 'w', NULL, "look again every second until Ctrl-C" },
        { NULL },
};

static void print_uids(struct cli *cli, const json_t *faults) {
        const json_t *fault;
        size_t i;

        json_array_foreach((json_t *)faults, i, fault)
                term_say(&cli->out, "%s", json_text_at(fault, "uid", ""));
}

static int show_once(struct cli *cli, const struct args *args) {
        const char *uid = args->n_operands ? args->operands[0] : NULL;
        SCOPED_JSON json_t *answer = NULL;
        struct err e = { 0 };
        char path[128];

        (void)snprintf(path, sizeof(path), "/v1/faults%s%.60s%s", uid ? "/" : "", uid ? uid : "",
                       !uid && ARGS_HAS(args, OPT_ALL) ? "?all=1" : "");
        if (node_call(&cli->node, "GET", path, NULL, &answer, &e) < 0)
                return cli_fail(cli, &e);
        if (cli->json)
                return cli_print_json(cli, answer, EXIT_PASS);

        if (uid) {
                fault_view_whole(cli, answer);
                return EXIT_PASS;
        }
        if (cli->quiet) {
                print_uids(cli, json_object_get(answer, "faults"));
                return EXIT_PASS;
        }
        if (json_bool_at(answer, "halted", false))
                term_say(&cli->out, "%sHalted: no fault is accepted until `chaosctl resume`.%s",
                         term_on(&cli->out, STYLE_BAD), term_off(&cli->out));
        return fault_view_list(cli, json_object_get(answer, "faults"));
}

static int run(struct cli *cli, const struct args *args) {
        struct interrupt interrupt __attribute__((cleanup(interrupt_done))) = { .fd = -1 };
        struct err e = { 0 };
        int code;

        if (args->n_operands && !cli_is_uid(args->operands[0]))
                return cli_usage(cli, &verb_status, "'%.60s' is not the UID of a fault", args->operands[0]);
        if (!ARGS_HAS(args, OPT_WATCH))
                return show_once(cli, args);

        if (interrupt_init(&interrupt, &e) < 0)
                return cli_fail(cli, &e);
        do {
                if (cli->out.is_tty && !cli->json)
                        (void)fputs("\033[H\033[2J", stdout);
                code = show_once(cli, args);
                (void)fflush(stdout);
        } while (code == EXIT_PASS && !interrupt_wait(&interrupt, WATCH_MS));
        return code;
}

const struct verb verb_status = {
        .name = "status",
        .args = "[UID]",
        .summary = "The faults of this node, or everything about one",
        .about = "With -q only the UIDs are printed, one a line.",
        .options = options,
        .max_args = 1,
        .operand = OPERAND_UID,
        .examples =
                (const struct verb_example[]){
                        { "status", "what is broken on purpose right now" },
                        { "status --all --json", "also what is over, for scripts" },
                        { "status --watch", "look on" },
                        { NULL },
                },
        .run = run,
};
