#include <stdlib.h>

#include "core/hdr.h"
#include "lib/check.h"

static struct hdr a, b;

static int by_value(const void *x, const void *y) {
        uint64_t l = *(const uint64_t *)x, r = *(const uint64_t *)y;

        return l < r ? -1 : l > r;
}

/* Against the sorted values themselves: right to 0.1 % everywhere. */
static void test_against_sorted(void) {
        enum { N = 20000 };
        static uint64_t values[N];
        static const double percents[] = { 0, 1, 10, 50, 90, 99, 99.9, 99.99, 100 };
        unsigned seed = 7;

        hdr_reset(&a);
        for (int i = 0; i < N; i++) {
                int bits = rand_r(&seed) % 32;

                values[i] = ((uint64_t)(unsigned)rand_r(&seed) << 1) & ((1ULL << bits) - 1);
                if (values[i] > HDR_MAX_US)
                        values[i] = HDR_MAX_US;
                hdr_record(&a, values[i]);
        }
        qsort(values, N, sizeof(values[0]), by_value);

        for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
                size_t rank = (size_t)(percents[i] / 100 * N + 0.999999);
                uint64_t want = values[rank ? rank - 1 : 0], got = hdr_percentile(&a, percents[i]);

                CHECK(got >= want && (double)got <= (double)want * 1.001 + 1, "p%g: got %lu, want %lu", percents[i],
                      got, want);
        }
        CHECK(a.min_us == values[0] && a.max_us == values[N - 1], "min %lu max %lu", a.min_us, a.max_us);
}

static void test_edges(void) {
        hdr_reset(&a);
        CHECK(hdr_percentile(&a, 99) == 0 && hdr_mean(&a) == 0, "empty");

        hdr_record(&a, 0);
        CHECK(a.count == 1 && hdr_percentile(&a, 50) == 0, "zero");
        hdr_record(&a, 1ULL << 62);
        CHECK(a.max_us == HDR_MAX_US && hdr_percentile(&a, 100) == HDR_MAX_US, "over the top: %lu", a.max_us);
        for (uint64_t v = 1; v <= HDR_MAX_US; v = v * 2 + 1) /* every slot boundary stays inside of the array */
                hdr_record(&a, v);
        CHECK(hdr_percentile(&a, 99.999) <= HDR_MAX_US, "top slot");
}

static void test_merge(void) {
        hdr_reset(&a);
        hdr_reset(&b);
        hdr_merge(&a, &b);
        CHECK(a.count == 0, "merge of nothing");
        for (uint64_t v = 1; v <= 100; v++)
                hdr_record(v % 2 ? &a : &b, v * 1000);
        hdr_merge(&a, &b);
        CHECK(a.count == 100 && a.min_us == 1000 && a.max_us == 100000, "%lu %lu %lu", a.count, a.min_us, a.max_us);
        CHECK(hdr_percentile(&a, 50) >= 50000 && hdr_percentile(&a, 50) <= 50050, "%lu", hdr_percentile(&a, 50));
        CHECK(hdr_mean(&a) > 50499 && hdr_mean(&a) < 50501, "%f", hdr_mean(&a));
}

int main(void) {
        test_against_sorted();
        test_edges();
        test_merge();
        return check_result();
}
