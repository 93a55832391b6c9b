/* chaosctl reap — remove what a dead daemon left; a living one manages its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaosctl/cli.h"
#include "chaosctl/sibling.h"

enum { OPT_DRY_RUN, OPT_RUNTIME_DIR };

#define RUNTIME_DIR_DEFAULT "/run/chaosd"

static const struct option_row options[] = {
        [OPT_DRY_RUN] = { "dry-run", 'n', NULL, "only say what would be removed" },
        [OPT_RUNTIME_DIR] = { "runtime-dir", 0, "DIR",
                              "where the journal lies (default: $CHAOSD_RUNTIME_DIR, the socket's folder, "
                              "/run/chaosd)" },
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

static bool has_journal(const char *dir) {
        char path[4200];
        int n = snprintf(path, sizeof(path), "%s/faults", dir);

        return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/* The folder to heal: the one that was named, else the first of the usual ones with a journal in it. A journal that was
 * named and is not there is an error: "nothing left" must never mean that nobody looked. */
static int find_runtime_dir(struct cli *cli, const struct args *args, char *buf, size_t size, struct err *e) {
        const char *named =
                ARGS_HAS(args, OPT_RUNTIME_DIR) ? args->value[OPT_RUNTIME_DIR] : getenv("CHAOSD_RUNTIME_DIR");
        const char *slash = strrchr(cli->node.socket, '/');

        if (named) {
                (void)snprintf(buf, size, "%s", named);
                return has_journal(buf)
                               ? 0
                               : err_set(e, -ENOENT,
                                         "no journal in %.200s: no chaosd ever used it as its runtime directory", buf);
        }
        if (slash && slash != cli->node.socket) {
                (void)snprintf(buf, size, "%.*s", (int)(slash - cli->node.socket), cli->node.socket);
                if (has_journal(buf))
                        return 0;
        }
        (void)snprintf(buf, size, "%s", RUNTIME_DIR_DEFAULT);
        if (!has_journal(buf))
                term_say(&cli->log,
                         "No journal beside the socket or in %s: only objects that carry our mark are looked for. "
                         "Another runtime directory is named with --runtime-dir.",
                         buf);
        return 0;
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

        if (find_runtime_dir(cli, args, dir, sizeof(dir), &e) < 0)
                return cli_fail(cli, &e);
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
