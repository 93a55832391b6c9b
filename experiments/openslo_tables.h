/* openslo_tables.h — the parameter tables of OpenSLO v1's objects, and the structs they fill. */
#pragma once

#include "core/param.h"

/* Every object. */
struct openslo_head {
        uint64_t set;
        char *api_version, *kind;
        const json_t *metadata, *spec;
};
struct openslo_metadata {
        uint64_t set;
        char *name, *display_name;
        const json_t *labels, *annotations;
};
struct openslo_slo_spec {
        uint64_t set;
        char *description, *service, *indicator_ref;
        const json_t *indicator, *time_window, *objectives, *alert_policies;
        int budgeting_method; /* enum slo_method */
};
struct openslo_window {
        uint64_t set;
        char *duration;
        bool is_rolling;
        const json_t *calendar;
};
struct openslo_objective {
        uint64_t set;
        char *display_name, *slice_window;
        int op; /* enum slo_op */
        double value, target, target_percent, slice_target;
};
struct openslo_sli_spec {
        uint64_t set;
        char *description;
        const json_t *threshold_metric, *ratio_metric;
};
struct openslo_ratio {
        uint64_t set;
        bool counter;
        int raw_type; /* 0 success, 1 failure */
        const json_t *good, *bad, *total, *raw;
};
struct openslo_metric {
        uint64_t set;
        const json_t *metric_source;
};
struct openslo_source {
        uint64_t set;
        char *ref, *type;
        const json_t *spec;
};

enum { OPENSLO_HEAD_METADATA = 2, OPENSLO_HEAD_SPEC = 3 };
enum {
        OPENSLO_OBJECTIVE_OP = 1,
        OPENSLO_OBJECTIVE_VALUE,
        OPENSLO_OBJECTIVE_TARGET,
        OPENSLO_OBJECTIVE_PERCENT,
        OPENSLO_OBJECTIVE_SLICE_TARGET,
        OPENSLO_OBJECTIVE_SLICE_WINDOW
};

extern const struct param openslo_head[], openslo_inline_head[], openslo_metadata[], openslo_slo_spec[],
        openslo_window[], openslo_objective[], openslo_sli_spec[], openslo_ratio[], openslo_metric[], openslo_source[],
        openslo_probe_spec[], openslo_prometheus_spec[], openslo_datasource_spec[], openslo_connection[],
        openslo_service_spec[], openslo_policy_spec[], openslo_condition_spec[], openslo_condition[],
        openslo_target_spec[], openslo_calendar[];

struct openslo_probe_spec {
        uint64_t set;
        char *probe, *where;
};
struct openslo_prometheus_spec {
        uint64_t set;
        char *query;
};
struct openslo_datasource_spec {
        uint64_t set;
        char *description, *type;
        const json_t *connection;
};
struct openslo_policy_spec {
        uint64_t set;
        char *description;
        bool no_data, resolved, breaching;
        const json_t *conditions, *targets;
};
struct openslo_condition_spec {
        uint64_t set;
        char *description, *severity;
        const json_t *condition;
};
