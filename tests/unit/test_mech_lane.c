/* The relay's arithmetic: distribution tables as iproute2 ships them, delays, and the timer queue. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults/mech/lane_delay.h"
#include "faults/mech/lane_queue.h"
#include "lib/check.h"

#define N 200000

/* iproute2's own table when it is installed; its maketable rounds the cumulative curve, so ours may differ a little. */
static void test_table(enum lane_distribution d, const char *path) {
        int16_t table[LANE_TABLE_SIZE];
        FILE *in = fopen(path, "re");
        double worst = 0, sum = 0;
        char line[256];
        int value, used;
        size_t n = 0;

        CHECK(lane_delay_table(d, table) == LANE_TABLE_SIZE, "%s", lane_distributions[d]);
        for (size_t i = 1; i < LANE_TABLE_SIZE; i++)
                CHECK(table[i] >= table[i - 1], "%s is not ascending at %zu", lane_distributions[d], i);
        if (!in) {
                (void)fprintf(stderr, "%s is not there: not compared\n", path);
                return;
        }

        while (fgets(line, sizeof(line), in))
                for (char *p = line; line[0] != '#' && n < LANE_TABLE_SIZE && sscanf(p, "%d%n", &value, &used) == 1;
                     p += used) {
                        double off = fabs((double)value - table[n++]);

                        sum += off;
                        if (off > worst && n > 8 && n < LANE_TABLE_SIZE - 8)
                                worst = off;
                }
        (void)fclose(in);
        CHECK(n == LANE_TABLE_SIZE, "%s has %zu entries", path, n);
        /* 8192 is one standard deviation. */
        CHECK(sum / LANE_TABLE_SIZE < 40 && worst < 900, "%s: off by %.0f on average, %.0f at worst",
              lane_distributions[d], sum / LANE_TABLE_SIZE, worst);
}

static void test_delays(enum lane_distribution d, double want_deviation) {
        const struct lane_delay model = { .delay_ns = 50000000, .jitter_ns = 5000000, .distribution = d };
        static struct lane_dice dice, again;
        double sum = 0, squares = 0, mean, deviation;

        lane_dice_init(&dice, &model, 7);
        lane_dice_init(&again, &model, 7);
        for (int i = 0; i < N; i++) {
                double x = (double)lane_dice_next(&dice, &model) / 1e6;

                CHECK((double)lane_dice_next(&again, &model) / 1e6 == x, "the same seed throws other delays at %d", i);
                sum += x;
                squares += x * x;
        }
        mean = sum / N;
        deviation = sqrt(squares / N - mean * mean);
        CHECK(fabs(mean - 50) < 0.5, "%s: mean %.3f ms, asked 50", lane_distributions[d], mean);
        CHECK(fabs(deviation - want_deviation) < 0.6, "%s: deviation %.3f ms, expected %.3f", lane_distributions[d],
              deviation, want_deviation);
}

static void test_correlation(void) {
        const struct lane_delay model = { .delay_ns = 50000000,
                                          .jitter_ns = 5000000,
                                          .correlation = UINT32_MAX / 4 * 3 };
        static struct lane_dice dice;
        double last = 50, product = 0, squares = 0;

        lane_dice_init(&dice, &model, 7);
        for (int i = 0; i < N; i++) {
                double x = (double)lane_dice_next(&dice, &model) / 1e6;

                product += (x - 50) * (last - 50);
                squares += (x - 50) * (x - 50);
                last = x;
        }
        CHECK(fabs(sqrt(squares / N) - 5 / sqrt(3)) < 0.2, "the correlation narrows the jitter to %.3f ms",
              sqrt(squares / N));
        CHECK(product / squares > 0.6 && product / squares < 0.9, "correlation %.3f, asked 0.75", product / squares);
}

static void test_never_negative(void) {
        const struct lane_delay model = { .delay_ns = 1000000, .jitter_ns = 1000000, .distribution = LANE_NORMAL };
        static struct lane_dice dice;

        lane_dice_init(&dice, &model, 7);
        for (int i = 0; i < 10000; i++)
                CHECK(lane_dice_next(&dice, &model) < 100000000, "a delay before the packet");
}

static void test_queue(void) {
        struct lane_queue q = { 0 };
        uint64_t last_due = 0, last_number = 0;

        CHECK(!lane_queue_first(&q), "an empty queue has a first packet");
        srandom(7);
        for (int i = 0; i < 3000; i++)
                CHECK(lane_queue_push(&q, (uint64_t)random() % 100, malloc(1), 1) == 0, "push");
        CHECK(q.bytes == 3000, "%llu bytes", (unsigned long long)q.bytes);
        for (int i = 0; i < 2000; i++) {
                struct lane_packet p = lane_queue_pop(&q);

                CHECK(p.due_ns > last_due || (p.due_ns == last_due && (p.number > last_number || i == 0)),
                      "packet %d leaves out of order", i);
                last_due = p.due_ns;
                last_number = p.number;
                free(p.data);
        }
        CHECK(q.n == 1000 && q.bytes == 1000, "%zu packets left", q.n);
        lane_queue_done(&q);
}

int main(void) {
        test_table(LANE_NORMAL, "/usr/lib/x86_64-linux-gnu/tc/normal.dist");
        test_table(LANE_PARETO, "/usr/lib/x86_64-linux-gnu/tc/pareto.dist");
        test_table(LANE_PARETONORMAL, "/usr/lib/x86_64-linux-gnu/tc/paretonormal.dist");
        test_delays(LANE_UNIFORM, 5 / sqrt(3));
        test_delays(LANE_NORMAL, 5);
        test_delays(LANE_PARETO, 4.1);
        test_delays(LANE_PARETONORMAL, 4.2);
        test_correlation();
        test_never_negative();
        test_queue();
        return check_result();
}
