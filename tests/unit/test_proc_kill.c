/* proc.kill: what it refuses, what its plan says, and what counts as a hit, on the fake host. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/target/target.h"
#include "lib/check.h"

extern const struct fault_ops fault_proc_kill;
#define OPS (&fault_proc_kill)

struct values {
        uint64_t set;
        int signal;
};

static void test_validate(void) {
        static const struct {
                int signal, result;
                const char *words;
        } rows[] = {
                { SIGKILL, 0, "" },
                { SIGHUP, 0, "" },
                { SIGSTOP, -EINVAL, "use proc.pause" },
                { SIGTSTP, -EINVAL, "use proc.pause" },
                { SIGCONT, -EINVAL, "breaks nothing" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct values v = { .signal = rows[i].signal };
                struct err e = { 0 };
                int r = OPS->validate(&v, &e);

                CHECK(r == rows[i].result, "signal %d: %d", rows[i].signal, r);
                CHECK(strstr(e.msg, rows[i].words), "\"%s\" lacks \"%s\"", e.msg, rows[i].words);
                if (r < 0)
                        CHECK_STR(e.path, "/signal");
        }
}

static void test_params(void) {
        struct values v = { 0 };
        struct err e = { 0 };
        SCOPED_JSON json_t *none = json_object(), *hup = json_pack("{s:s}", "signal", "hup"),
                           *bad = json_pack("{s:s}", "signal", "SIGNOPE"), *more = json_pack("{s:i}", "sig", 9);

        CHECK(param_parse_object(OPS->params, none, &v, &e) == 0 && v.signal == SIGKILL, "default: %s", e.msg);
        CHECK(param_parse_object(OPS->params, hup, &v, &e) == 0 && v.signal == SIGHUP, "hup: %s", e.msg);
        CHECK(param_parse_object(OPS->params, bad, &v, &e) == -EINVAL, "no such signal");
        CHECK(param_parse_object(OPS->params, more, &v, &e) == -EINVAL && strstr(e.msg, "signal"), "nearest key: %s",
              e.msg);
}

static struct target_proc procs[] = {
        { .pid = 101, .pidfd = -1, .start_time = 5, .comm = "nginx", .exe = (char *)"/usr/sbin/nginx" },
        { .pid = 102, .pidfd = -1, .start_time = 6, .comm = "nginx", .exe = (char *)"/usr/sbin/nginx" },
};

static const struct target target = { .procs = procs, .n_procs = ARRAY_SIZE(procs), .netns_fd = -1, .path_fd = -1 };

static void test_plan(void) {
        struct values v = { .signal = SIGTERM };
        struct fault f = { .ops = OPS, .target = &target, .params = &v, .backend = "pidfd" };
        struct fault_env env = { 0 };
        SCOPED_FREE char *plan = NULL, *before = NULL, *after = NULL;
        struct err e = { 0 };

        fake_reset();
        before = fake_snapshot();
        CHECK(OPS->plan(&env, &f, &plan, &e) == 0, "%s", e.msg);
        CHECK_STR(plan ? plan : "", "irreversible: sends SIGTERM to 101 (nginx)\n"
                                    "irreversible: sends SIGTERM to 102 (nginx)\n");
        after = fake_snapshot();
        CHECK_STR(after, before);
}

/* The n-th signal of two fails; with n = 0 none does. */
static void test_inject(void) {
        struct values v = { .signal = SIGKILL };
        struct fault f = { .ops = OPS, .target = &target, .params = &v, .backend = "pidfd", .holds = holds_new() };
        struct fault_env env = { 0 };
        struct evidence ev = { 0 };
        struct err e = { 0 };

        fake_reset();
        CHECK(OPS->inject(&env, &f, &e) == 0, "%s", e.msg);
        CHECK(OPS->verify(&env, &f, &ev, &e) == 1 && ev.hits == 2, "two exits, %u seen", (unsigned)ev.hits);
        CHECK_STR(ev.counters[1].name, "exited");
        CHECK(ev.counters[1].value == 2, "exited: %u", (unsigned)ev.counters[1].value);
        CHECK_STR(ev.counters[4].name, "restarted");
        CHECK(ev.counters[4].value == 1, "one successor on the fake host");
        holds_free(f.holds);

        /* Both are dead now: nobody is left to get a signal. */
        f.holds = holds_new();
        f.state = NULL;
        CHECK(OPS->inject(&env, &f, &e) == -ESRCH && strstr(e.msg, "no signal was delivered"), "%s", e.msg);
        CHECK(OPS->verify(&env, &f, &ev, &e) == 0 && ev.hits == 0, "nothing happened, nothing is claimed");
        holds_free(f.holds);

        /* In another process there is nothing to tell it by. */
        f.state = NULL;
        CHECK(OPS->verify(&env, &f, &ev, &e) < 0, "cannot tell");
}

/* A signal that was delivered is no exit. */
static void test_living_on(void) {
        struct values v = { .signal = SIGTERM };
        struct fault f = { .ops = OPS, .target = &target, .params = &v, .backend = "pidfd", .holds = holds_new() };
        struct fault_env env = { 0 };
        struct evidence ev = { 0 };
        struct err e = { 0 };

        fake_reset();
        fake_set("deaf:101", "like one in uninterruptible sleep");
        CHECK(OPS->inject(&env, &f, &e) == 0, "%s", e.msg);
        CHECK(OPS->verify(&env, &f, &ev, &e) == 1 && ev.hits == 1, "%u hits", (unsigned)ev.hits);
        CHECK(ev.counters[0].value == 2 && ev.counters[1].value == 1, "delivered %u, exited %u",
              (unsigned)ev.counters[0].value, (unsigned)ev.counters[1].value);
        CHECK_STR(ev.note, "1 got the signal and live on");
        holds_free(f.holds);
}

int main(void) {
        test_params();
        test_validate();
        test_plan();
        test_inject();
        test_living_on();
        return check_result();
}
