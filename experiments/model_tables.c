#include "experiments/model_tables.h"

#define DAY_US   86400000000ULL
#define AT(type, field) offsetof(struct type, field)

const struct param model_head[] = {
        { .name = "apiVersion", .type = PARAM_STRING, .required = true, .offset = AT(model_head, api_version), .help = "chaosd/v1" },
        { .name = "kind", .type = PARAM_STRING, .required = true, .offset = AT(model_head, kind), .help = "Experiment" },
        { .name = "metadata", .type = PARAM_JSON, .required = true, .sub = model_metadata, .offset = AT(model_head, metadata), .help = "name and labels" },
        { .name = "spec", .type = PARAM_JSON, .required = true, .sub = model_spec, .offset = AT(model_head, spec), .help = "the experiment" },
        { 0 },
};

const struct param model_metadata[] = {
        { .name = "name", .type = PARAM_STRING, .required = true, .offset = AT(model_metadata, name), .help = "1 to 63 of a-z, 0-9 and '-'", .example = "slow-upstream" },
        { .name = "labels", .type = PARAM_JSON, .offset = AT(model_metadata, labels), .help = "key: value, for people and searches", .example = "{team: web}" },
        { 0 },
};

static const struct param model_phases[] = {
        { .name = "baseline", .type = PARAM_DURATION, .min = 1000000, .max = DAY_US, .fallback = "10s", .offset = AT(model_phases, baseline_us), .help = "every SLO must be met for this long before anything is broken" },
        { .name = "fault", .type = PARAM_DURATION, .min = 1000000, .max = DAY_US, .fallback = "5s", .offset = AT(model_phases, fault_us), .help = "how long a fault that cannot be undone is watched when it gives no `for`" },
        { .name = "recovery", .type = PARAM_DURATION, .min = 0, .max = DAY_US, .fallback = "15s", .offset = AT(model_phases, recovery_us), .help = "how long the service is watched after the faults are gone" },
        { 0 },
};

static const struct param model_budget[] = {
        { .name = "minRemaining", .type = PARAM_PERCENT, .offset = AT(model_budget, min_remaining_ppm), .help = "do not start when less of an SLO's error budget is left", .example = "25%" },
        { .name = "maxSpend", .type = PARAM_PERCENT, .fallback = "10%", .offset = AT(model_budget, max_spend_ppm), .help = "do not start when the run is expected to spend more of an error budget; abort when it has", .example = "10%" },
        { 0 },
};

static const struct param model_abort[] = {
        { .name = "burnRate", .type = PARAM_STRING, .fallback = "auto", .offset = AT(model_abort, burn_rate), .help = "abort at this burn rate: auto (what would spend maxSpend in the fault phase), off, or a number", .example = "14.4" },
        { .name = "noData", .type = PARAM_DURATION, .min = 100000, .max = DAY_US, .offset = AT(model_abort, no_data_us), .help = "abort when an SLI has had no sample for this long", .example = "5s" },
        { .name = "when", .type = PARAM_JSON, .sub = model_stop, .list = true, .offset = AT(model_abort, when), .help = "more stop conditions", .example = "[{probe: front, where: error, above: 50%}]" },
        { 0 },
};

static const struct param model_recovery[] = {
        { .name = "within", .type = PARAM_DURATION, .max = DAY_US, .offset = AT(model_recovery, within_us), .help = "every SLI must be back inside its objective this soon after the revert", .example = "10s" },
        { 0 },
};

/* The order is that of MODEL_SPEC_*. */
const struct param model_spec[] = {
        { .name = "service", .type = PARAM_STRING, .required = true, .offset = AT(model_spec, service), .help = "whose scorecard this counts for", .example = "shop" },
        { .name = "owner", .type = PARAM_STRING, .required = true, .offset = AT(model_spec, owner), .help = "who gets the findings", .example = "web-sre" },
        { .name = "hypothesis", .type = PARAM_STRING, .required = true, .offset = AT(model_spec, hypothesis), .help = "what should hold although something breaks" },
        { .name = "slos", .type = PARAM_JSON, .list = true, .required = true, .sub = model_slo, .offset = AT(model_spec, slos), .help = "what is judged: files of OpenSLO documents" },
        { .name = "probes", .type = PARAM_JSON, .list = true, .sub = model_probe, .offset = AT(model_spec, probes), .help = "built-in sources of samples; each is also the load" },
        { .name = "phases", .type = PARAM_OBJECT, .sub = model_phases, .offset = AT(model_spec, phases), .help = "how long each phase lasts" },
        { .name = "faults", .type = PARAM_JSON, .list = true, .required = true, .sub = model_fault, .offset = AT(model_spec, faults), .help = "what is broken" },
        { .name = "budget", .type = PARAM_OBJECT, .sub = model_budget, .offset = AT(model_spec, budget), .help = "how much error budget the run may spend" },
        { .name = "abort", .type = PARAM_OBJECT, .sub = model_abort, .offset = AT(model_spec, abort), .help = "when to stop early" },
        { .name = "recovery", .type = PARAM_OBJECT, .sub = model_recovery, .offset = AT(model_spec, recovery), .help = "how soon the service must be well again" },
        { .name = "seed", .type = PARAM_UINT, .max = 9007199254740991ULL, .offset = AT(model_spec, seed), .help = "same seed, same choices; left out, one is drawn and recorded", .example = "7" },
        { 0 },
};

const struct param model_slo[] = {
        { .name = "file", .type = PARAM_STRING, .required = true, .offset = AT(experiment_slo_ref, file), .help = "OpenSLO file, relative to the experiment's own", .example = "slos/shop.yaml" },
        { .name = "name", .type = PARAM_STRING, .offset = AT(experiment_slo_ref, name), .help = "one SLO of the file; left out, all of them", .example = "shop-latency" },
        { .name = "expect", .type = PARAM_STRING, .fallback = "met", .offset = AT(experiment_slo_ref, expect), .help = "met, burn <= N or spend <= P%", .example = "burn <= 6" },
        { .name = "minSamples", .type = PARAM_UINT, .min = 1, .max = 1000000000, .fallback = "100", .offset = AT(experiment_slo_ref, min_samples), .help = "fewer samples in the baseline or fault phase make the SLO inconclusive" },
        { 0 },
};

static const struct param probe_http[] = {
        { .name = "url", .type = PARAM_STRING, .required = true, .offset = AT(experiment_probe_http, url), .help = "http:// or https:// address", .example = "http://10.77.0.2/" },
        { .name = "rate", .type = PARAM_RATE, .max = 100000, .fallback = "10/s", .offset = AT(experiment_probe_http, per_s), .help = "requests that start, whatever the answers do", .example = "200/s" },
        { .name = "timeout", .type = PARAM_DURATION, .min = 1000, .max = 300000000, .fallback = "1s", .offset = AT(experiment_probe_http, timeout_us), .help = "an answer that takes longer is an error" },
        { .name = "method", .type = PARAM_STRING, .offset = AT(experiment_probe_http, method), .help = "GET, or POST with a body, unless given" },
        { .name = "headers", .type = PARAM_STRING, .list = true, .offset = AT(experiment_probe_http, headers), .help = "\"Name: value\"" },
        { .name = "body", .type = PARAM_STRING, .offset = AT(experiment_probe_http, body), .help = "sent with every request" },
        { .name = "connections", .type = PARAM_UINT, .min = 1, .max = 20000, .offset = AT(experiment_probe_http, connections), .help = "most requests under way at once; left out, as many as the rate and timeout can need" },
        { .name = "insecureSkipVerify", .type = PARAM_BOOL, .offset = AT(experiment_probe_http, insecure), .help = "do not check the server's certificate" },
        { 0 },
};

static const struct param probe_tcp[] = {
        { .name = "address", .type = PARAM_STRING, .required = true, .offset = AT(experiment_probe_tcp, address), .help = "HOST:PORT or [IPv6]:PORT", .example = "10.77.0.2:6379" },
        { .name = "rate", .type = PARAM_RATE, .max = 20000, .fallback = "10/s", .offset = AT(experiment_probe_tcp, per_s), .help = "connections that are opened (and closed again)" },
        { .name = "timeout", .type = PARAM_DURATION, .min = 1000, .max = 300000000, .fallback = "1s", .offset = AT(experiment_probe_tcp, timeout_us), .help = "a connection that takes longer is an error" },
        { .name = "connections", .type = PARAM_UINT, .min = 1, .max = 20000, .offset = AT(experiment_probe_tcp, connections), .help = "most connections being opened at once" },
        { 0 },
};

static const struct param probe_exec[] = {
        { .name = "command", .type = PARAM_STRING, .list = true, .required = true, .offset = AT(experiment_probe_exec, command), .help = "program and arguments; no shell; status 0 is the usual good", .example = "[/usr/bin/redis-cli, ping]" },
        { .name = "rate", .type = PARAM_RATE, .max = 1000, .fallback = "1/s", .offset = AT(experiment_probe_exec, per_s), .help = "commands that start" },
        { .name = "timeout", .type = PARAM_DURATION, .min = 1000, .max = 3600000000ULL, .fallback = "5s", .offset = AT(experiment_probe_exec, timeout_us), .help = "a command that takes longer is killed and is an error" },
        { .name = "parallel", .type = PARAM_UINT, .min = 1, .max = 1000, .fallback = "32", .offset = AT(experiment_probe_exec, parallel), .help = "most commands at once" },
        { 0 },
};

/* The order is that of MODEL_PROBE_*. */
const struct param model_probe[] = {
        { .name = "name", .type = PARAM_STRING, .required = true, .offset = AT(experiment_probe, name), .help = "SLOs refer to it", .example = "front" },
        { .name = "http", .type = PARAM_OBJECT, .sub = probe_http, .offset = AT(experiment_probe, http), .help = "HTTP requests" },
        { .name = "tcp", .type = PARAM_OBJECT, .sub = probe_tcp, .offset = AT(experiment_probe, tcp), .help = "TCP connections" },
        { .name = "exec", .type = PARAM_OBJECT, .sub = probe_exec, .offset = AT(experiment_probe, exec), .help = "commands" },
        { .name = "llm", .type = PARAM_OBJECT, .sub = model_probe_llm, .offset = AT(experiment_probe, llm), .help = "streamed completions of an OpenAI-style server" },
        { 0 },
};

/* The order is that of MODEL_FAULT_*. */
const struct param model_fault[] = {
        { .name = "name", .type = PARAM_STRING, .required = true, .offset = AT(experiment_fault, name), .help = "for people and records", .example = "late" },
        { .name = "kind", .type = PARAM_STRING, .required = true, .offset = AT(experiment_fault, kind), .help = "what breaks: chaosctl faults lists the kinds", .example = "net.delay" },
        { .name = "node", .type = PARAM_STRING, .fallback = "local", .offset = AT(experiment_fault, node), .help = "where: local" },
        { .name = "target", .type = PARAM_JSON, .offset = AT(experiment_fault, target), .help = "selectors of what it applies to" },
        { .name = "params", .type = PARAM_JSON, .offset = AT(experiment_fault, params), .help = "the kind's parameters" },
        { .name = "backend", .type = PARAM_STRING, .offset = AT(experiment_fault, backend), .help = "force one way of making it happen" },
        { .name = "after", .type = PARAM_DURATION, .max = DAY_US, .fallback = "0s", .offset = AT(experiment_fault, after_us), .help = "from the start of the fault phase" },
        { .name = "for", .type = PARAM_DURATION, .min = 100000, .max = DAY_US, .offset = AT(experiment_fault, for_us), .help = "how long it acts", .example = "20s" },
        { .name = "breakGlass", .type = PARAM_BOOL, .offset = AT(experiment_fault, break_glass), .help = "allow protected targets, if the daemon's policy does" },
        { 0 },
};

const struct param model_stop[] = {
        { .name = "probe", .type = PARAM_STRING, .offset = AT(experiment_stop, probe), .help = "watch this probe's answers" },
        { .name = "where", .type = PARAM_STRING, .offset = AT(experiment_stop, where_text), .help = "answers that count against it", .example = "error or status >= 500" },
        { .name = "above", .type = PARAM_PERCENT, .fallback = "50%", .offset = AT(experiment_stop, above_ppm), .help = "stop when more than this share of them match" },
        { .name = "window", .type = PARAM_DURATION, .min = 100000, .max = 3600000000ULL, .fallback = "1s", .offset = AT(experiment_stop, window_us), .help = "… over the last so long" },
        { .name = "query", .type = PARAM_STRING, .offset = AT(experiment_stop, query), .help = "PromQL: stop when it gives any sample that is not 0" },
        { .name = "dataSource", .type = PARAM_STRING, .offset = AT(experiment_stop, datasource_name), .help = "name of the DataSource document that query is asked of" },
        { 0 },
};
