/* chaosctl reap — remove what a dead daemon left; a living one manages its own. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "chaosctl/cli.h"
#include "chaosctl/sibling.h"

enum { OPT_DRY_RUN, OPT_RUNTIME_DIR };

#define RUNTIME_DIR_DEFAULT "/run/chaosd"

static const struct option_row options[] = {
        [OPT_DRY_RUN] = { "dry-run", 'n', NULL, "only say what would be removed" },
        [OPT_RUNTIME_DIR] = { "runtime-dir", 0, "DIR", "where the journal lies (default: the socket's folder)" },
        { NULL },
};

static int say_alive(struct cli *cli, const json_t *health) {
        if (cli->json) {
                SCOPED_JSON json_t *j = json_pack("{s:b, s:O, s:[]}", "daemon_alive", 1, "faults",
                                                  json_object_get(health, "faults"), "removed");

                return cli_print_json(cli, j, EXIT_PASS);
        }
        term_say(&cli->out, "chaosd is alive (%s) and manages its own faults (%zu now): nothing to reap.",
                 cli->node.socket, json_array_size(json_object_get(health, "faults")));
        term_say(&cli->out, "To end faults use `chaosctl revert --all`, or `chaosctl halt` to refuse new ones too.");
        return EXIT_PASS;
}

static void runtime_dir(const struct cli *cli, const struct args *args, char *buf, size_t size) {
        const char *slash = strrchr(cli->node.socket, '/');

        if (ARGS_HAS(args, OPT_RUNTIME_DIR))
                (void)snprintf(buf, size, "%s", args->value[OPT_RUNTIME_DIR]);
        else if (slash && slash != cli->node.socket)
                (void)snprintf(buf, size, "%.*s", (int)(slash - cli->node.socket), cli->node.socket);
        else
                (void)snprintf(buf, size, "%s", RUNTIME_DIR_DEFAULT);
}

static int run(struct cli *cli, const struct args *args) {
        SCOPED_JSON json_t *answer = NULL;
        char dir[4096];
        char *argv[8] = { NULL, (char *)"--reap", (char *)"--runtime-dir", dir };
        struct err e = { 0 };
        size_t n = 4;
        int r;

        r = node_call(&cli->node, "GET", "/v1/faults", NULL, &answer, &e);
        if (r >= 0)
                return say_alive(cli, answer);
        if (r != -ECONNREFUSED && r != -ENOENT)
                return cli_fail(cli, &e);
        if (geteuid() != 0) {
                (void)err_set(&e, -EPERM, "chaosd is not running, and removing what it left needs root");
                return cli_fail(cli, &e);
        }

        runtime_dir(cli, args, dir, sizeof(dir));
        if (ARGS_HAS(args, OPT_DRY_RUN))
                argv[n++] = (char *)"--dry-run";
        if (cli->json)
                argv[n++] = (char *)"--json";
        (void)sibling_exec("chaosd", argv, &e);
        return cli_fail(cli, &e);
}

const struct verb verb_reap = {
        .name = "reap",
        .args = "",
        .summary = "Remove whatever a dead chaosd left behind",
        .about =
                "Works with the daemon dead: reverts every journal record, then looks for objects that carry our mark\n"
                "with no record at all. A living daemon manages its own faults; then this says so and changes nothing.",
        .options = options,
        .examples =
                (const struct verb_example[]){
                        { "reap --dry-run", "what is left on this host" },
                        { "reap", "remove it (root)" },
                        { NULL },
                },
        .run = run,
};
