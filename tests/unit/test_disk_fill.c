/* disk.fill on a fake filesystem of 10 GiB, 8 free for root, 7 available to everyone. */
#include <errno.h>

#include "fakes/fake_filler.h"
#include "lib/check.h"
#include "lib/kind.h"

#define TARGET "{'path': '/srv/data'}"

static void test_exactly_one_goal(void) {
        static const struct {
                const char *params;
                int result;
        } cases[] = {
                { "{}", -EINVAL },
                { "{'reserve': '1MiB'}", -EINVAL },
                { "{'size': '1MiB', 'leave': '1MiB'}", -EINVAL },
                { "{'size': '1MiB', 'percent': '5%'}", -EINVAL },
                { "{'size': '1MiB'}", 0 },
                { "{'percent': '90%', 'reserve': '0B'}", 0 },
                { "{'leave': '0B'}", 0 },
                { "{'leave': '1MiB', 'reserve': '512MiB'}", 0 },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct kind_case c;
                int r = kind_open(&c, "disk.fill", cases[i].params, TARGET);

                CHECK(r == 0, "%s: %s", cases[i].params, c.err.msg);
                r = kind_validate(&c);
                CHECK(r == cases[i].result, "%s: %d %s", cases[i].params, r, c.err.msg);
                (void)kind_close(&c);
        }
}

static void test_table_refuses(void) {
        static const char *const bad[] = { "{'size': '100'}",     "{'size': '1KiB'}",   "{'percent': '0%'}",
                                           "{'percent': '101%'}", "{'leave': '-1MiB'}", "{'sizes': '1MiB'}" };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct kind_case c;

                CHECK(kind_open(&c, "disk.fill", bad[i], TARGET) < 0, "%s was accepted", bad[i]);
                CHECK(c.err.msg[0] && c.err.path[0], "%s: no words or no place", bad[i]);
                (void)kind_close(&c);
        }
}

/* params, words that the plan or the error must have, and the result. */
static void test_plan(const char *params, int result, const char *words, const char *path) {
        struct kind_case c;
        int r;

        CHECK(kind_open(&c, "disk.fill", params, TARGET) == 0, "%s: %s", params, c.err.msg);
        r = kind_plan(&c);
        CHECK(r == result, "%s: %d, %s", params, r, r < 0 ? c.err.msg : c.plan);
        CHECK(strstr(r < 0 ? c.err.msg : c.plan, words), "%s: no '%s' in: %s", params, words,
              r < 0 ? c.err.msg : c.plan);
        CHECK_STR(c.err.path, path);
        CHECK(kind_inject(&c) == result, "%s: inject does not agree with plan: %s", params, c.err.msg);
        CHECK(kind_close(&c) == 0, "%s: %s", params, c.err.msg);
}

static void test_amounts(void) {
        fake_filler_reset();
        test_plan("{'size': '100MiB'}", 0, "take 100.0 MiB of /srv/data (ext4, 10.0 GiB in all, 7.0 GiB available)",
                  "");
        test_plan("{'size': '100MiB'}", 0, "stops when 64.0 MiB are left", "");
        test_plan("{'leave': '1GiB'}", 0, "take 6.0 GiB", "");
        test_plan("{'percent': '50%'}", 0, "take 3.0 GiB", "");
        test_plan("{'percent': '100%', 'reserve': '0B'}", 0, "take 8.0 GiB", "");
        /* leave counts what everyone may use, reserve what root may use: 7 GiB taken leave 1 GiB for root */
        test_plan("{'leave': '0B', 'reserve': '1GiB'}", 0, "take 7.0 GiB", "");
        test_plan("{'leave': '0B', 'reserve': '1025MiB'}", -ERANGE, "would leave 1.0 GiB", "/params/reserve");
        test_plan("{'size': '8GiB'}", -ERANGE, "would leave 0 bytes, and the reserve is 64.0 MiB", "/params/reserve");
        test_plan("{'size': '9GiB', 'reserve': '0B'}", -ERANGE, "taking 9.0 GiB of the 8.0 GiB", "/params/reserve");
        test_plan("{'percent': '10%'}", -ERANGE, "nothing to do", "");
        test_plan("{'leave': '7GiB'}", -ERANGE, "nothing to do", "");
}

static void test_places(void) {
        fake_filler_reset();
        fake_filler_same();
        test_plan("{'size': '1MiB'}", -EPERM, "journal", "/target/path");
        fake_filler_reset();
        fake_filler_space()->refusal = "it is not a place for files";
        test_plan("{'size': '1MiB'}", -EOPNOTSUPP, "not a place for files", "/target/path");
        fake_filler_reset();
        fake_filler_space()->in_memory = true;
        test_plan("{'size': '3GiB'}", 0, "RAM is taken", "");
        test_plan("{'size': '3073MiB'}", -ERANGE, "three quarters", "");
        fake_filler_reset();
}

static void test_verify(enum filler_state state, int error, int result, const char *words) {
        struct kind_case c;
        int r;

        fake_filler_reset();
        fake_filler_ends(state, error);
        CHECK(kind_open(&c, "disk.fill", "{'size': '100MiB'}", TARGET) == 0, "%s", c.err.msg);
        r = kind_inject(&c);
        CHECK(r == (state == FILLER_FAILED ? -error : 0), "state %d: inject %d: %s", state, r, c.err.msg);
        r = kind_verify(&c);
        CHECK(r == result, "state %d: %d, %s%s", state, r, c.err.msg, c.evidence.note);
        CHECK(strstr(r < 0 ? c.err.msg : c.evidence.note, words), "state %d: no '%s' in '%s%s'", state, words,
              c.err.msg, c.evidence.note);
        CHECK(r < 0 || c.evidence.hits > 0, "no bytes");
        CHECK(kind_close(&c) == 0, "%s", c.err.msg);
}

static void test_bad_records(void) {
        static const char *const bad[] = { "", "file", "file x y z", "children 2 /x", "file 12 name", "file 12  " };
        struct kind_case c;

        CHECK(kind_open(&c, "disk.fill", "{'size': '100MiB'}", TARGET) == 0, "%s", c.err.msg);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                CHECK(c.fault.ops->revert(&c.env, bad[i], &c.err) == -EINVAL, "'%s' was taken", bad[i]);
        (void)kind_close(&c);
}

int main(void) {
        test_exactly_one_goal();
        test_table_refuses();
        test_amounts();
        test_places();
        test_verify(FILLER_DONE, 0, 1, "");
        test_verify(FILLER_WORKING, 0, 0, "still filling: 50.0 MiB of 100.0 MiB");
        test_verify(FILLER_FULL, ENOSPC, 1, "No space left");
        test_verify(FILLER_FLOOR, 0, 0, "reserve");
        test_verify(FILLER_FAILED, EFBIG, -EFBIG, "File too large");
        test_bad_records();
        return check_result();
}
