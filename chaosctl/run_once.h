/* run_once.h — what the verbs that run experiments share: signals that revert, a time limit, earlier spend, progress,
 * the history. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chaosctl/cli.h"
#include "core/json.h"

struct experiment;

struct run_once_options {
        const char *budget_override; /* reason, or NULL */
        bool no_history;             /* neither ask the history for earlier spend nor keep the record in it */
        uint64_t keep_us;            /* runs in the history that are older are dropped */
        const char *record_path;     /* or NULL */
};

/* run_once_catch_signals — from here on SIGINT, SIGTERM and SIGHUP stop the run under way, or the next one before it
 * starts; SIGPIPE ends nothing. The same after limit_us microseconds (0 = no limit). Once per process. */
int run_once_catch_signals(uint64_t limit_us, struct err *e);

/* Why everything has to end, in words, or NULL. */
const char *run_once_stopped(void);

/* run_once_parse_keep — "400d" of --keep to microseconds; text NULL: the default. -EINVAL. */
int run_once_parse_keep(const char *text, uint64_t *ret_us, struct err *e);

/* run_once — run it to its end and say so on cli->log. *ret_record: owned by the caller. Negative errno only when no
 * record could be made. */
int run_once(struct cli *cli, const struct experiment *x, const struct run_once_options *o, json_t **ret_record,
             struct err *e);

/* run_once_keep — the record enters the history (which sets its hashes) and record_path, as o asks. What could not be
 * written is said; returns false then. */
bool run_once_keep(struct cli *cli, const struct run_once_options *o, json_t *record);
