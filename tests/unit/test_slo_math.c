#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "experiments/slo_math.h"
#include "lib/check.h"

#define DAY_US (86400 * USEC_PER_SEC)

static bool near(double a, double b) {
        return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

static void test_basics(void) {
        CHECK(isnan(slo_compliance((struct slo_count){ 0, 0 })), "no samples");
        CHECK(near(slo_compliance((struct slo_count){ 999, 1000 }), 0.999), "compliance");
        CHECK(near(slo_burn(0.999, 0.999), 1), "burn 1");
        CHECK(near(slo_burn(0, 0.999), 1000), "burn of an outage: %f", slo_burn(0, 0.999));
        CHECK(near(slo_burn(0, 0.99), 100), "burn of an outage: %f", slo_burn(0, 0.99));
        CHECK(near(slo_spend(1, 30 * DAY_US, 30 * DAY_US), 1), "burn 1 for a period spends the budget");
        CHECK(near(slo_spend(1000, 10 * USEC_PER_SEC, 30 * DAY_US), 1000 * 10 / 2592000.0), "ten seconds of outage");
}

/* The figures of the SRE workbook, table 5-8, for 99.9 % over 30 days. */
static void test_workbook(void) {
        for (int i = 0; i < 3; i++) {
                const struct slo_alert *a = &slo_alerts_workbook[i];

                CHECK(a->short_us * 12 == a->long_us, "%d: short window", i);
                CHECK(near(slo_spend(a->burn, a->long_us, 30 * DAY_US), a->spend), "%d: spends %f", i,
                      slo_spend(a->burn, a->long_us, 30 * DAY_US));
                CHECK(near(slo_burn_limit(a->spend, a->long_us, 30 * DAY_US), a->burn), "%d: burn %f", i,
                      slo_burn_limit(a->spend, a->long_us, 30 * DAY_US));
        }
        CHECK(near(slo_time_to_fire_s(1, 0.999, 14.4, 3600 * USEC_PER_SEC), 51.84), "%f s at full outage",
              slo_time_to_fire_s(1, 0.999, 14.4, 3600 * USEC_PER_SEC));
        CHECK(isnan(slo_time_to_fire_s(0.01, 0.999, 14.4, 3600 * USEC_PER_SEC)), "10 < 14.4 never fires");
        CHECK(isnan(slo_time_to_fire_s(0, 0.999, 1, 3600 * USEC_PER_SEC)), "no errors never fire");

        struct slo_alert week = slo_alert_scale(&slo_alerts_workbook[0], 7 * DAY_US);

        CHECK(week.long_us == 840 * USEC_PER_SEC && near(slo_spend(week.burn, week.long_us, 7 * DAY_US), 0.02),
              "scaled: %lu", week.long_us);
}

static void test_run_windows(void) {
        struct slo_alert a = slo_alert_for_run(10 * USEC_PER_SEC, 0.10, 30 * DAY_US);

        CHECK(a.long_us == 5 * USEC_PER_SEC && a.short_us == 416666, "%lu %lu", a.long_us, a.short_us);
        CHECK(near(slo_spend(a.burn, 10 * USEC_PER_SEC, 30 * DAY_US), 0.10), "the whole phase spends the cap");

        a = slo_alert_for_run(0, 0.10, 30 * DAY_US);
        CHECK(a.long_us == USEC_PER_SEC && isfinite(a.burn), "no length");
        a = slo_alert_for_run(30 * DAY_US, 0.10, 30 * DAY_US);
        CHECK(a.long_us == 3600 * USEC_PER_SEC, "clamped to an hour: %lu", a.long_us);
}

/* A minute of good answers, then an outage: the alert fires when the long window has seen enough of it. */
static void test_fires(void) {
        struct slo_alert a = { .long_us = 60 * USEC_PER_SEC, .short_us = 5 * USEC_PER_SEC, .burn = 100 };
        struct slo_window w;
        uint64_t t, fired = 0;

        slo_window_init(&w, &a);
        for (t = 0; t < 120 * USEC_PER_SEC; t += 10 * USEC_PER_MSEC) {
                bool good = t < 60 * USEC_PER_SEC;

                slo_window_add(&w, t, (struct slo_count){ good, 1 });
                if (!fired && slo_alert_fires(&a, &w, t, 0.999))
                        fired = t;
        }
        /* 100 x 0.001 of 60 s: after 6 s, to one bin (0.5 s) */
        CHECK(fired >= 66 * USEC_PER_SEC && fired <= 66600 * USEC_PER_MSEC, "fired at %lu", fired);

        /* Healthy again: the short window clears the alert at once, although the long one still burns. */
        for (; t < 127 * USEC_PER_SEC; t += 10 * USEC_PER_MSEC)
                slo_window_add(&w, t, (struct slo_count){ 1, 1 });
        CHECK(!slo_alert_fires(&a, &w, t, 0.999), "the short window clears");
        CHECK(slo_burn(slo_compliance(slo_window_sum(&w, t, a.long_us)), 0.999) > 100, "the long one still burns");

        slo_window_init(&w, &a);
        for (int i = 0; i < 9; i++)
                slo_window_add(&w, 1000, (struct slo_count){ 0, 1 });
        CHECK(!slo_alert_fires(&a, &w, 1000, 0.999), "nine samples are too few");
        slo_window_add(&w, 1000, (struct slo_count){ 0, 1 });
        CHECK(slo_alert_fires(&a, &w, 1000, 0.999), "ten are enough");
        CHECK(!slo_alert_fires(&a, &w, 1000 + 10 * 60 * USEC_PER_SEC, 0.999), "old samples fall out");
}

/* Against a plain list of samples. */
static void test_window_sum(void) {
        struct slo_alert a = { .long_us = 12 * USEC_PER_SEC, .short_us = 1 * USEC_PER_SEC };
        static uint64_t at[5000];
        struct slo_window w;
        unsigned seed = 3;
        uint64_t t = 0;

        slo_window_init(&w, &a);
        for (int i = 0; i < 5000; i++) {
                struct slo_count sum;
                double low = 0, high = 0;

                t += (uint64_t)rand_r(&seed) % (i % 500 == 0 ? 30000000 : 20000);
                at[i] = t;
                slo_window_add(&w, t, (struct slo_count){ 1, 1 });
                sum = slo_window_sum(&w, t, a.long_us);
                for (int k = i; k >= 0 && t - at[k] <= a.long_us + w.bin_us; k--) {
                        low += t - at[k] <= a.long_us;
                        high++;
                }
                CHECK(sum.total >= low && sum.total <= high, "%d: %f not in %f … %f", i, sum.total, low, high);
        }
}

static void test_methods(void) {
        /* Two minutes: one whole, one with half of its answers bad; a second of another phase in between. */
        struct slo_second s[121];
        size_t n = 0;

        for (uint32_t t = 0; t < 120; t++) {
                if (t == 60)
                        s[n++] = (struct slo_second){ t, 0, { 0, 100 } };
                s[n++] = (struct slo_second){ t, 1, { t < 60 ? 10 : 5, 10 } };
        }
        CHECK(near(slo_method_compliance(SLO_OCCURRENCES, s, n, 1, 0, 0), 0.75), "occurrences");
        CHECK(near(slo_method_compliance(SLO_TIMESLICES, s, n, 1, 60 * USEC_PER_SEC, 0.9), 0.5), "timeslices");
        CHECK(near(slo_method_compliance(SLO_TIMESLICES, s, n, 1, 60 * USEC_PER_SEC, 0.5), 1), "timeslices, lax");
        CHECK(near(slo_method_compliance(SLO_RATIO_TIMESLICES, s, n, 1, 60 * USEC_PER_SEC, 0), 0.75), "ratio slices");
        CHECK(isnan(slo_method_compliance(SLO_TIMESLICES, s, n, 2, 60 * USEC_PER_SEC, 0.9)), "no such phase");
        CHECK(slo_method_compliance(SLO_OCCURRENCES, s, n, UINT8_MAX, 0, 0) < 0.75, "all phases");
}

/* By hand: a quiet minute (10 of 10 good), a busy one (0 of 90), a silent one, a fair one (8 of 10). */
static void test_methods_by_hand(void) {
        static const struct slo_second s[] = {
                { 190, 1, { 8, 10 } }, { 70, 1, { 0, 60 } }, { 5, 1, { 4, 4 } },
                { 100, 1, { 0, 30 } }, { 50, 1, { 6, 6 } },
        };
        const size_t n = sizeof(s) / sizeof(s[0]);
        const uint64_t minute = 60 * USEC_PER_SEC;

        /* Slices begin at the first second, 5: [5, 65) [65, 125) [125, 185) [185, 245). */
        CHECK(near(slo_method_compliance(SLO_OCCURRENCES, s, n, 1, 0, 0), 18.0 / 110), "18 of 110");
        CHECK(near(slo_method_compliance(SLO_TIMESLICES, s, n, 1, minute, 0.8), 2.0 / 3), "two of three minutes");
        CHECK(near(slo_method_compliance(SLO_TIMESLICES, s, n, 1, minute, 0.81), 1.0 / 3), "one of three minutes");
        CHECK(near(slo_method_compliance(SLO_RATIO_TIMESLICES, s, n, 1, minute, 0), (1 + 0 + 0.8) / 3), "their mean");
        /* 99 % of the minutes of a day: 14.4 may be bad, so 3 of 3 bad ones spend 3 / 14.4 of the budget. */
        CHECK(near(slo_spend(slo_burn(0, 0.99), 3 * minute, 1440 * minute), 3 / 14.4), "minutes of a day");
}

int main(void) {
        test_basics();
        test_workbook();
        test_run_windows();
        test_fires();
        test_window_sum();
        test_methods();
        test_methods_by_hand();
        return check_result();
}
