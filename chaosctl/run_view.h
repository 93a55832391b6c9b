/* run_view.h — an experiment as it runs, and its end, for people. */
#pragma once

#include "chaosctl/cli.h"
#include "experiments/run.h"

#define RUN_VIEW_SLOS    8  /* more are summed up in the table at the end */
#define RUN_VIEW_SECONDS 60 /* what a sparkline remembers */

struct run_view {
        struct cli *cli;
        char phase[16];
        double planned_s;
        struct {
                char name[64];
                double sli[RUN_VIEW_SECONDS]; /* per second of this phase */
                size_t n;
                double phase_sli, burn, objective;
                bool inside;
        } slos[RUN_VIEW_SLOS];
        size_t n_slos;
        double began_s, last_said_s;
        uint64_t hits;
};

/* run_view_init — an observer that writes to cli->log: phase headers, a live line (terminals) or a line every 5 s. */
void run_view_init(struct run_view *v, struct cli *cli, struct run_observer *ret);

/* run_view_phase_end — the last words about the phase that runs; called by itself when the next one begins. */
void run_view_phase_end(struct run_view *v);

/* run_view_record — verdict with reasons, SLO table, evidence; to cli->out. */
void run_view_record(struct cli *cli, const json_t *record);
