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
                CHECK(strcmp(takes, good[i].takes) == 0, "'%s' takes '%s', not '%s'", good[i].text, takes, good[i].takes);
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

int main(void) {
        test_good();
        test_bad();
        return check_result();
}
