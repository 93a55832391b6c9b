/* run_internal.h — what the runner's source files share. */
#pragma once

#include "core/hdr.h"
#include "core/node.h"
#include "experiments/engine.h"
#include "experiments/model.h"
#include "experiments/probe.h"
#include "experiments/run.h"

struct prom_poll;

struct run_probe {
        struct probe *probe; /* NULL before the start and after a failed one */
        struct hdr latency[ENGINE_PHASES];
        struct hdr ttft[ENGINE_PHASES], itl_p99[ENGINE_PHASES]; /* llm probes: of each answer with a token */
        struct hdr second;                                      /* answers of the second that is shown next */
        uint64_t second_count;
        bool told; /* that it cannot keep up */
};

struct run_fault {
        char uid[64];
        json_t *plan;                   /* the daemon's answer to /v1/plan, or NULL */
        json_t *object;                 /* the daemon's fault object, last state; or NULL */
        uint64_t lease_us, renew_at_us; /* CLOCK_BOOTTIME */
        bool unknown_end;               /* the daemon could not say whether it was undone */
        char undo_error[200];
};

/* A stop condition on a probe's answers. good = not matching. */
struct run_stop {
        struct slo_window window;
};

struct run {
        const struct experiment *x;
        struct run_options o;
        struct engine_config config;
        struct engine_slo_config *slo_config;
        struct engine_fault_config *fault_config;
        struct engine *engine;
        struct run_probe *probes;
        struct run_fault *faults;
        struct run_stop *stops;
        struct prom_poll *prom; /* NULL when no SLI is Prometheus' */
        json_t *capabilities;
        char id[128];
        uint64_t seed;
        uint64_t zero_us;                     /* CLOCK_BOOTTIME of the run's start */
        uint64_t start_wall_us;               /* CLOCK_REALTIME of it */
        uint64_t end_us;                      /* since the start */
        uint64_t next_second;                 /* of the run, to be shown */
        uint64_t evidence_at_us, drain_by_us; /* CLOCK_BOOTTIME; 0 = not yet */
        int epoll_fd, stop_fd;
        unsigned stops_asked;
        _Atomic(const char *) stop_why; /* set by a signal handler */
        bool finished;
        json_t *notes; /* array of text */
};

/* Microseconds since the run's start; 0 before it. */
uint64_t run_now_us(const struct run *r);
void run_note(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ask the history and Prometheus what is left of each error budget. */
void run_read_budgets(struct run *r);

/* run_faults.c: the daemon's side. */
json_t *run_fault_request(const struct run *r, size_t i);
int run_ask_capabilities(struct run *r, struct err *e);
int run_plan_faults(struct run *r, struct err *e);
void run_inject(struct run *r, size_t i);
void run_revert(struct run *r, size_t i);
void run_renew_due(struct run *r);
void run_read_evidence(struct run *r);
uint64_t run_faults_deadline_us(const struct run *r); /* CLOCK_BOOTTIME */
json_t *run_residue(struct run *r);                   /* {"clean": bool or null, "left": [text]} */

/* run_samples.c: answers to SLIs. */
void run_take_samples(struct run *r, size_t probe);
void run_show_second(struct run *r);
uint64_t run_hits(const struct run *r);

/* record.c, record_llm.c, findings.c */
json_t *run_make_llm(const struct run *r, size_t probe); /* null for another kind of probe */
int run_make_record(struct run *r, json_t **ret, struct err *e);
json_t *run_findings(const struct run *r, bool residue, uint64_t now_wall_us);
int run_exit_code(const struct run *r, const json_t *residue);
