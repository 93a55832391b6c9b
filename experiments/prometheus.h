/* prometheus.h — PromQL over Prometheus' HTTP API (also Thanos, Cortex, Mimir, VictoriaMetrics). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"

struct err;
struct slo;
struct slo_datasource;

struct prometheus_answer {
        bool no_data;      /* nothing, or NaN */
        size_t series;     /* how many samples the query gave */
        double value;      /* of the only one; with several, of the first; +-inf is possible */
        bool any_nonzero;  /* a sample that is neither 0 nor NaN */
        char warning[200]; /* the server's, or "" */
};

/* prometheus_query — an instant query. 0; -EINVAL with Prometheus' own words for a bad query; -EACCES for 401 and 403;
 * -EIO for other refusals; and http_send()'s errors. */
int prometheus_query(const struct slo_datasource *d, const char *query, struct prometheus_answer *ret, struct err *e);

/* prometheus_query_pair — two queries that see the same moment (asked one after the other, a scrape may come between
 * them): instant vectors only, -EINVAL for scalars. */
int prometheus_query_pair(const struct slo_datasource *d, const char *part, const char *total,
                          struct prometheus_answer *ret_part, struct prometheus_answer *ret_total, struct err *e);

/* prometheus_query_range — *ret is the answer's "data" ({"resultType":"matrix","result":[…]}), a new reference.
 * Times are seconds since the epoch, step in seconds. */
int prometheus_query_range(const struct slo_datasource *d, const char *query, double start_s, double end_s,
                           double step_s, json_t **ret, char warning[200], struct err *e);

/* prom_remaining — share of the SLO's error budget that is left over its whole window (a calendar's: the one that
 * began last, up to now), from Prometheus' own data and by the SLO's own budgeting method; may be negative. warning:
 * the server's, or "". -ENODATA when there is none. */
int prom_remaining(const struct slo *s, double *ret, char warning[200], struct err *e);
