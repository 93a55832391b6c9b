/* score_math.h — the arithmetic of scores, each formula alone so that a test can hold it against paper. */
#pragma once

#define SCORE_Z_95 1.959963984540054 /* two-sided 95 % */

struct score_interval {
        double low, high; /* within [0, 1] */
};

/* Freshness of something age_s seconds old: 2^(-age/half-life), 1 for the future. half_life_s > 0. */
double score_freshness(double age_s, double half_life_s);

/* Wilson score interval of a proportion p in [0, 1] seen in n > 0 trials (n may be an effective, fractional size). */
struct score_interval score_wilson(double p, double n);

/* Weighted sums of outcomes, one term at a time. */
struct score_sum {
        double weights, weighted, squares;
        unsigned n;
};
void score_sum_add(struct score_sum *s, double weight, double outcome);
double score_sum_value(const struct score_sum *s);       /* Σ w·o / Σ w in [0, 1]; NaN when empty */
double score_sum_effective_n(const struct score_sum *s); /* Kish: (Σ w)² / Σ w²; 0 when empty */
