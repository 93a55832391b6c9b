#include "core/hdr.h"

#include <math.h>
#include <string.h>

#define LINEAR 2048U /* slots of one microsecond each */
#define HALF   1024U

void hdr_reset(struct hdr *h) {
        memset(h, 0, sizeof(*h));
}

/* 11 leading bits choose the slot: an error of at most 1/1024 of the value. */
static unsigned slot_of(uint64_t value) {
        unsigned shift;

        if (value < LINEAR)
                return (unsigned)value;

        shift = 63U - (unsigned)__builtin_clzll(value) - 10U; /* value >> shift is in 1024 … 2047 */
        return LINEAR + (shift - 1) * HALF + (unsigned)((value >> shift) - HALF);
}

/* The largest value that falls into a slot. */
static uint64_t slot_top(unsigned slot) {
        unsigned shift;

        if (slot < LINEAR)
                return slot;

        shift = (slot - LINEAR) / HALF + 1;
        return ((uint64_t)((slot - LINEAR) % HALF + HALF + 1) << shift) - 1;
}

void hdr_record(struct hdr *h, uint64_t value_us) {
        if (value_us > HDR_MAX_US)
                value_us = HDR_MAX_US;

        h->slots[slot_of(value_us)]++;
        if (h->count == 0 || value_us < h->min_us)
                h->min_us = value_us;
        if (value_us > h->max_us)
                h->max_us = value_us;
        h->count++;
        h->sum_us += (double)value_us;
}

void hdr_merge(struct hdr *to, const struct hdr *from) {
        if (from->count == 0)
                return;

        for (unsigned i = 0; i < HDR_SLOTS; i++)
                to->slots[i] += from->slots[i];
        if (to->count == 0 || from->min_us < to->min_us)
                to->min_us = from->min_us;
        if (from->max_us > to->max_us)
                to->max_us = from->max_us;
        to->count += from->count;
        to->sum_us += from->sum_us;
}

uint64_t hdr_percentile(const struct hdr *h, double percent) {
        uint64_t rank, seen = 0;

        if (h->count == 0)
                return 0;
        if (percent >= 100)
                return h->max_us;

        rank = (uint64_t)ceil(percent / 100.0 * (double)h->count - 1e-6); /* 99.9/100 is not exact */
        if (rank == 0)
                rank = 1;
        for (unsigned i = 0; i < HDR_SLOTS; i++) {
                seen += h->slots[i];
                if (seen >= rank)
                        return slot_top(i) < h->max_us ? slot_top(i) : h->max_us;
        }
        return h->max_us;
}

double hdr_mean(const struct hdr *h) {
        return h->count ? h->sum_us / (double)h->count : 0;
}
