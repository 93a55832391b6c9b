/* slo_math.h — arithmetic of SLOs: compliance, burn rate, error budget, alert windows. Pure; docs/slo.md explains it.
 * Ratios and shares are 0 … 1, times are microseconds. NAN means "no samples, no answer". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slo_count {
        double good, total; /* 0 <= good <= total */
};

/* good/total; NAN when total is 0. */
double slo_compliance(struct slo_count c);

/* Error ratio over what the objective allows: 1 spends the budget exactly in one period. objective < 1. */
double slo_burn(double compliance, double objective);

/* Share of the period's error budget that this burn rate spends in this time. */
double slo_spend(double burn, uint64_t duration_us, uint64_t period_us);

/* The burn rate that spends `share` of the budget within window_us. */
double slo_burn_limit(double share, uint64_t window_us, uint64_t period_us);

/* How long a steady error ratio needs, after none, until a window of this length shows the burn rate; NAN = never. */
double slo_time_to_fire_s(double error_ratio, double objective, double burn, uint64_t window_us);

/* One multi-window alert: both windows must show the burn rate. */
struct slo_alert {
        const char *severity;
        uint64_t long_us, short_us; /* short = long / 12 */
        double burn;
        double spend; /* share of the budget that the long window at this rate spends */
};

/* The SRE workbook's three for a period of 30 days (table 5-8), and the same scaled to another period:
 * windows grow in proportion, burn rates stay. */
extern const struct slo_alert slo_alerts_workbook[3];
struct slo_alert slo_alert_scale(const struct slo_alert *a, uint64_t period_us);

/* Windows for an experiment: long = half of the fault phase within 1 s … 1 h, short = long / 12, and as the burn rate
 * the one that would spend exactly max_spend if it lasted the whole fault phase. */
struct slo_alert slo_alert_for_run(uint64_t fault_us, double max_spend, uint64_t period_us);

/* The last samples, by when they became known; covers long_us. */
#define SLO_WINDOW_BINS 160
struct slo_window {
        uint64_t bin_us;
        uint64_t newest; /* number of the newest bin */
        struct slo_count bins[SLO_WINDOW_BINS];
};

void slo_window_init(struct slo_window *w, const struct slo_alert *a);
void slo_window_add(struct slo_window *w, uint64_t now_us, struct slo_count c);
/* Samples of the last span_us, to one bin (a tenth of the short window). */
struct slo_count slo_window_sum(const struct slo_window *w, uint64_t now_us, uint64_t span_us);

/* Does the alert fire? Needs at least 10 samples in the long window and one in the short one. */
bool slo_alert_fires(const struct slo_alert *a, const struct slo_window *w, uint64_t now_us, double objective);

enum slo_method { SLO_OCCURRENCES, SLO_TIMESLICES, SLO_RATIO_TIMESLICES };

/* One second of samples, by scheduled start. */
struct slo_second {
        uint32_t t_s; /* of the run */
        uint8_t phase;
        struct slo_count count;
};

/* Compliance of a run of seconds by a budgeting method. Occurrences: all good over all samples. Timeslices: the share
 * of slices whose own ratio is at least slice_target. RatioTimeslices: the mean of the slices' ratios. Slices without
 * samples do not count. The seconds may be in any order. phase: only seconds of it; UINT8_MAX = all. */
double slo_method_compliance(enum slo_method method, const struct slo_second *seconds, size_t n, unsigned phase,
                             uint64_t slice_us, double slice_target);
