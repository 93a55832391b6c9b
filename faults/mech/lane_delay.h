/* lane_delay.h — how long each packet waits: netem's arithmetic, so that both lanes give the same answer. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum lane_distribution { LANE_UNIFORM, LANE_NORMAL, LANE_PARETO, LANE_PARETONORMAL };
extern const char *const lane_distributions[]; /* their names; NULL-ended */

#define LANE_TABLE_SIZE  4096
#define LANE_TABLE_SCALE 8192 /* one standard deviation */

struct lane_delay {
        uint64_t delay_ns;    /* the middle */
        uint64_t jitter_ns;   /* standard deviation (uniform: half the width); below 2^31 */
        uint32_t correlation; /* of a packet's jitter with the last one's, as a share of 2^32 */
        enum lane_distribution distribution;
};

/* lane_delay_table — the inverse cumulative distribution as the iproute2 package ships it in *.dist files.
 * Returns the number of entries: LANE_TABLE_SIZE, or 0 for uniform, which has no table. */
size_t lane_delay_table(enum lane_distribution distribution, int16_t table[LANE_TABLE_SIZE]);

struct lane_dice {
        uint64_t state;
        double walk; /* correlated: standard normal, resembles the one before */
        size_t n_table;
        int16_t table[LANE_TABLE_SIZE];
        int16_t normal[LANE_TABLE_SIZE];
};

/* The same seed throws the same delays. */
void lane_dice_init(struct lane_dice *dice, const struct lane_delay *model, uint64_t seed);

/* The next packet's delay; never negative. */
uint64_t lane_dice_next(struct lane_dice *dice, const struct lane_delay *model);
