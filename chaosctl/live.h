/* live.h — look after one fault in the foreground: renew its lease, show how it goes, revert it on Ctrl-C. */
#pragma once

#include "chaosctl/cli.h"
#include "chaosctl/interrupt.h"

/* live_watch — until the fault is over or a signal comes; then it is reverted. fault: the answer to the injection.
 * *ret_last: its last state (owned by the caller). Returns an enum exit_code: EXIT_ABORTED after a signal,
 * EXIT_ERROR when the daemon was lost (it then reverts by itself when the lease lapses). Everything is said. */
int live_watch(struct cli *cli, struct interrupt *interrupt, const json_t *fault, json_t **ret_last);
