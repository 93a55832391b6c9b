/* hdr.h — high dynamic range histogram of durations: 1 us … 1 h to three significant digits, fixed memory. */
#pragma once

#include <stdint.h>

#define HDR_MAX_US 3600000000ULL

/* Values below 2048 have a slot each; above, every doubling has 1024 slots. */
#define HDR_SLOTS (2048 + 21 * 1024)

struct hdr {
        uint64_t slots[HDR_SLOTS];
        uint64_t count;
        uint64_t min_us, max_us; /* exact; 0 when count is 0 */
        double sum_us;
};

void hdr_reset(struct hdr *h);

/* hdr_record — values over HDR_MAX_US are counted as HDR_MAX_US. */
void hdr_record(struct hdr *h, uint64_t value_us);
void hdr_merge(struct hdr *to, const struct hdr *from);

/* hdr_percentile — the value that `percent` (0 … 100) of all values do not exceed, to 0.1 %; never over the exact
 * maximum. 0 when empty. */
uint64_t hdr_percentile(const struct hdr *h, double percent);
double hdr_mean(const struct hdr *h);
