/* run.h — run one experiment for real: load, faults, SLOs, verdict, and the record of it (docs/run-record.md).
 * One call blocks until the run is over; an observer is told what happens while it lasts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"

struct err;
struct experiment; /* experiments/model.h */
struct node;       /* core/node.h */
struct run;

/* Exit codes of the five verdicts (docs/slo.md), and of residue, which outranks them all. */
enum run_exit {
        RUN_EXIT_PASS = 0,
        RUN_EXIT_FAIL = 1,
        RUN_EXIT_INVALID = 2,
        RUN_EXIT_INCONCLUSIVE = 3,
        RUN_EXIT_ABORTED = 4,
        RUN_EXIT_ERROR = 5,
        RUN_EXIT_RESIDUE = 6,
};

/* One SLO as it stands now. */
struct run_slo_now {
        const char *name;
        double objective;     /* 0 … 1 */
        double second_sli;    /* good/total of the last full second by scheduled start; NAN without samples */
        double phase_sli;     /* of the phase so far; NAN without samples */
        double burn;          /* burn rate over the long window; NAN without samples */
        double spent;         /* share of the error budget spent by this run so far, 0 … */
        uint64_t good, total; /* of that second */
        bool inside;          /* phase_sli >= objective, or no samples yet */
};

/* What on_second() is told, once per second of the run. */
struct run_now {
        const char *phase;   /* "baseline", "fault", "recovery" */
        double t_s;          /* since the run's start */
        double phase_left_s; /* planned rest of this phase; 0 when overdue */
        const struct run_slo_now *slos;
        size_t n_slos;
        double requests_per_s; /* of all probes together, last second */
        double p50_us, p99_us; /* latency of all probes' answers in the last second; NAN without */
        uint64_t hits;         /* evidence of all faults so far */
        unsigned faults_active;
};

/* All callbacks are optional, are called on the thread of run_execute(), and must return quickly. Texts and
 * JSON are borrowed for the call. */
struct run_observer {
        void *arg;
        void (*on_phase)(const char *phase, double t_s, double planned_s, void *arg); /* a phase begins */
        void (*on_second)(const struct run_now *now, void *arg);
        /* what: "injected", "reverted", "ended", "failed"; fault: the daemon's fault object, or NULL when failed */
        void (*on_fault)(const char *name, const char *what, const json_t *fault, const char *text, void *arg);
        void (*on_abort)(const char *reason, double t_s, void *arg);
        void (*on_note)(const char *text,
                        void *arg); /* warnings: a probe that cannot keep up, Prometheus' warnings … */
        void (*on_done)(const json_t *record, void *arg);
};

struct run_options {
        const struct node *node;     /* the daemon of "node: local" */
        const char *budget_override; /* reason for starting although the budget gate says no; NULL = obey the gate */
        /* Share of the error budget (0 … ) that earlier runs spent on this SLO within the last window_s seconds,
         * NAN when unknown; NULL = unknown for probes, asked of Prometheus for its own SLIs. */
        double (*spent_before)(const char *service, const char *slo, uint64_t window_s, void *arg);
        void *spent_before_arg;
        struct run_observer observer;
};

/* run_new — everything that can be refused before anything starts is refused here: -EINVAL for an experiment that
 * this build cannot run. x and what o points to must outlive the run. */
int run_new(const struct experiment *x, const struct run_options *o, struct run **ret, struct err *e);

/* run_execute — run it to its end. Returns 0 with a record whatever the verdict is, and also when the budget gate
 * refused or the baseline failed; negative errno only when no record could be made (no memory, no event loop).
 * Every fault that was injected has been reverted, or its lease left to lapse, when this returns. */
int run_execute(struct run *r, json_t **ret_record, struct err *e);

/* run_request_stop — revert everything now and end with the verdict aborted. Async-signal-safe, may be called from
 * any thread, any number of times. */
void run_request_stop(struct run *r);

/* run_request_stop_for — the same; why stands in the record instead of "stopped by the user" and must outlive the run.
 * The first reason counts. */
void run_request_stop_for(struct run *r, const char *why);

void run_free(struct run *r);
DEFINE_SCOPED(struct run, run_free)

/* run_plan — what the experiment would do, without doing it: POST /v1/plan for each fault. JSON:
 * {"experiment","service","phases":[{name,duration_s}],"slos":[{name,objective,expect,projected_spend,worst_spend}],
 *  "budget":{"ok":bool,"reasons":[…]},
 *  "faults":[{"name","kind","after_s","for_s","plan":{daemon's answer} | "error":"…"}]}.
 * Returns 0 even when a fault's plan failed (see its "error"). */
int run_plan(const struct experiment *x, const struct run_options *o, json_t **ret, struct err *e);
