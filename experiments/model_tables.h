/* model_tables.h — inside of experiments/model: the parameter tables of an experiment's file. */
#pragma once

#include "experiments/model.h"

struct model_head {
        uint64_t set;
        char *api_version, *kind;
        const json_t *metadata, *spec;
};
struct model_metadata {
        uint64_t set;
        char *name;
        const json_t *labels;
};
struct model_phases {
        uint64_t set;
        uint64_t baseline_us, fault_us, recovery_us;
};
struct model_budget {
        uint64_t set;
        uint32_t min_remaining_ppm, max_spend_ppm;
};
struct model_abort {
        uint64_t set;
        char *burn_rate;
        uint64_t no_data_us;
        const json_t *when;
};
struct model_recovery {
        uint64_t set;
        uint64_t within_us;
};
struct model_spec {
        uint64_t set;
        char *service, *owner, *hypothesis;
        const json_t *slos, *probes, *faults;
        struct model_phases phases;
        struct model_budget budget;
        struct model_abort abort;
        struct model_recovery recovery;
        uint64_t seed;
};
enum { MODEL_SPEC_SEED = 10, MODEL_BUDGET_MIN_REMAINING = 0 };
enum { MODEL_PROBE_HTTP = 1, MODEL_PROBE_TCP, MODEL_PROBE_EXEC, MODEL_PROBE_LLM };
enum { MODEL_LLM_API = 2, MODEL_LLM_PRICE = 12 };
enum { MODEL_FAULT_FOR = 7 };

extern const struct param model_head[], model_metadata[], model_spec[], model_slo[], model_probe[], model_fault[],
        model_stop[], model_probe_llm[];

/* model_check_llm — an llm probe beyond its table; settles api. e->path points into the probe. */
int model_check_llm(struct experiment_probe *p, struct err *e);

/* model_check_where — -EINVAL when a condition (or NULL) asks this probe for what only llm probes measure. */
int model_check_where(const struct experiment_probe *p, const struct where *w, struct err *e);

/* model_check_faults — every fault against the catalogue of kinds: kind, params, target, for. e->path points into the
 * experiment's document. Fills irreversible and, for an irreversible fault without `for`, for_us. */
int model_check_faults(struct experiment *x, struct err *e);

/* model_link_slos — read the SLO files and fill x->slos. *ret_placed: e already says file, line and column. */
int model_link_slos(struct experiment *x, bool *ret_placed, struct err *e);

/* Index of a probe by name, or -EINVAL with the nearest name in e. */
int model_find_probe(const struct experiment *x, const char *name, struct err *e);

/* e->path, relative to element i of spec.LIST so far, becomes relative to the document. Returns e->code. */
int model_at_spec(const char *list, size_t i, struct err *e);
