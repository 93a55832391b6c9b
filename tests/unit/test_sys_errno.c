/* sys.errno on the fake host, and the grammar that it shares with chaos-exec: what is accepted, what is refused and
 * in which words, which calls a `when` picks, and that random choices repeat. */
#include <errno.h>

#include "faults/mech/sys_hooks.h"
#include "faults/sys/errno_hooks.h"
#include "faults/sys/sys_calls.h"
#include "faults/sys/sys_rule.h"
#include "lib/check.h"
#include "lib/kind.h"

static const char *const words[] = { "openat", "open", "read", "write", "connect", "getpid", "socket" };
static const struct sys_names names = { words, ARRAY_SIZE(words) };

/* strace's four forms and ours, call by call: '#' hit, '.' not. */
static void test_when_grid(void) {
        static const struct {
                const char *when, *calls;
        } grid[] = {
                { "1", "#..........." },       { "3", "..#........." },      { "12", "...........#" },
                { "1+", "############" },      { "4+", "...#########" },     { "2+3", ".#..#..#..#." },
                { "1+1", "############" },     { "3..5", "..###......." },   { "5..5", "....#......." },
                { "3..10+2", "..#.#.#.#..." }, { "2..9+4", ".#...#......" }, { "1..3+5", "#..........." },
                { "3..6+", "..####......" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(grid); i++) {
                struct sys_when w = { 0 };
                struct err e = { 0 };
                char got[13] = "";

                CHECK(sys_when_parse(grid[i].when, &w, &e) == 0, "%s: %s", grid[i].when, e.msg);
                for (unsigned n = 1; n <= 12; n++)
                        got[n - 1] = sys_when_hits(&w, n) ? '#' : '.';
                CHECK(strcmp(got, grid[i].calls) == 0, "when %s: %s, want %s", grid[i].when, got, grid[i].calls);
        }
}

static void test_when_refused(void) {
        static const char *const bad[] = { "",
                                           "0",
                                           "+",
                                           "a",
                                           "3a",
                                           "3..",
                                           "..3",
                                           "5..3",
                                           "3...5",
                                           "3..5+0",
                                           "3+0",
                                           "3++",
                                           "-1",
                                           "3 ",
                                           " 3",
                                           "3..5+2x",
                                           "1+2+3",
                                           "0x3",
                                           "3..+2",
                                           "1..2..3",
                                           "3+-1",
                                           "4294967295",
                                           "99999999999999999999" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct sys_when w = { 7, 7, 7 };
                struct err e = { 0 };

                CHECK(sys_when_parse(bad[i], &w, &e) < 0, "'%s' was accepted", bad[i]);
                CHECK(e.msg[0] && w.first == 7, "'%s': no words, or the result was touched", bad[i]);
        }
}

static void test_rules_accepted(void) {
        struct sys_rule r;
        struct err e = { 0 };

        CHECK(sys_rule_parse("openat,open:errno=ENOSPC:when=3..10+2:probability=50%:path=/var/lib/*", &names, &r, NULL,
                             &e) == 0,
              "%s", e.msg);
        CHECK(r.n_calls == 2 && strcmp(r.calls[1], "open") == 0 && r.error == ENOSPC, "calls, errno");
        CHECK(r.when.first == 3 && r.when.last == 10 && r.when.step == 2 && r.ppm == 500000, "when, probability");
        CHECK_STR(r.path, "/var/lib/*");
        sys_rule_done(&r);

        CHECK(sys_rule_parse("inject=read:error=5:delay_enter=1500", &names, &r, NULL, &e) == 0, "%s", e.msg);
        CHECK(r.error == EIO && r.delay_us == 1500 && r.when.last == SYS_WHEN_NO_END, "strace's spellings");
        sys_rule_done(&r);

        CHECK(sys_rule_parse("getpid:retval=0x10", &names, &r, NULL, &e) == 0 && r.retval == 16, "%s", e.msg);
        sys_rule_done(&r);
        CHECK(sys_rule_parse("?nosuch,read,read:delay=80ms", &names, &r, NULL, &e) == 0 && r.n_calls == 1 &&
                      r.delay_us == 80000,
              "%s", e.msg);
        sys_rule_done(&r);
        CHECK(sys_rule_parse("%network:errno=EIO", &names, &r, NULL, &e) == 0 && r.n_calls == 2, "%s", e.msg);
        sys_rule_done(&r);
        CHECK(sys_rule_parse("openat:errno=EIO:path=/a\\:b", &names, &r, NULL, &e) == 0, "%s", e.msg);
        CHECK_STR(r.path, "/a:b");
        sys_rule_done(&r);
}

static void test_rules_refused(void) {
        static const struct {
                const char *text;
                unsigned column;
                const char *says;
        } bad[] = {
                { "", 1, "name is missing" },
                { ":errno=EIO", 1, "name is missing" },
                { "opnat:errno=EIO", 1, "did you mean 'open" },
                { "read,opnat:errno=EIO", 6, "opnat" },
                { "read,:errno=EIO", 6, "missing" },
                { "%nosuch:errno=EIO", 1, "groups are" },
                { "all:errno=EIO", 1, "name the system calls" },
                { "!read:errno=EIO", 1, "name the system calls" },
                { "?nosuch:errno=EIO", 1, "none of these" },
                { "read", 5, "what shall happen" },
                { "read:", 6, "unknown word" },
                { "read:when=3", 12, "what shall happen" },
                { "read:errno", 6, "needs a value" },
                { "read:errno=", 6, "needs a value" },
                { "read:errno=EFOO", 12, "no errno" },
                { "read:errno=0", 12, "no errno" },
                { "read:errno=4096", 12, "no errno" },
                { "read:errno=EIO:errno=EIO", 16, "twice" },
                { "read:errno=EIO:error=EIO", 16, "twice" },
                { "read:errno=EIO:retval=3", 24, "exclude" },
                { "read:retval=-1", 13, "return value" },
                { "read:retval=99999999999999999999", 13, "too large" },
                { "read:erno=EIO", 6, "did you mean 'errno'" },
                { "read:delay=5", 12, "lacks a unit" },
                { "read:delay=0", 12, "from 1us" },
                { "read:delay=2h", 12, "to 1h" },
                { "read:delay_exit=1s", 6, "before a call runs" },
                { "read:signal=TERM", 6, "no signals" },
                { "read:syscall=getpid", 6, "another call" },
                { "read:errno=EIO:when=0", 21, "from 1" },
                { "read:errno=EIO:probability=0%", 28, "never" },
                { "read:errno=EIO:probability=101%", 28, "100%" },
                { "read:errno=EIO:probability=50", 28, "percentage" },
                { "read:errno=EIO:path=relative", 21, "in full" },
                { "getpid:errno=EIO:path=/x", 25, "neither path nor descriptor" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct sys_rule r = { .error = 77 };
                struct err e = { 0 };
                unsigned column = 0;

                CHECK(sys_rule_parse(bad[i].text, &names, &r, &column, &e) < 0, "'%s' was accepted", bad[i].text);
                CHECK(strstr(e.msg, bad[i].says), "'%s': \"%s\" lacks \"%s\"", bad[i].text, e.msg, bad[i].says);
                CHECK(column == bad[i].column, "'%s': column %u, want %u", bad[i].text, column, bad[i].column);
                CHECK(r.error == 77, "'%s': the result was touched", bad[i].text);
        }
}

static void test_draws(void) {
        unsigned hits = 0, same = 0, all = 0, none = 0;

        for (unsigned n = 1; n <= 10000; n++) {
                hits += (unsigned)sys_draw_hits(7, 0, n, 50000);
                same += sys_draw_hits(7, 0, n, 500000) == sys_draw_hits(8, 0, n, 500000);
                all += (unsigned)sys_draw_hits(n, n, n, SYS_PPM_ALWAYS);
                none += (unsigned)sys_draw_hits(n, n, n, 0);
        }
        CHECK(hits > 400 && hits < 600, "5%% of 10000: %u", hits);
        CHECK(same > 4500 && same < 5500, "two seeds agree on %u of 10000", same);
        CHECK(all == 10000 && none == 0, "100%% is always, 0%% never: %u %u", all, none);
}

static void test_hooks(void) {
        static const char *const good[] = { "openat", "pwrite64", "write" }, *const bad[] = { "openat", "fsync" };
        struct err e = { 0 };
        uint32_t bits = 0;

        CHECK(errno_hooks_for(good, 3, &bits, &e) == 0 && bits == (1U << SYS_HOOK_OPEN | 1U << SYS_HOOK_WRITE), "%x",
              bits);
        CHECK(errno_hooks_for(bad, 2, &bits, &e) == -EOPNOTSUPP && strstr(e.msg, "fsync"), "%s", e.msg);
        for (unsigned i = 0; i < SYS_HOOK_COUNT; i++)
                CHECK(errno_hook_name(i) && strlen(errno_hook_name(i)) < 32, "hook %u", i);
}

static void test_params_refused(void) {
        static const struct {
                const char *params, *path;
        } bad[] = {
                { "{'syscalls': ['opnat'], 'errno': 'EIO'}", "/syscalls/0" },
                { "{'syscalls': ['read', 'read'], 'errno': 'EIO'}", "/syscalls/1" },
                { "{'syscalls': [], 'errno': 'EIO'}", "/syscalls" },
                { "{'syscalls': ['read'], 'errno': 'EIO', 'when': '0'}", "/when" },
                { "{'syscalls': ['read'], 'errno': 'EFOO'}", "/errno" },
                { "{'syscalls': ['read'], 'errno': 'EIO', 'probability': '0%'}", "/probability" },
                { "{'syscalls': ['read']}", "" },
                { "{'errno': 'EIO'}", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct kind_case c;
                int r = kind_open(&c, "sys.errno", bad[i].params, "{'pid': 4242}");

                if (r == 0)
                        r = kind_validate(&c);
                CHECK(r < 0 && c.err.msg[0], "%s was accepted", bad[i].params);
                if (bad[i].path[0])
                        CHECK_STR(c.err.path, bad[i].path);
                (void)kind_close(&c);
        }
}

static void test_plan(void) {
        struct kind_case c;

        CHECK(kind_open(&c, "sys.errno", "{'syscalls': ['openat', 'write'], 'errno': 'ENOSPC', 'probability': '5%'}",
                        "{'pid': 4242}") == 0,
              "%s", c.err.msg);
        CHECK(kind_validate(&c) == 0 && kind_plan(&c) == 0, "%s", c.err.msg);
        CHECK_STR(c.plan ? c.plan : "",
                  "attach BPF programs (unpinned links) to the entry of openat, the entry of write\n"
                  "let them fail with ENOSPC (No space left on device), calls 1+ of each thread, 5% of those\n"
                  "in process 4242 (nginx), its children, and all that they start");
        c.fault.backend = "bpf-lsm";
        CHECK(kind_plan(&c) == 0 && strstr(c.plan, "hook file_open, the security hook file_permission:write\n"), "%s",
              c.plan ? c.plan : c.err.msg);
        CHECK(kind_close(&c) == 0, "%s", c.err.msg);

        CHECK(kind_open(&c, "sys.errno", "{'syscalls': 'fsync', 'errno': 'EIO'}", "{'cgroup': '/shop'}") == 0, "%s",
              c.err.msg);
        c.fault.backend = "bpf-lsm";
        CHECK(kind_plan(&c) == -EOPNOTSUPP && strstr(c.err.msg, "fsync"), "%s", c.err.msg);
        (void)kind_close(&c);
}

static void test_life(void) {
        struct kind_case c;
        char *now;

        CHECK(kind_open(&c, "sys.errno", "{'syscalls': ['openat', 'write'], 'errno': 'EIO'}", "{'pid': [1, 2]}") == 0,
              "%s", c.err.msg);
        c.fault.deadline_us = c.env.now_us + 1000000;
        CHECK(kind_inject(&c) == 0, "%s", c.err.msg);
        now = fake_snapshot();
        CHECK(strstr(now, "= 2 processes, 0 cgroups, armed"), "%s", now);
        free(now);
        CHECK(c.undo.n == 1 && strncmp(c.undo.records[0], "hooks 0b9f", 10) == 0, "record: %s", c.undo.records[0]);
        CHECK(kind_verify(&c) == 1 && c.evidence.hits == 8, "%llu hits", (unsigned long long)c.evidence.hits);
        CHECK(c.evidence.n_counters == 4 && strcmp(c.evidence.counters[2].name, "openat") == 0, "counters");

        /* The deadline is over, though nobody has undone anything. */
        c.env.now_us += 2000000;
        CHECK(kind_verify(&c) == 0, "verified past its deadline");

        /* A normal end: the record alone stops it, before the links are released. */
        CHECK(fault_undo_all(&c.env, c.fault.ops, &c.undo, &c.err) == 0, "%s", c.err.msg);
        now = fake_snapshot();
        CHECK(strstr(now, "disarmed"), "%s", now);
        free(now);
        CHECK(kind_close(&c) == 0, "%s", c.err.msg);
}

int main(void) {
        test_when_grid();
        test_when_refused();
        test_rules_accepted();
        test_rules_refused();
        test_draws();
        test_hooks();
        test_params_refused();
        test_plan();
        test_life();
        return check_result();
}
