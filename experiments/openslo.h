/* openslo.h — OpenSLO v1 documents: parsed, checked, and linked into SLOs that can be measured. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "experiments/slo_math.h"

struct err;
struct where;
struct yaml_file;

/* Where Prometheus is and how to log in. Secrets are never in a document (documents go into run records): only the
 * names of files and environment variables that hold them. */
struct slo_datasource {
        uint64_t set;
        char *url, *bearer_token_file, *bearer_token_env, *username, *password_file, *password_env;
        char *ca_file, *cert_file, *key_file;
        bool insecure;
        const json_t *headers; /* {"X-Scope-OrgID": "team"}; borrowed from the document */
        char *name;
};

struct slo_source {
        bool given;
        bool is_probe;
        char *probe;         /* name of the experiment's probe */
        char *where_text;    /* NULL = every answer */
        struct where *where; /* NULL = every answer */
        char *query;         /* PromQL */
        char *type;          /* one that cannot be measured, or NULL */
        const json_t *spec;  /* of another type, or of none; borrowed from the document */
        const struct slo_datasource *datasource;
};

enum slo_indicator { SLO_GOOD_TOTAL, SLO_BAD_TOTAL, SLO_RAW, SLO_THRESHOLD };
enum slo_op { SLO_LTE, SLO_LT, SLO_GTE, SLO_GT };

/* A window by calendar: from `start` (local time of `zone`) on, one after the other. */
struct slo_calendar {
        bool given;
        char *start, *zone;
        uint64_t n; /* of unit: m h d w M Q Y */
        char unit;
};

/* One objective of one SLO document. */
struct slo {
        char *name;         /* of the document; with "/2", "/3" … for further objectives */
        char *display_name; /* may be NULL */
        char *service, *description;
        enum slo_indicator indicator;
        bool counter;                  /* queries give ever-growing counters, not values of their own */
        bool raw_success;              /* SLO_RAW: the ratio is of good ones, not of bad ones */
        struct slo_source part, total; /* part: good, bad, raw or threshold */
        double objective;              /* 0 … 1, below 1 */
        enum slo_op op;                /* SLO_THRESHOLD: good when `sample op value` */
        double value;
        uint64_t window_us; /* the period of the error budget */
        enum slo_method method;
        uint64_t slice_us;
        double slice_target;
        struct slo_calendar calendar; /* .given: the window does not roll */
        bool no_data_ok;              /* a look without data during a fault is no sample, instead of a bad one */
        char *unmeasurable;           /* "file:line:column: why" an experiment cannot judge it; NULL = it can */
        size_t file, document;        /* where it was read: for messages */
};

/* All documents of some files, linked to each other. */
struct slo_set {
        struct yaml_file **files;
        size_t n_files;
        struct slo *slos;
        size_t n_slos;
        struct slo_datasource *datasources;
        size_t n_datasources;
        bool alone;       /* what a reference means may stand in files that are not here: a warning */
        json_t *warnings; /* "file:line:column: text" */
};

/* slo_set_add — read a file and check every document in it. *ret_file is its number in the set; a file that is already
 * there is not read again. Returns 0, or -errno with "file:line:column: …" in e. */
int slo_set_add(struct slo_set *set, const char *path, size_t *ret_file, struct err *e);

/* slo_set_link — resolve indicatorRef, metricSourceRef, conditionRef and targetRef among all files, and make set->slos.
 * Call once, after the last slo_set_add(). */
int slo_set_link(struct slo_set *set, struct err *e);
void slo_set_done(struct slo_set *set);

/* Does an SLO's sample count as good? For SLO_THRESHOLD. */
bool slo_threshold_holds(const struct slo *s, double sample);

/* slo_sources_check — one metric source as JSON; at failure e->path points into it. For tests. */
int slo_source_parse(const json_t *metric_source, struct slo_source *ret, const char **ret_ref, struct err *e);
void slo_source_done(struct slo_source *s);

/* slo_file_warnings — what is odd about a file that slo_set_add() takes, on its own: "file:line:column: text" each.
 * A new array, empty when the file cannot be read; NULL = no memory. For `chaosctl validate`. */
json_t *slo_file_warnings(const char *path);

/* slo_window_bounds — the window of the error budget at now_s (seconds since the epoch): a rolling one ends now, one
 * by calendar is that in which now lies. Months and the hours of daylight saving count as they are in that zone. Sets
 * TZ for a moment: call it while the process has one thread. Returns 0; -ERANGE before the calendar's first window. */
int slo_window_bounds(const struct slo *s, int64_t now_s, int64_t *ret_begin_s, int64_t *ret_end_s, struct err *e);

/* openslo_duration — "5m", "30d", "4w", and M, Q, Y as 30, 90 and 365 days. */
int openslo_parse_duration(const char *text, uint64_t *ret_us, struct err *e);
