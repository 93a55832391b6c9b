/* compare.h — one run against another: what `history diff` shows and what the CI gate judges. Pure. */
#pragma once

#include "core/json.h"

/* How much worse a run may be than its baseline before that is a regression. */
struct compare_limits {
        double compliance; /* share of good events under fault that may be lost: 0.01 = one in a hundred; what chance
                            * explains (95 %) is no loss */
        double recovery_s; /* seconds that recovery may take longer … */
        double recovery;   /* … and the share of the baseline's that it may take longer; both must be passed */
        double spend;      /* budget share that may be spent more */
};
extern const struct compare_limits compare_defaults;

/* compare_runs — a: before (the baseline), b: after. Returns
 * {before, after: {id, started, experiment, verdict}, same_experiment, rows: [{slo, what: verdict | compliance |
 *  time_to_recover_s | spent | held, before, after, change, worse}], regressions: [text], improvements: [text]}.
 * A verdict that got worse and an SLO that is missing from b are regressions; so is a recovery that b did not reach. */
json_t *compare_runs(const json_t *a, const json_t *b, const struct compare_limits *limits);
