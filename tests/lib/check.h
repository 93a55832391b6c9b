/* check.h — the whole test library: a failed CHECK prints where and what, the test goes on, main() returns the sum. */
#pragma once

#include <stdio.h>
#include <string.h>

#define CHECK_SKIP 77

static int check_failures;
static int check_count;

#define CHECK(cond, ...)                                                                                               \
        do {                                                                                                           \
                check_count++;                                                                                         \
                if (!(cond)) {                                                                                         \
                        check_failures++;                                                                              \
                        (void)fprintf(stderr, "%s:%d: CHECK(%s) failed: ", __FILE__, __LINE__, #cond);                 \
                        (void)fprintf(stderr, __VA_ARGS__);                                                            \
                        (void)fputc('\n', stderr);                                                                     \
                }                                                                                                      \
        } while (0)

/* CHECK that two texts are the same. */
#define CHECK_STR(got, want) CHECK(strcmp((got), (want)) == 0, "got \"%s\", want \"%s\"", (got), (want))

/* Last line of main(): a test without a single check has failed too. */
static inline int check_result(void) {
        (void)fprintf(stderr, "%d checks, %d failed\n", check_count, check_failures);
        return check_failures > 0 || check_count == 0;
}
