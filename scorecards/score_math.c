#include "scorecards/score_math.h"

#include <math.h>

double score_freshness(double age_s, double half_life_s) {
        return age_s <= 0 ? 1 : exp2(-age_s / half_life_s);
}

static double clamp01(double x) {
        return fmin(1, fmax(0, x));
}

/* E. B. Wilson, 1927: the interval that stays sensible at p = 0 and p = 1 and for small n. */
struct score_interval score_wilson(double p, double n) {
        double z2 = SCORE_Z_95 * SCORE_Z_95;
        double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
        double half = SCORE_Z_95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);

        return (struct score_interval){ clamp01(centre - half), clamp01(centre + half) };
}

void score_sum_add(struct score_sum *s, double weight, double outcome) {
        s->weights += weight;
        s->weighted += weight * outcome;
        s->squares += weight * weight;
        s->n++;
}

double score_sum_value(const struct score_sum *s) {
        return s->weights > 0 ? clamp01(s->weighted / s->weights) : (double)NAN;
}

double score_sum_effective_n(const struct score_sum *s) {
        return s->squares > 0 ? s->weights * s->weights / s->squares : 0;
}
