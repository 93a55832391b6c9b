/* report_file.h — a report into a file, and what became of it in words. */
#pragma once

#include <stdio.h>

#include "chaosctl/cli.h"
#include "core/json.h"

/* report_file_write — create or replace path (NULL: nothing to do) with what render writes of value. Says what came of
 * it on cli->log; false when it could not be written. */
bool report_file_write(struct cli *cli, const char *path, void (*render)(const json_t *value, FILE *out),
                       const json_t *value);

/* report_file_end — close what fopen() gave (NULL: it failed, errno says why), and the same words. */
bool report_file_end(struct cli *cli, const char *path, FILE *out);
