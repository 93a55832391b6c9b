/* options.h — chaosd's command line, from one table that also prints the help. */
#pragma once

#include <stdbool.h>

struct err;

struct options {
        const char *runtime_dir, *socket, *config, *audit_log, *verify_audit;
        bool reap, dry_run, capabilities, version, help, json;
};

/* options_parse — returns 0, or -EINVAL with words. */
int options_parse(int argc, char **argv, struct options *ret, struct err *e);
void options_print_help(void);
