/* chaosctl exec — becomes the launcher, which needs neither root nor the daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/sibling.h"

static int run_raw(struct cli *cli, int argc, char **argv) {
        SCOPED_FREE char **handed = calloc((size_t)argc + 3, sizeof(*handed));
        size_t n = 1; /* argv[0] is set by sibling_exec() */
        struct err e = { 0 };

        if (!handed) {
                (void)err_set(&e, -ENOMEM, "no memory");
                return cli_fail(cli, &e);
        }
        if (argc == 0) {
                help_verb(&cli->log, &verb_exec);
                return EXIT_USAGE;
        }

        if (cli->json) /* chaosctl --json exec …: the launcher knows it too */
                handed[n++] = (char *)"--json";
        memcpy(handed + n, argv, (size_t)argc * sizeof(*argv));
        (void)sibling_exec("chaos-exec", handed, &e);
        return cli_fail(cli, &e);
}

const struct verb verb_exec = {
        .name = "exec",
        .args = "[--fault EXPRESSION…] -- COMMAND…",
        .summary = "Run a command whose system calls fail, without root and without the daemon",
        .about = "All arguments go to the program chaos-exec unchanged; `chaosctl exec --help` prints its help.\n"
                 "The exit status is the command's.",
        .operand = OPERAND_NONE,
        .examples =
                (const struct verb_example[]){
                        { "exec --fault 'openat:errno=ENOSPC:when=3..10+2' -- make",
                          "every other file from the third to the tenth: disk full" },
                        { "exec --fault '%network:delay=200ms:probability=10%' -- curl -s http://localhost/",
                          "a slow network, now and then" },
                        { "exec --help", "the fault expressions in full" },
                        { NULL },
                },
        .run_raw = run_raw,
};
