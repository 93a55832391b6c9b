#include <errno.h>

#include "core/err.h"
#include "experiments/where.h"
#include "lib/check.h"

static const struct where_answer ok = { .status = 200, .latency_us = 12000, .error = false };
static const struct where_answer slow = { .status = 200, .latency_us = 90000, .error = false };
static const struct where_answer broken = { .status = 503, .latency_us = 900, .error = false };
static const struct where_answer refused = { .status = 0, .latency_us = 300, .error = true };

/* A condition, and which of the four answers above it takes: o s b r. */
static const struct {
        const char *text, *takes;
} good[] = {
        { "status < 500", "os" },
        { "status < 500 and latency < 50ms", "o" },
        { "status>=500 or latency>50ms", "sb" },
        { "not (status < 500 and latency < 50ms)", "sbr" },
        { "error", "r" },
        { "not error", "osb" },
        { "error == false and status in 200..299", "os" },
        { "error = true or status != 200", "br" },
        { "latency in 1ms..20ms", "o" },
        { "latency < 0.5s", "osb" },
        { "status == 200 and latency > 50ms or status == 503", "sb" },
        { "status == 200 and (latency > 50ms or status == 503)", "s" },
        { "not not status == 503", "b" },
        { "status > -1", "osb" },
        { "\tstatus\n<500 ", "os" },
};

static void test_good(void) {
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                SCOPED(where_freep) struct where *w = NULL;
                struct err e = { 0 };
                char takes[5] = "";
                int r = where_parse(good[i].text, &w, &e);

                CHECK(r == 0, "'%s': %s", good[i].text, e.msg);
                if (r < 0)
                        continue;
                (void)snprintf(takes, sizeof(takes), "%s%s%s%s", where_matches(w, &ok) ? "o" : "",
                               where_matches(w, &slow) ? "s" : "", where_matches(w, &broken) ? "b" : "",
                               where_matches(w, &refused) ? "r" : "");
                CHECK(strcmp(takes, good[i].takes) == 0, "'%s' takes '%s', not '%s'", good[i].text, takes,
                      good[i].takes);
        }
}

static const struct {
        const char *text, *message;
} bad[] = {
        { "", "column 1: the condition ends too early" },
        { "status", "column 7: expected one of" },
        { "statsu < 500", "column 1: unknown field 'statsu', did you mean 'status'?" },
        { "status < 50ms", "column 10: '50ms' is not a whole number" },
        { "latency < 50", "column 11: '50' lacks a unit" },
        { "latency < 50ms latency", "column 16: expected 'and', 'or' or the end" },
        { "status < 500 and", "column 17: the condition ends too early" },
        { "(status < 500", "column 14: expected ')'" },
        { "status < 500)", "column 13: expected 'and', 'or' or the end" },
        { "status in 200", "column 14: expected '..'" },
        { "error == 5", "column 10: error is true or false" },
        { "status < 99999999999999999999", "column 10: " },
        { "status < 500 && error", "column 14: expected 'and'" },
        { "itl_p99 < 5", "column 11: '5' lacks a unit" },
        { "tokens > 5ms", "column 10: '5ms' is not a whole number" },
        { "truncated == 1", "column 14: truncated is true or false" },
        { "ttfft < 1s",
          "column 1: unknown field 'ttfft', did you mean 'ttft'?; known: status, latency, error, and of llm" },
        { "((((((((((((((((((((((((((((((((((status < 1", "column " },
};

static void test_bad(void) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                SCOPED(where_freep) struct where *w = NULL;
                struct err e = { 0 };
                int r = where_parse(bad[i].text, &w, &e);

                CHECK(r == -EINVAL, "'%s': %d", bad[i].text, r);
                CHECK(strncmp(e.msg, bad[i].message, strlen(bad[i].message)) == 0, "'%s' says '%s', not '%s'",
                      bad[i].text, e.msg, bad[i].message);
        }
}

/* A condition, and which of these it takes: whole, truncated, refused with a status, no token in it. */
static void test_llm(void) {
        static const struct where_answer answers[] = {
                { .status = 200, .latency_us = 900000, .tokens = 64, .ttft_us = 120000, .itl_p99_us = 30000 },
                { .error = true, .truncated = true, .tokens = 10, .ttft_us = 120000, .itl_p99_us = 30000 },
                { .status = 429, .latency_us = 2000 },
                { .status = 200, .latency_us = 9000 },
        };
        static const struct {
                const char *text, *takes;
                size_t column; /* of the first field that only llm probes have; 0 = none */
        } conditions[] = {
                { "ttft < 500ms", "w", 1 },
                { "status < 500 and ttft < 500ms and itl_p99 <= 30ms", "w", 18 },
                { "not (ttft < 500ms)", "trn", 6 },
                { "ttft > 100ms", "w", 1 },
                { "ttft < 100ms", "", 1 },
                { "itl_p99 > 30ms", "", 1 },
                { "truncated", "t", 1 },
                { "truncated == false", "wrn", 1 },
                { "error", "t", 0 },
                { "status == 200 and tokens < 1", "n", 19 },
                { "tokens in 60..64 and latency < 1s", "w", 1 },
                { "latency < 1s", "wrn", 0 },
        };

        for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
                SCOPED(where_freep) struct where *w = NULL;
                char takes[5] = "", want[40];
                struct err e = { 0 };

                CHECK(where_parse(conditions[i].text, &w, &e) == 0, "'%s': %s", conditions[i].text, e.msg);
                if (!w)
                        continue;
                for (size_t k = 0, n = 0; k < 4; k++)
                        if (where_matches(w, &answers[k]))
                                takes[n++] = "wtrn"[k];
                CHECK(strcmp(takes, conditions[i].takes) == 0, "'%s' takes '%s'", conditions[i].text, takes);
                CHECK(where_check_probe(w, true, NULL) == 0, "'%s' is for llm probes", conditions[i].text);
                CHECK(where_check_probe(w, false, &e) == (conditions[i].column ? -EINVAL : 0), "'%s'",
                      conditions[i].text);
                (void)snprintf(want, sizeof(want), "column %zu: '", conditions[i].column);
                CHECK(!conditions[i].column || strncmp(e.msg, want, strlen(want)) == 0, "'%s': %s", conditions[i].text,
                      e.msg);
        }
}

int main(void) {
        test_good();
        test_bad();
        test_llm();
        return check_result();
}
