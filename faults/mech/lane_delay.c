#include "faults/mech/lane_delay.h"

#include <math.h>
#include <string.h>

#include "core/scoped.h"

const char *const lane_distributions[] = {
        [LANE_UNIFORM] = "uniform",
        [LANE_NORMAL] = "normal",
        [LANE_PARETO] = "pareto",
        [LANE_PARETONORMAL] = "paretonormal",
        NULL,
};

#define QUANTILE_STEPS 28 /* 20 / 2^28: far below one entry's unit */

/* Value of the standard normal distribution below which a share p of all values lies (p in 0 … 1, exclusive):
 * bisection is plenty for 4096 values once. */
static double normal_quantile(double p) {
        double low = -10.0, high = 10.0;

        for (int i = 0; i < QUANTILE_STEPS; i++) {
                double middle = (low + high) / 2;

                if (0.5 * erfc(-middle / sqrt(2.0)) < p)
                        low = middle;
                else
                        high = middle;
        }
        return (low + high) / 2;
}

/* Pareto of shape 3, moved and stretched to mean 0 and a deviation near 1, as iproute2's tables have it. */
static double pareto_quantile(double p) {
        double value = (1.0 / pow(1.0 - p, 1.0 / 3.0) - 1.5) * 4.0 / 3.0;

        return fmin(value, (double)INT16_MAX / LANE_TABLE_SCALE);
}

static int16_t clamp_entry(double value) {
        double scaled = rint(value * LANE_TABLE_SCALE);

        return scaled > INT16_MAX ? INT16_MAX : scaled < INT16_MIN ? INT16_MIN : (int16_t)scaled;
}

size_t lane_delay_table(enum lane_distribution distribution, int16_t table[LANE_TABLE_SIZE]) {
        if (distribution == LANE_UNIFORM)
                return 0;

        for (size_t i = 0; i < LANE_TABLE_SIZE; i++) {
                double p = (double)i / LANE_TABLE_SIZE;
                double normal = i ? normal_quantile(p) : -4.0;
                double pareto = pareto_quantile(p);

                table[i] = clamp_entry(distribution == LANE_NORMAL   ? normal
                                       : distribution == LANE_PARETO ? pareto
                                                                     : 0.25 * normal + 0.75 * pareto);
        }
        return LANE_TABLE_SIZE;
}

/* splitmix64: one addition and three multiplications, good enough for dice. */
static uint32_t next_random(struct lane_dice *dice) {
        uint64_t z = dice->state += 0x9E3779B97F4A7C15ULL;

        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
        return (uint32_t)((z ^ z >> 31) >> 32);
}

static double next_normal(struct lane_dice *dice) {
        return (double)dice->normal[next_random(dice) % LANE_TABLE_SIZE] / LANE_TABLE_SCALE;
}

/* A Gaussian walk seen through its own distribution is uniform again, however strong the correlation: the delays keep
 * their shape. (netem blends uniform numbers, which narrows them, and then takes a remainder, which undoes most of
 * it.) */
static uint32_t next_correlated(struct lane_dice *dice, double rho) {
        if (rho == 0)
                return next_random(dice);

        dice->walk = rho * dice->walk + sqrt(1 - rho * rho) * next_normal(dice);
        return (uint32_t)(0.5 * erfc(-dice->walk / sqrt(2.0)) * UINT32_MAX);
}

void lane_dice_init(struct lane_dice *dice, const struct lane_delay *model, uint64_t seed) {
        (void)memset(dice, 0, sizeof(*dice));
        dice->state = seed;
        dice->n_table = lane_delay_table(model->distribution, dice->table);
        if (model->correlation == 0)
                return;

        (void)lane_delay_table(LANE_NORMAL, dice->normal);
        dice->walk = next_normal(dice);
}

/* tabledist() of net/sched/sch_netem.c, with neighbouring random numbers giving neighbouring delays. */
uint64_t lane_dice_next(struct lane_dice *dice, const struct lane_delay *model) {
        int64_t mu = (int64_t)model->delay_ns, sigma = (int64_t)model->jitter_ns, x, entry, delay;
        uint64_t random;

        if (sigma == 0)
                return model->delay_ns;

        random = next_correlated(dice, (double)model->correlation / UINT32_MAX);
        if (dice->n_table == 0) {
                delay = mu - sigma + (int64_t)(random * 2 * (uint64_t)sigma >> 32);
        } else {
                entry = dice->table[random * dice->n_table >> 32];
                x = sigma % LANE_TABLE_SCALE * entry;
                x += x >= 0 ? LANE_TABLE_SCALE / 2 : -LANE_TABLE_SCALE / 2;
                delay = x / LANE_TABLE_SCALE + sigma / LANE_TABLE_SCALE * entry + mu;
        }
        return delay > 0 ? (uint64_t)delay : 0;
}
