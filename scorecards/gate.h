/* gate.h — what a CI gate decides from the runs it made: pure, no clock, no I/O. docs/ci/README.md has the rules.
 * The decision is a JSON document "chaosd/gate/v1"; render_gate_markdown() and the JUnit report take it from there. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "core/json.h"
#include "scorecards/compare.h"

struct err;
struct score_profile;

struct gate_rules {
        struct compare_limits limits; /* against the baseline */
        double min_score;             /* 0 … 1, of every service that the gate ran; NAN = not asked */
        double min_coverage;          /* the same */
};

/* gate_judge — the verdict of the whole gate.
 * runs      array of {file, experiment, service, record: run record or null, exit_code, why}: exit_code and why are
 *           for a run without a record (enum run_exit of experiments/run.h)
 * earlier   array of records that count for the scores too, or NULL; those that are among the runs count once
 * baseline  array of records to compare with, or NULL: of each experiment the newest that passed, else the newest
 *           that failed
 * The gravest outcome decides: residue, error, aborted, inconclusive, fail, pass. A regression, and a score or a
 * coverage below its minimum, is a fail; a score that cannot be worked out is inconclusive.
 * Returns 0, -EINVAL for a record that is none. */
int gate_judge(const struct gate_rules *rules, const struct score_profile *p, const json_t *runs, const json_t *earlier,
               const json_t *baseline, uint64_t now_us, json_t **ret, struct err *e);

/* gate_add_error — something failed after the judgement: the verdict is at least an error. */
void gate_add_error(json_t *gate, const char *why);

/* gate_baseline_for — the record of the baseline that an experiment is compared with; NULL = none is fit for it. */
const json_t *gate_baseline_for(const json_t *baseline, const char *service, const char *experiment);

/* gate_reports — records for render_junit() and render_sarif(): those of the runs, one with the verdict "error" or
 * "aborted" for each run that left none, and with own_verdict one of the gate itself. A new array. */
json_t *gate_reports(const json_t *gate, const json_t *runs, bool own_verdict);

/* render_gate_markdown — the summary of a CI job: the verdict first, then runs, SLOs, comparison, scores.
 * reports: gate_reports() without the gate's own. */
void render_gate_markdown(const json_t *gate, const json_t *reports, FILE *out);
