/* history_diff.h — two runs beside each other, for people. */
#pragma once

#include "chaosctl/cli.h"

/* history_diff_print — comparison: what compare_runs() returned. Returns an exit code: EXIT_FAIL with regressions. */
int history_diff_print(struct cli *cli, const json_t *comparison);
