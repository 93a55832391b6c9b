/* prom_budget.c — what is left of an error budget, from what Prometheus remembers of the whole window. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/openslo.h"
#include "experiments/prometheus.h"

#define STEPS          720  /* of a window: an hour of 30 days */
#define SLICES_A_QUERY 5000 /* Prometheus refuses more than 11,000 points a series */

static const char *const ops[] = { "<=", "<", ">=", ">" };

static void keep_warning(char to[200], const char *from) {
        if (from[0])
                (void)snprintf(to, 200, "%.199s", from);
}

/* function over the whole window, in steps of a 720th of it. */
static int query_over_window(const struct slo_source *source, const char *function, const char *suffix,
                             int64_t window_s, double *ret, char warning[200], struct err *e) {
        int64_t step_s = window_s / STEPS > 0 ? window_s / STEPS : 1;
        struct prometheus_answer a = { 0 };
        SCOPED_FREE char *query = NULL;
        int r;

        if (asprintf(&query, "%s(((%s)%s)[%llds:%llds])", function, source->query, suffix, (long long)window_s,
                     (long long)step_s) < 0)
                return err_set(e, -ENOMEM, "no memory");

        r = prometheus_query(source->datasource, query, &a, e);
        if (r < 0)
                return r;
        keep_warning(warning, a.warning);
        if (a.no_data)
                return err_set(e, -ENODATA, "no data over the SLO's window");
        if (a.series > 1)
                return err_set(e, -EINVAL, "the query gives %zu series; add sum(): %.150s", a.series, source->query);
        *ret = a.value;
        return 0;
}

/* Occurrences: counters by what they grew, everything else by its mean. */
static int read_occurrences(const struct slo *s, int64_t window_s, double *ret, char warning[200], struct err *e) {
        const char *function = s->counter ? "increase" : "avg_over_time";
        double part = 0, total = 0;
        char suffix[64];
        int r;

        if (s->indicator == SLO_THRESHOLD) {
                (void)snprintf(suffix, sizeof(suffix), " %s bool %.17g", ops[s->op], s->value);
                return query_over_window(&s->part, "avg_over_time", suffix, window_s, ret, warning, e);
        }
        if (s->indicator == SLO_RAW) {
                r = query_over_window(&s->part, "avg_over_time", "", window_s, &part, warning, e);
                if (r >= 0)
                        *ret = s->raw_success ? part : 1 - part;
                return r;
        }

        r = query_over_window(&s->part, function, "", window_s, &part, warning, e);
        if (r >= 0)
                r = query_over_window(&s->total, function, "", window_s, &total, warning, e);
        if (r >= 0)
                *ret = s->indicator == SLO_BAD_TOTAL ? 1 - part / total : part / total;
        return r;
}

/* PromQL for the good share of one slice. Caller frees; NULL = no memory. */
static char *slice_query(const struct slo *s) {
        long long slice_s = (long long)(s->slice_us / USEC_PER_SEC), step_s = slice_s >= 4 ? slice_s / 4 : 1;
        const char *one_minus =
                s->indicator == SLO_BAD_TOTAL || (s->indicator == SLO_RAW && !s->raw_success) ? "1 - " : "";
        char *query = NULL;
        int n;

        if (s->indicator == SLO_THRESHOLD)
                n = asprintf(&query, "avg_over_time(((%s) %s bool %.17g)[%llds:%llds])", s->part.query, ops[s->op],
                             s->value, slice_s, step_s);
        else if (s->indicator == SLO_RAW)
                n = asprintf(&query, "%savg_over_time((%s)[%llds:%llds])", one_minus, s->part.query, slice_s, step_s);
        else
                n = asprintf(&query, "%s%s((%s)[%llds:%llds]) / %s((%s)[%llds:%llds])", one_minus,
                             s->counter ? "increase" : "avg_over_time", s->part.query, slice_s, step_s,
                             s->counter ? "increase" : "avg_over_time", s->total.query, slice_s, step_s);
        return n < 0 ? NULL : query;
}

struct slices {
        double n, good, ratios;
};

static int add_slices(const struct slo *s, const json_t *data, struct slices *sum, struct err *e) {
        const json_t *series = json_at(data, "result"), *point;
        size_t i;

        if (json_array_size(series) > 1)
                return err_set(e, -EINVAL, "the query gives %zu series; add sum()", json_array_size(series));

        json_array_foreach (json_at(series, "0/values"), i, point) {
                const char *text = json_string_value(json_array_get(point, 1));
                double ratio = text ? strtod(text, NULL) : NAN;

                if (!isfinite(ratio)) /* nothing happened in this slice */
                        continue;
                sum->n++;
                sum->good += ratio >= s->slice_target;
                sum->ratios += ratio;
        }
        return 0;
}

/* Timeslices and RatioTimeslices: the value at the end of each slice, in as many queries as it takes. */
static int read_slices(const struct slo *s, int64_t begin_s, int64_t end_s, double *ret, char warning[200],
                       struct err *e) {
        int64_t slice_s = (int64_t)(s->slice_us / USEC_PER_SEC);
        SCOPED_FREE char *query = slice_query(s);
        struct slices sum = { 0 };

        if (!query)
                return err_set(e, -ENOMEM, "no memory");

        for (int64_t from_s = begin_s + slice_s; from_s <= end_s; from_s += slice_s * SLICES_A_QUERY) {
                int64_t to_s = from_s + slice_s * (SLICES_A_QUERY - 1);
                SCOPED_JSON json_t *data = NULL;
                char words[200] = "";
                int r;

                r = prometheus_query_range(s->part.datasource, query, (double)from_s,
                                           (double)(to_s < end_s ? to_s : end_s), (double)slice_s, &data, words, e);
                if (r >= 0)
                        r = add_slices(s, data, &sum, e);
                if (r < 0)
                        return r;
                keep_warning(warning, words);
        }
        if (sum.n <= 0)
                return err_set(e, -ENODATA, "no data over the SLO's window");
        *ret = (s->method == SLO_TIMESLICES ? sum.good : sum.ratios) / sum.n;
        return 0;
}

int prom_remaining(const struct slo *s, double *ret, char warning[200], struct err *e) {
        int64_t now_s = (int64_t)(clock_realtime_us() / USEC_PER_SEC), begin_s, end_s;
        double compliance = NAN, elapsed;
        int r;

        r = slo_window_bounds(s, now_s, &begin_s, &end_s, e);
        if (r < 0)
                return r;
        if (now_s <= begin_s) { /* a calendar's window that begins this second: nothing is spent */
                *ret = 1;
                return 0;
        }

        r = s->method == SLO_OCCURRENCES ? read_occurrences(s, now_s - begin_s, &compliance, warning, e)
                                         : read_slices(s, begin_s, now_s, &compliance, warning, e);
        if (r < 0)
                return r;
        if (!isfinite(compliance))
                return err_set(e, -ENODATA, "nothing was counted over the SLO's window");

        elapsed = (double)(now_s - begin_s) / (double)(end_s - begin_s);
        *ret = 1 - slo_burn(compliance, s->objective) * elapsed;
        return 0;
}
