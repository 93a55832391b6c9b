/* Quantities with units: whatever is taken must come back from its own text as the same number. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/units.h"
#include "experiments/openslo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_duration(const char *text) {
        char again[UNITS_TEXT_SIZE];
        uint64_t a, b;

        if (units_parse_duration(text, &a, NULL) == 0 &&
            (units_parse_duration(units_format_duration(a, again), &b, NULL) < 0 || (a < 1ULL << 52 && a != b)))
                abort();
}

static void check_size(const char *text) {
        char again[UNITS_TEXT_SIZE];
        uint64_t a, b;

        if (units_parse_size(text, &a, NULL) == 0 &&
            (units_parse_size(units_format_size(a, again), &b, NULL) < 0 || (a < 1ULL << 52 && a != b)))
                abort();
}

static void check_percent(const char *text) {
        char again[UNITS_TEXT_SIZE];
        uint32_t a, b;

        if (units_parse_percent(text, &a, NULL) == 0 &&
            (a > 1000000 || units_parse_percent(units_format_percent(a, again), &b, NULL) < 0))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);
        uint64_t number;
        double rate;

        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = 0;
        check_duration(text);
        check_size(text);
        check_percent(text);
        if (units_parse_rate(text, &rate, NULL) == 0 && !(rate > 0))
                abort();
        (void)units_parse_bitrate(text, &number, NULL);
        (void)units_parse_uint(text, &number, NULL);
        (void)openslo_parse_duration(text, &number, NULL);
        free(text);
        return 0;
}
