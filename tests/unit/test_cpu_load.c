/* cpu.load on a fake host: two CPUs, a quota of 1.5 of them. */
#include <errno.h>

#include "lib/check.h"
#include "lib/kind.h"

static void test_table_refuses(void) {
        static const char *const bad[] = { "{'load': '0%'}",   "{'load': '101%'}", "{'load': 50}", "{'workers': 0}",
                                           "{'workers': 257}", "{'workers': -1}",  "{'cores': 1}" };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct kind_case c;

                CHECK(kind_open(&c, "cpu.load", bad[i], "{}") < 0, "%s was accepted", bad[i]);
                CHECK(c.err.msg[0] && c.err.path[0], "%s: no words or no place", bad[i]);
                (void)kind_close(&c);
        }
}

static void test_plan(const char *params, const char *target, const char *want) {
        struct kind_case c;

        CHECK(kind_open(&c, "cpu.load", params, target) == 0, "%s: %s", params, c.err.msg);
        CHECK(kind_plan(&c) == 0, "%s: %s", params, c.err.msg);
        CHECK_STR(c.plan ? c.plan : "", want);
        CHECK(kind_close(&c) == 0, "%s", c.err.msg);
}

static void test_plans(void) {
        test_plan("{'workers': 1, 'load': '50%'}", "{'cgroup': '/shop'}",
                  "start 1 child process chaos-cpu, each using 50% of one CPU, on 2 CPUs\n"
                  "put them into cgroup /shop\n"
                  "the cgroup's limit of 1.50 CPUs holds for both together");
        /* 1.5 CPUs of quota: two workers, and together more than the quota */
        test_plan("{}", "{'pid': 4242}",
                  "start 2 child processes chaos-cpu, each using 100% of one CPU, on 2 CPUs\n"
                  "put them into cgroup /of-process\n"
                  "the cgroup's limit of 1.50 CPUs is less than that: it will be throttled");
        test_plan("{'load': '10%'}", "{}",
                  "start 2 child processes chaos-cpu, each using 10% of one CPU, on 2 CPUs\n"
                  "they stay in the daemon's cgroup: the whole node is the target");
}

static void test_namespace_alone(void) {
        struct kind_case c;

        CHECK(kind_open(&c, "cpu.load", "{}", "{'netns': 'shop'}") == 0, "%s", c.err.msg);
        CHECK(kind_plan(&c) == -EINVAL && strstr(c.err.msg, "narrows"), "%s", c.err.msg);
        CHECK_STR(c.err.path, "/target");
        (void)kind_close(&c);
}

static void test_evidence(void) {
        struct kind_case c;
        char *now;

        CHECK(kind_open(&c, "cpu.load", "{'workers': 3}", "{'cgroup': '/shop'}") == 0, "%s", c.err.msg);
        CHECK(kind_inject(&c) == 0, "%s", c.err.msg);
        now = fake_snapshot();
        CHECK(strstr(now, "child:500002 = in cgroup /shop"), "%s", now);
        free(now);
        c.env.now_us += 1000000;
        CHECK(kind_verify(&c) == 1, "%s%s", c.err.msg, c.evidence.note);
        CHECK(c.evidence.hits == 3 * 12345 / 1000, "%llu ms", (unsigned long long)c.evidence.hits);
        CHECK(c.evidence.n_counters == 4 && c.evidence.counters[2].value == 12345, "%u counters, load %llu ppm",
              c.evidence.n_counters, (unsigned long long)c.evidence.counters[2].value);
        CHECK(kind_close(&c) == 0, "%s", c.err.msg);
}

int main(void) {
        test_table_refuses();
        test_plans();
        test_namespace_alone();
        test_evidence();
        return check_result();
}
