/* model.h — an experiment as its file says, checked: the YAML with its SLO files, parsed by parameter tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "core/param.h"
#include "experiments/openslo.h"

struct err;
struct where;     /* experiments/where.h */
struct yaml_file; /* core/yaml.h */

enum probe_kind { PROBE_HTTP, PROBE_TCP, PROBE_EXEC, PROBE_LLM };

struct experiment_probe_http {
        uint64_t set;
        char *url, *method, *body;
        struct param_list headers; /* char *, "Name: value" */
        double per_s;
        uint64_t timeout_us;
        uint64_t connections; /* most requests under way at once */
        bool insecure;
};

struct experiment_probe_tcp {
        uint64_t set;
        char *address; /* HOST:PORT, [V6]:PORT */
        double per_s;
        uint64_t timeout_us;
        uint64_t connections;
};

struct experiment_probe_exec {
        uint64_t set;
        struct param_list command; /* char * */
        double per_s;
        uint64_t timeout_us;
        uint64_t parallel; /* most commands at once */
};

enum llm_api { LLM_CHAT, LLM_COMPLETIONS };

/* What 1,000 tokens cost. */
struct experiment_llm_price {
        uint64_t set;
        double prompt, completion;
        char *currency;
};

struct experiment_probe_llm {
        uint64_t set;
        char *url; /* of the server, of its /v1, or of the very endpoint */
        char *model;
        int api;                /* enum llm_api */
        char *prompt;           /* this or messages */
        const json_t *messages; /* [{role, content}]; borrowed from the document */
        const json_t *request;  /* further fields of the request; borrowed; may be NULL */
        uint64_t max_tokens;
        double per_s;
        uint64_t timeout_us;
        struct param_list headers; /* char *, "Name: value" */
        char *token_file;          /* of the bearer token; read at the start of a run */
        struct experiment_llm_price price;
        uint64_t connections; /* most requests under way at once */
        bool insecure;
};

/* A source of samples, and the load that makes them. Requests start on schedule whatever the answers do. */
struct experiment_probe {
        uint64_t set;
        char *name;
        struct experiment_probe_http http;
        struct experiment_probe_tcp tcp;
        struct experiment_probe_exec exec;
        struct experiment_probe_llm llm;
        enum probe_kind kind;
        double per_s; /* of the one that is used */
        uint64_t timeout_us;
};

enum expect_kind { EXPECT_MET, EXPECT_BURN, EXPECT_SPEND };

struct experiment_expect {
        enum expect_kind kind;
        double limit; /* burn rate, or share of the budget (0 … 1) */
};

/* One entry of spec.slos as written. */
struct experiment_slo_ref {
        uint64_t set;
        char *file, *name, *expect;
        uint64_t min_samples;
};

/* One SLO to judge: the document, and what this experiment expects of it. */
struct experiment_slo {
        const struct slo *slo;
        int part_probe, total_probe; /* index into probes; -1 = Prometheus or not used */
        struct experiment_expect expect;
        const char *expect_text; /* borrowed from refs */
        uint64_t min_samples;
};

struct experiment_fault {
        uint64_t set;
        char *name, *kind, *node, *backend;
        const json_t *target, *params; /* borrowed from the document; may be NULL */
        uint64_t after_us, for_us;     /* for: how long it acts, or how long an irreversible one is watched */
        bool break_glass;
        bool irreversible;
};

/* A stop condition: a probe's answers, or a PromQL expression that gives any sample other than 0. */
struct experiment_stop {
        uint64_t set;
        char *probe, *where_text;
        uint32_t above_ppm; /* more than this share of the answers in the window match */
        uint64_t window_us;
        char *query, *datasource_name;
        struct where *where;
        int probe_index; /* -1 = PromQL */
        const struct slo_datasource *datasource;
};

struct experiment {
        char *file; /* as given */
        char *name, *service, *owner, *hypothesis;
        const json_t *labels;   /* borrowed from the document; may be NULL */
        const json_t *document; /* as read; owned by yaml */
        struct experiment_probe *probes;
        size_t n_probes;
        struct experiment_slo_ref *refs;
        size_t n_refs;
        struct experiment_slo *slos;
        size_t n_slos;
        struct experiment_fault *faults;
        size_t n_faults;
        struct experiment_stop *stops;
        size_t n_stops;
        uint64_t baseline_us, recovery_us;
        uint64_t watch_us;   /* how long an irreversible fault without `for` is watched */
        uint64_t fault_us;   /* planned length of the fault phase: all faults, with their `after` */
        bool gate_remaining; /* budget.minRemaining was given */
        uint32_t min_remaining_ppm, max_spend_ppm;
        bool burn_auto, burn_off;
        double burn_limit;          /* when neither auto nor off */
        uint64_t no_data_us;        /* 0 = worked out per SLO */
        uint64_t recover_within_us; /* 0 = not asked */
        bool seed_given;
        uint64_t seed;
        struct slo_set slo_set; /* owns the SLOs */
        struct yaml_file *yaml; /* owns document */
};

/* experiment_load — read, check and link an experiment and its SLO files (paths relative to its own).
 * Returns 0, -EINVAL/-ERANGE with "file:line:column: …" in e, or -errno of reading a file. */
int experiment_load(const char *path, struct experiment **ret, struct err *e);
int experiment_load_text(const char *text, size_t len, const char *name, struct experiment **ret, struct err *e);
void experiment_free(struct experiment *x);
DEFINE_SCOPED(struct experiment, experiment_free)

/* experiment_slo_documents — the documents of all SLO files, as read: a new array for the record. */
json_t *experiment_slo_documents(const struct experiment *x);

/* document_check — validate any file of ours: experiments (with what they refer to) and OpenSLO documents, all
 * objects of the file. ret_kind gets "Experiment", "SLO" … of the first. For `chaosctl validate`. */
int document_check(const char *path, char ret_kind[32], struct err *e);
