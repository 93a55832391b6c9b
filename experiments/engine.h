/* engine.h — the decisions of a run as a pure state machine: no clock, no I/O, no threads. Events go in with their
 * time (microseconds since the run's start, never going back), actions come out. docs/slo.md has the rules. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "experiments/model.h"
#include "experiments/slo_math.h"

enum engine_phase {
        ENGINE_BASELINE,
        ENGINE_FAULT,
        ENGINE_RECOVERY,
        ENGINE_PHASES,
        ENGINE_DRAIN = ENGINE_PHASES,
        ENGINE_DONE
};

/* In this order: a later one outranks all before it. */
enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_ABORTED, VERDICT_ERROR };

struct engine_slo_config {
        const char *name;
        double objective;
        enum slo_method method;
        uint64_t slice_us;
        double slice_target;
        uint64_t period_us; /* of the error budget */
        struct experiment_expect expect;
        uint64_t min_samples;
        uint64_t no_data_us;     /* abort when no sample came for this long; 0 = never */
        double remaining_before; /* share of the budget left before the run; NAN = unknown */
};

struct engine_fault_config {
        const char *name;
        uint64_t after_us, for_us;
        bool irreversible;
};

struct engine_config {
        uint64_t baseline_us, recovery_us;
        uint64_t fault_us;          /* planned length of the fault phase, for the abort windows */
        uint64_t recover_within_us; /* 0 = not asked */
        const struct engine_slo_config *slos;
        size_t n_slos;
        const struct engine_fault_config *faults;
        size_t n_faults;
        double max_spend;     /* share of an error budget that this run may spend */
        double min_remaining; /* NAN = no gate */
        bool burn_off;        /* no abort by burn rate */
        double burn_limit;    /* NAN = from max_spend */
        bool override_gate;
};

enum engine_fault_state {
        ENGINE_FAULT_WAITING,
        ENGINE_FAULT_INJECTING, /* asked for; no answer yet */
        ENGINE_FAULT_ACTIVE,
        ENGINE_FAULT_REVERTING, /* asked for; no answer yet */
        ENGINE_FAULT_OVER,      /* undone, or never happened */
};

struct engine_fault {
        enum engine_fault_state state;
        uint64_t injected_us, over_us;
        uint64_t hits;
        int verified; /* 1 yes, 0 no, -1 cannot tell */
        bool was_injected, undo_failed;
};

/* Samples of the recovery phase by scheduled start, fine enough to say when the service was well again. */
#define ENGINE_RECOVERY_BINS 4096

struct engine_slo {
        struct slo_alert alert;
        struct slo_window window;
        struct slo_count phases[ENGINE_PHASES];
        struct slo_count spending;  /* of the fault and recovery phases together */
        struct slo_second *seconds; /* heap, in order of first appearance */
        size_t n_seconds, capacity;
        struct slo_count *recovery_bins;
        uint64_t last_sample_us;
        double spent;          /* share of the budget, so far */
        double projected;      /* as expected before the start */
        uint64_t first_bad_us; /* since the first injection, when it became known; UINT64_MAX = none */
        /* Once done: */
        double compliance[ENGINE_PHASES];
        double peak_burn, mean_burn; /* of the fault phase; NAN without samples */
        double detected_s;           /* from the first evidence to the first bad sample; NAN = one of them never was */
        double recovered_s;          /* from the revert; NAN = not within the phase */
        uint64_t samples;
        bool conclusive, held;
        char reason[200];
};

struct engine_reason {
        enum verdict verdict;
        uint64_t at_us;
        char text[240];
};
#define ENGINE_REASONS_MAX 32

enum engine_action_kind {
        ENGINE_BEGIN_PHASE, /* for people: .phase begins */
        ENGINE_INJECT,      /* .fault; answer with engine_fault_injected() or engine_fault_failed() */
        ENGINE_REVERT,      /* .fault; answer with engine_fault_over() */
        ENGINE_ABORT,       /* for people: .text; the reverts follow */
        ENGINE_STOP_LOAD,   /* start no more requests; answer with engine_drained() when none is under way */
        ENGINE_FINISH,      /* the verdict stands */
};

struct engine_action {
        enum engine_action_kind kind;
        size_t fault;
        enum engine_phase phase;
        const char *text; /* lives as long as the engine */
};
#define ENGINE_QUEUE 256

struct engine {
        const struct engine_config *c;
        enum engine_phase phase;
        uint64_t begin_us[ENGINE_PHASES], end_us[ENGINE_PHASES]; /* begin: UINT64_MAX = never began */
        bool aborting;                                           /* reverting, then recovery */
        bool stopping;                                           /* reverting, then the end */
        uint64_t abort_us, undone_us;                            /* breach seen, last fault undone; 0 = no abort */
        uint64_t injected_us;                                    /* the first fault; UINT64_MAX = none */
        uint64_t evidence_us; /* when the first hit of any fault became known; UINT64_MAX = none */
        uint64_t recovery_bin_us;
        struct engine_slo *slos;
        struct engine_fault *faults;
        struct engine_reason reasons[ENGINE_REASONS_MAX];
        size_t n_reasons;
        struct engine_action queue[ENGINE_QUEUE];
        unsigned head, tail;
        bool no_memory;
        enum verdict verdict; /* once ENGINE_DONE */
};

/* engine_new — c and what it points to must outlive the engine. NULL = no memory. At most 64 faults. */
struct engine *engine_new(const struct engine_config *c);
void engine_free(struct engine *e);
DEFINE_SCOPED(struct engine, engine_free)

/* engine_start — the budget gate, then the baseline. */
void engine_start(struct engine *e, uint64_t now_us);
void engine_tick(struct engine *e, uint64_t now_us);

/* engine_sample — samples of one SLO that became known now and were started at started_us (<= now_us). */
void engine_sample(struct engine *e, uint64_t now_us, size_t slo, uint64_t started_us, struct slo_count count);

/* engine_no_data — an SLI's source answered without a number: weight.total bad samples if a fault is at work, nothing
 * otherwise. */
void engine_no_data(struct engine *e, uint64_t now_us, size_t slo, uint64_t started_us, struct slo_count weight);

void engine_fault_injected(struct engine *e, uint64_t now_us, size_t fault);
void engine_fault_failed(struct engine *e, uint64_t now_us, size_t fault, const char *why);
void engine_fault_evidence(struct engine *e, uint64_t now_us, size_t fault, uint64_t hits, int verified);

enum engine_over { ENGINE_OVER_UNDONE, ENGINE_OVER_HALTED, ENGINE_OVER_LOST };
/* engine_fault_over — the fault is gone: by its time or our revert, halted by a person, or lost (daemon, lease). */
void engine_fault_over(struct engine *e, uint64_t now_us, size_t fault, enum engine_over how, bool undo_ok,
                       const char *why);

void engine_condition(struct engine *e, uint64_t now_us, const char *why); /* a named stop condition holds */
void engine_stop(struct engine *e, uint64_t now_us, const char *why);      /* Ctrl-C: revert, no recovery phase */
void engine_error(struct engine *e, uint64_t now_us, const char *why);     /* cannot go on: revert, no recovery phase */
void engine_drained(struct engine *e, uint64_t now_us);

/* engine_next — the next thing to do; false = nothing for now. */
bool engine_next(struct engine *e, struct engine_action *ret);

/* The phase that a sample started at this time belongs to. */
enum engine_phase engine_phase_at(const struct engine *e, uint64_t started_us);

/* The second of the fault and recovery phases with the worst ratio, the first of several; NULL = no samples. */
const struct slo_second *engine_worst_second(const struct engine *e, size_t slo);

/* When engine_tick() is due at the latest. */
uint64_t engine_deadline_us(const struct engine *e);

const char *engine_phase_name(enum engine_phase p); /* "baseline", "fault", "recovery" */
const char *verdict_name(enum verdict v);           /* "pass" … */
int verdict_exit_code(enum verdict v);

/* Inside (engine*.c): */
void engine_reason_add(struct engine *e, enum verdict v, uint64_t now_us, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
bool engine_gate_allows(struct engine *e, uint64_t now_us);
void engine_judge(struct engine *e, uint64_t now_us);
double engine_phase_compliance(const struct engine *e, size_t slo, enum engine_phase phase);
