#include "chaosd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"

static const struct row {
        const char *name, *metavar; /* metavar NULL: a switch */
        size_t offset;
        const char *help;
} rows[] = {
        { "config", "FILE", offsetof(struct options, config), "configuration (default /etc/chaosd/chaosd.yaml)" },
        { "runtime-dir", "DIR", offsetof(struct options, runtime_dir),
          "journal, lock and socket (default /run/chaosd)" },
        { "socket", "PATH", offsetof(struct options, socket), "the API's socket (default DIR/chaosd.sock)" },
        { "audit-log", "FILE", offsetof(struct options, audit_log), "default DIR/audit.jsonl; \"none\" for no log" },
        { "reap", NULL, offsetof(struct options, reap),
          "with the daemon dead: undo what the journal holds, remove what "
          "carries our mark, exit" },
        { "dry-run", NULL, offsetof(struct options, dry_run), "with --reap: only say what would be done" },
        { "capabilities", NULL, offsetof(struct options, capabilities),
          "print what this node can break, as JSON, exit" },
        { "verify-audit", "FILE", offsetof(struct options, verify_audit), "check an audit log's chain, exit" },
        { "json", NULL, offsetof(struct options, json), "with --reap: report as JSON" },
        { "version", NULL, offsetof(struct options, version), "print the version, exit" },
        { "help", NULL, offsetof(struct options, help), "print this, exit" },
};

int options_parse(int argc, char **argv, struct options *ret, struct err *e) {
        struct option longs[ARRAY_SIZE(rows) + 1] = { 0 };
        struct options options = { 0 };
        int index = 0, c;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                longs[i] = (struct option){ .name = rows[i].name,
                                            .has_arg = rows[i].metavar ? required_argument : no_argument };

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":", longs, &index)) != -1) {
                char *at = (char *)&options + rows[index].offset;

                if (c == ':')
                        return err_set(e, -EINVAL, "%s needs a value", argv[optind - 1]);
                if (c == '?')
                        return err_set(e, -EINVAL, "unknown option %s; see chaosd --help", argv[optind - 1]);
                if (rows[index].metavar)
                        *(const char **)(void *)at = optarg;
                else
                        *(bool *)at = true;
        }
        if (optind < argc)
                return err_set(e, -EINVAL, "unexpected argument '%.100s'; see chaosd --help", argv[optind]);
        if (options.dry_run && !options.reap)
                return err_set(e, -EINVAL, "--dry-run goes with --reap");

        *ret = options;
        return 0;
}

void options_print_help(void) {
        (void)printf("chaosd — breaks what it is asked to, and leaves nothing behind\n\nUsage: chaosd [OPTIONS]\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char left[40];

                (void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].metavar ? "=" : "",
                               rows[i].metavar ? rows[i].metavar : "");
                (void)printf("  %-22s %s\n", left, rows[i].help);
        }
        (void)printf(
                "\nExit codes: 0 fine, 2 usage or invalid file, 5 error, 6 residue is left. See docs/chaosd.md.\n");
}
