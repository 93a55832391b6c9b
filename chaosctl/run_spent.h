/* run_spent.h — how much error budget earlier runs spent, from the history: the budget gate asks for it. */
#pragma once

#include "chaosctl/run_history.h"
#include "experiments/run.h"

struct run_spent; /* an open history that run_options points at */

/* run_spent_use — let o ask the history. Without a usable history (-errno) o stays as it is: the spend is unknown then.
 * *ret must outlive the run; close it with run_spent_close(). */
int run_spent_use(struct run_options *o, struct run_spent **ret, struct err *e);
void run_spent_close(struct run_spent *s);
DEFINE_SCOPED(struct run_spent, run_spent_close)

/* run_spent_sum — share (0 …) spent on one SLO by the runs of the last window_s seconds; NAN when the history cannot
 * be read. */
double run_spent_sum(struct run_history *h, const char *service, const char *slo, uint64_t window_s, uint64_t now_us);
