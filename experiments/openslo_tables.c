#include "experiments/openslo_tables.h"

#include "experiments/openslo.h"

#define AT(type, field) offsetof(struct type, field)

static const char *const methods[] = { "Occurrences", "Timeslices", "RatioTimeslices", NULL };
static const char *const ops[] = { "lte", "lt", "gte", "gt", NULL };
static const char *const raw_types[] = { "success", "failure", NULL };
static const char *const condition_kinds[] = { "burnrate", NULL };

const struct param openslo_head[] = {
        { .name = "apiVersion",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_head, api_version),
          .help = "openslo/v1" },
        { .name = "kind",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_head, kind),
          .help = "SLO, SLI, DataSource …" },
        { .name = "metadata",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_head, metadata),
          .help = "name, displayName, labels" },
        { .name = "spec",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_head, spec),
          .help = "what the object says" },
        { 0 },
};

/* An object inside of another: apiVersion may be left out. */
const struct param openslo_inline_head[] = {
        { .name = "apiVersion", .type = PARAM_STRING, .offset = AT(openslo_head, api_version), .help = "openslo/v1" },
        { .name = "kind",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_head, kind),
          .help = "SLO, SLI, DataSource …" },
        { .name = "metadata",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_head, metadata),
          .help = "name, displayName, labels" },
        { .name = "spec",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_head, spec),
          .help = "what the object says" },
        { 0 },
};

const struct param openslo_metadata[] = {
        { .name = "name",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_metadata, name),
          .help = "a name such as shop-latency" },
        { .name = "displayName",
          .type = PARAM_STRING,
          .offset = AT(openslo_metadata, display_name),
          .help = "for people" },
        { .name = "labels", .type = PARAM_JSON, .offset = AT(openslo_metadata, labels), .help = "key: value" },
        { .name = "annotations",
          .type = PARAM_JSON,
          .offset = AT(openslo_metadata, annotations),
          .help = "key: value" },
        { 0 },
};

const struct param openslo_slo_spec[] = {
        { .name = "description",
          .type = PARAM_STRING,
          .offset = AT(openslo_slo_spec, description),
          .help = "for people" },
        { .name = "service",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_slo_spec, service),
          .help = "whose SLO this is" },
        { .name = "indicator",
          .type = PARAM_JSON,
          .offset = AT(openslo_slo_spec, indicator),
          .help = "an SLI written here" },
        { .name = "indicatorRef",
          .type = PARAM_STRING,
          .offset = AT(openslo_slo_spec, indicator_ref),
          .help = "name of an SLI document" },
        { .name = "timeWindow",
          .type = PARAM_JSON,
          .offset = AT(openslo_slo_spec, time_window),
          .help = "a list of exactly one window; 30 days, rolling, when it is left out" },
        { .name = "budgetingMethod",
          .type = PARAM_ENUM,
          .required = true,
          .choices = methods,
          .offset = AT(openslo_slo_spec, budgeting_method),
          .help = "Occurrences, Timeslices or RatioTimeslices" },
        { .name = "objectives",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_slo_spec, objectives),
          .help = "a list of targets" },
        { .name = "alertPolicies",
          .type = PARAM_JSON,
          .offset = AT(openslo_slo_spec, alert_policies),
          .help = "checked, not used: an experiment aborts by its own rules" },
        { 0 },
};

const struct param openslo_window[] = {
        { .name = "duration",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_window, duration),
          .help = "30d, 4w, 1M" },
        { .name = "isRolling",
          .type = PARAM_BOOL,
          .offset = AT(openslo_window, is_rolling),
          .help = "rolling, or by calendar" },
        { .name = "calendar",
          .type = PARAM_JSON,
          .offset = AT(openslo_window, calendar),
          .help = "startTime, timeZone" },
        { 0 },
};

struct calendar {
        uint64_t set;
        char *start_time, *time_zone;
};
const struct param openslo_calendar[] = {
        { .name = "startTime",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(calendar, start_time),
          .help = "2026-01-01 00:00:00" },
        { .name = "timeZone",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(calendar, time_zone),
          .help = "Europe/Berlin" },
        { 0 },
};

/* The order is that of OPENSLO_OBJECTIVE_*. */
const struct param openslo_objective[] = {
        { .name = "displayName",
          .type = PARAM_STRING,
          .offset = AT(openslo_objective, display_name),
          .help = "for people" },
        { .name = "op",
          .type = PARAM_ENUM,
          .choices = ops,
          .offset = AT(openslo_objective, op),
          .help = "thresholdMetric only" },
        { .name = "value", .type = PARAM_REAL, .offset = AT(openslo_objective, value), .help = "thresholdMetric only" },
        { .name = "target",
          .type = PARAM_REAL,
          .max = 1,
          .offset = AT(openslo_objective, target),
          .help = "0 … below 1" },
        { .name = "targetPercent",
          .type = PARAM_REAL,
          .max = 100,
          .offset = AT(openslo_objective, target_percent),
          .help = "0 … below 100" },
        { .name = "timeSliceTarget",
          .type = PARAM_REAL,
          .max = 1,
          .offset = AT(openslo_objective, slice_target),
          .help = "Timeslices only: share that makes a slice good" },
        { .name = "timeSliceWindow",
          .type = PARAM_STRING,
          .offset = AT(openslo_objective, slice_window),
          .help = "Timeslices and RatioTimeslices: length of a slice" },
        { 0 },
};

const struct param openslo_sli_spec[] = {
        { .name = "description",
          .type = PARAM_STRING,
          .offset = AT(openslo_sli_spec, description),
          .help = "for people" },
        { .name = "thresholdMetric",
          .type = PARAM_JSON,
          .offset = AT(openslo_sli_spec, threshold_metric),
          .help = "one value against objectives[].op and value" },
        { .name = "ratioMetric",
          .type = PARAM_JSON,
          .offset = AT(openslo_sli_spec, ratio_metric),
          .help = "good or bad over total, or raw" },
        { 0 },
};

const struct param openslo_ratio[] = {
        { .name = "counter",
          .type = PARAM_BOOL,
          .offset = AT(openslo_ratio, counter),
          .help = "queries give ever-growing counters" },
        { .name = "rawType",
          .type = PARAM_ENUM,
          .choices = raw_types,
          .offset = AT(openslo_ratio, raw_type),
          .help = "what raw is a ratio of" },
        { .name = "good", .type = PARAM_JSON, .offset = AT(openslo_ratio, good), .help = "good ones" },
        { .name = "bad", .type = PARAM_JSON, .offset = AT(openslo_ratio, bad), .help = "bad ones" },
        { .name = "total", .type = PARAM_JSON, .offset = AT(openslo_ratio, total), .help = "all" },
        { .name = "raw", .type = PARAM_JSON, .offset = AT(openslo_ratio, raw), .help = "a ratio, ready made" },
        { 0 },
};

const struct param openslo_metric[] = {
        { .name = "metricSource",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_metric, metric_source),
          .help = "type and spec" },
        { 0 },
};

const struct param openslo_source[] = {
        { .name = "metricSourceRef",
          .type = PARAM_STRING,
          .offset = AT(openslo_source, ref),
          .help = "name of a DataSource document" },
        { .name = "type",
          .type = PARAM_STRING,
          .offset = AT(openslo_source, type),
          .help = "Prometheus or probe can be measured" },
        { .name = "spec",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_source, spec),
          .help = "the query, or the probe" },
        { 0 },
};

const struct param openslo_probe_spec[] = {
        { .name = "probe",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_probe_spec, probe),
          .help = "name of a probe of the experiment" },
        { .name = "where",
          .type = PARAM_STRING,
          .offset = AT(openslo_probe_spec, where),
          .help = "which answers count",
          .example = "status < 500 and latency < 50ms" },
        { 0 },
};

const struct param openslo_prometheus_spec[] = {
        { .name = "query",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_prometheus_spec, query),
          .help = "PromQL" },
        { 0 },
};

const struct param openslo_datasource_spec[] = {
        { .name = "description",
          .type = PARAM_STRING,
          .offset = AT(openslo_datasource_spec, description),
          .help = "for people" },
        { .name = "type",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_datasource_spec, type),
          .help = "Prometheus" },
        { .name = "connectionDetails",
          .type = PARAM_JSON,
          .offset = AT(openslo_datasource_spec, connection),
          .help = "url and how to log in" },
        { 0 },
};

const struct param openslo_connection[] = {
        { .name = "url",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(slo_datasource, url),
          .help = "http://prometheus:9090" },
        { .name = "bearerTokenFile",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, bearer_token_file),
          .help = "file that holds the token" },
        { .name = "bearerTokenEnv",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, bearer_token_env),
          .help = "environment variable that holds the token" },
        { .name = "username",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, username),
          .help = "basic authentication" },
        { .name = "passwordFile",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, password_file),
          .help = "file that holds the password" },
        { .name = "passwordEnv",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, password_env),
          .help = "environment variable that holds the password" },
        { .name = "caFile",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, ca_file),
          .help = "certificate authorities, PEM" },
        { .name = "certFile",
          .type = PARAM_STRING,
          .offset = AT(slo_datasource, cert_file),
          .help = "client certificate, PEM" },
        { .name = "keyFile", .type = PARAM_STRING, .offset = AT(slo_datasource, key_file), .help = "client key, PEM" },
        { .name = "insecureSkipVerify",
          .type = PARAM_BOOL,
          .offset = AT(slo_datasource, insecure),
          .help = "do not check the server's certificate" },
        { .name = "headers",
          .type = PARAM_JSON,
          .offset = AT(slo_datasource, headers),
          .help = "more headers: {X-Scope-OrgID: team}" },
        { 0 },
};

struct described {
        uint64_t set;
        char *description, *target;
};
const struct param openslo_service_spec[] = {
        { .name = "description", .type = PARAM_STRING, .offset = AT(described, description), .help = "for people" },
        { 0 },
};
const struct param openslo_target_spec[] = {
        { .name = "description", .type = PARAM_STRING, .offset = AT(described, description), .help = "for people" },
        { .name = "target",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(described, target),
          .help = "email, pagerduty, slack …" },
        { 0 },
};

const struct param openslo_policy_spec[] = {
        { .name = "description",
          .type = PARAM_STRING,
          .offset = AT(openslo_policy_spec, description),
          .help = "for people" },
        { .name = "alertWhenNoData", .type = PARAM_BOOL, .offset = AT(openslo_policy_spec, no_data), .help = "" },
        { .name = "alertWhenResolved", .type = PARAM_BOOL, .offset = AT(openslo_policy_spec, resolved), .help = "" },
        { .name = "alertWhenBreaching", .type = PARAM_BOOL, .offset = AT(openslo_policy_spec, breaching), .help = "" },
        { .name = "conditions",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_policy_spec, conditions),
          .help = "a list of exactly one condition" },
        { .name = "notificationTargets",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_policy_spec, targets),
          .help = "who is told" },
        { 0 },
};

const struct param openslo_condition_spec[] = {
        { .name = "description",
          .type = PARAM_STRING,
          .offset = AT(openslo_condition_spec, description),
          .help = "for people" },
        { .name = "severity",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(openslo_condition_spec, severity),
          .help = "page, ticket …" },
        { .name = "condition",
          .type = PARAM_JSON,
          .required = true,
          .offset = AT(openslo_condition_spec, condition),
          .help = "when to alert" },
        { 0 },
};

struct condition {
        uint64_t set;
        int kind, op;
        double threshold;
        char *lookback, *after;
};
const struct param openslo_condition[] = {
        { .name = "kind",
          .type = PARAM_ENUM,
          .required = true,
          .choices = condition_kinds,
          .offset = AT(condition, kind),
          .help = "burnrate" },
        { .name = "op", .type = PARAM_ENUM, .choices = ops, .offset = AT(condition, op), .help = "lte, lt, gte or gt" },
        { .name = "threshold",
          .type = PARAM_REAL,
          .required = true,
          .offset = AT(condition, threshold),
          .help = "burn rate" },
        { .name = "lookbackWindow",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(condition, lookback),
          .help = "1h" },
        { .name = "alertAfter", .type = PARAM_STRING, .offset = AT(condition, after), .help = "5m" },
        { 0 },
};
