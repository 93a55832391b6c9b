/* gate.h — what the files of `chaosctl gate` share. */
#pragma once

#include "chaosctl/cli.h"
#include "core/json.h"
#include "scorecards/gate.h"
#include "scorecards/score.h"

struct experiment;

struct gate_file {
        char *path;
        struct experiment *x;
};

struct gate_files {
        struct gate_file *files; /* in the order in which they run */
        size_t n;
};

/* gate_files_read — the experiments of files and folders (their *.yaml and *.yml, sorted, what is no experiment is only
 * checked). All of them are read, and every fault is said on cli->log. Returns how many were wrong: 0 = all are fit to
 * run. Free with gate_files_done() in any case. */
unsigned gate_files_read(struct cli *cli, const char *const *paths, size_t n_paths, struct gate_files *ret);
void gate_files_done(struct gate_files *f);

/* gate_records_read — "history", a run record, an array of them, or a folder of such files, into an array. */
int gate_records_read(const char *from, json_t *records, struct err *e);

/* gate_dry_run — what would be run: phases and faults of each file, and with a daemon its plan. Returns an exit code:
 * EXIT_ERROR when the daemon cannot inject a fault or an error budget refuses the run. */
int gate_dry_run(struct cli *cli, const struct gate_files *files);

/* gate_planned_us — all planned phases of all files together. */
uint64_t gate_planned_us(const struct gate_files *files);

/* Where reports go; NULL = nowhere. */
struct gate_outputs {
        const char *junit, *sarif, *summary;
};

/* gate_outputs_check — can they be written, as far as that can be known before? Says what cannot; returns how many. */
unsigned gate_outputs_check(struct cli *cli, const struct gate_outputs *o);

/* gate_outputs_write — JUnit, SARIF, summary; without a summary of its own the one of $GITHUB_STEP_SUMMARY is
 * appended to. Says what could not be written and returns false then. */
bool gate_outputs_write(struct cli *cli, const struct gate_outputs *o, const json_t *gate, const json_t *runs);

/* gate_view — the decision for people, to cli->out. */
void gate_view(struct cli *cli, const json_t *gate);
