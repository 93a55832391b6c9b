#include "experiments/slo_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/scoped.h"

#define HOUR_US        (3600 * USEC_PER_SEC)
#define DAY_US         (24 * HOUR_US)
#define LONG_MIN_US    (1 * USEC_PER_SEC)
#define LONG_MAX_US    HOUR_US
#define BINS_PER_SHORT 10
#define SAMPLES_MIN    10

const struct slo_alert slo_alerts_workbook[3] = {
        { "page", 1 * HOUR_US, 5 * 60 * USEC_PER_SEC, 14.4, 0.02 },
        { "page", 6 * HOUR_US, 30 * 60 * USEC_PER_SEC, 6, 0.05 },
        { "ticket", 3 * DAY_US, 6 * HOUR_US, 1, 0.10 },
};

double slo_compliance(struct slo_count c) {
        return c.total > 0 ? c.good / c.total : NAN;
}

double slo_burn(double compliance, double objective) {
        return (1 - compliance) / (1 - objective);
}

double slo_spend(double burn, uint64_t duration_us, uint64_t period_us) {
        return burn * (double)duration_us / (double)period_us;
}

double slo_burn_limit(double share, uint64_t window_us, uint64_t period_us) {
        return share * (double)period_us / (double)window_us;
}

double slo_time_to_fire_s(double error_ratio, double objective, double burn, uint64_t window_us) {
        double needed = burn * (1 - objective); /* error ratio of the window that shows this burn rate */

        if (error_ratio <= 0 || needed > error_ratio)
                return NAN;
        return needed / error_ratio * (double)window_us / (double)USEC_PER_SEC;
}

struct slo_alert slo_alert_scale(const struct slo_alert *a, uint64_t period_us) {
        double factor = (double)period_us / (double)(30 * DAY_US);
        struct slo_alert scaled = *a;

        scaled.long_us = (uint64_t)((double)a->long_us * factor);
        scaled.short_us = (uint64_t)((double)a->short_us * factor);
        return scaled;
}

struct slo_alert slo_alert_for_run(uint64_t fault_us, double max_spend, uint64_t period_us) {
        struct slo_alert a = { .severity = "abort", .spend = max_spend };

        a.long_us = fault_us / 2;
        if (a.long_us < LONG_MIN_US)
                a.long_us = LONG_MIN_US;
        if (a.long_us > LONG_MAX_US)
                a.long_us = LONG_MAX_US;
        a.short_us = a.long_us / 12;
        a.burn = slo_burn_limit(max_spend, fault_us ? fault_us : a.long_us, period_us);
        return a;
}

void slo_window_init(struct slo_window *w, const struct slo_alert *a) {
        memset(w, 0, sizeof(*w));
        w->bin_us = a->short_us / BINS_PER_SHORT;
        if (w->bin_us < USEC_PER_MSEC)
                w->bin_us = USEC_PER_MSEC;
}

void slo_window_add(struct slo_window *w, uint64_t now_us, struct slo_count c) {
        uint64_t bin = now_us / w->bin_us;

        if (bin > w->newest) {
                uint64_t fresh = bin - w->newest;

                for (uint64_t i = 1; i <= fresh && i <= SLO_WINDOW_BINS; i++)
                        w->bins[(w->newest + i) % SLO_WINDOW_BINS] = (struct slo_count){ 0 };
                w->newest = bin;
        }
        if (w->newest - bin >= SLO_WINDOW_BINS)
                return;

        w->bins[bin % SLO_WINDOW_BINS].good += c.good;
        w->bins[bin % SLO_WINDOW_BINS].total += c.total;
}

struct slo_count slo_window_sum(const struct slo_window *w, uint64_t now_us, uint64_t span_us) {
        uint64_t last = now_us / w->bin_us, first = now_us > span_us ? (now_us - span_us) / w->bin_us : 0;
        struct slo_count sum = { 0 };

        for (uint64_t bin = first; bin <= last && bin <= w->newest; bin++)
                if (w->newest - bin < SLO_WINDOW_BINS) {
                        sum.good += w->bins[bin % SLO_WINDOW_BINS].good;
                        sum.total += w->bins[bin % SLO_WINDOW_BINS].total;
                }
        return sum;
}

bool slo_alert_fires(const struct slo_alert *a, const struct slo_window *w, uint64_t now_us, double objective) {
        struct slo_count in_long = slo_window_sum(w, now_us, a->long_us);
        struct slo_count in_short = slo_window_sum(w, now_us, a->short_us);

        if (in_long.total < SAMPLES_MIN || in_short.total <= 0)
                return false;
        return slo_burn(slo_compliance(in_long), objective) >= a->burn &&
               slo_burn(slo_compliance(in_short), objective) >= a->burn;
}

double slo_method_compliance(enum slo_method method, const struct slo_second *seconds, size_t n, unsigned phase,
                             uint64_t slice_us, double slice_target) {
        uint64_t slice_s = slice_us / USEC_PER_SEC ? slice_us / USEC_PER_SEC : 1;
        uint32_t first_s = UINT32_MAX, last_s = 0;
        SCOPED_FREE struct slo_count *slices = NULL;
        double filled = 0, good = 0, ratios = 0;
        struct slo_count all = { 0 };
        size_t n_slices;

        for (size_t i = 0; i < n; i++) {
                if (phase != UINT8_MAX && seconds[i].phase != phase)
                        continue;
                first_s = seconds[i].t_s < first_s ? seconds[i].t_s : first_s;
                last_s = seconds[i].t_s > last_s ? seconds[i].t_s : last_s;
                all.good += seconds[i].count.good;
                all.total += seconds[i].count.total;
        }
        if (method == SLO_OCCURRENCES || all.total <= 0)
                return slo_compliance(all);

        n_slices = (size_t)((last_s - first_s) / slice_s) + 1;
        slices = calloc(n_slices, sizeof(*slices));
        if (!slices)
                return NAN;
        for (size_t i = 0; i < n; i++) {
                if (phase != UINT8_MAX && seconds[i].phase != phase)
                        continue;
                slices[(seconds[i].t_s - first_s) / slice_s].good += seconds[i].count.good;
                slices[(seconds[i].t_s - first_s) / slice_s].total += seconds[i].count.total;
        }
        for (size_t k = 0; k < n_slices; k++) {
                if (slices[k].total <= 0)
                        continue;
                filled++;
                good += slo_compliance(slices[k]) >= slice_target;
                ratios += slo_compliance(slices[k]);
        }
        return (method == SLO_TIMESLICES ? good : ratios) / filled;
}
