/* proc.pause on the fake host: plan, both backends, undo from the record alone, and what was stopped by others. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/target/target.h"
#include "faults/undo.h"
#include "lib/check.h"

extern const struct fault_ops fault_proc_pause;
#define OPS (&fault_proc_pause)

struct values {
        uint64_t set;
};

static struct target_proc procs[] = {
        { .pid = 101, .pidfd = -1, .start_time = 5, .comm = "redis-server", .exe = (char *)"/usr/bin/redis-server" },
        { .pid = 102, .pidfd = -1, .start_time = 6, .comm = "redis-server", .exe = (char *)"/usr/bin/redis-server" },
};
static struct target_cgroup cgroups[] = {
        { .path = (char *)"/shop/front", .v2_fd = 0, .freezer_fd = -1, .cpu_fd = -1, .systemd_fd = -1 }
};

static const struct target processes = { .procs = procs, .n_procs = ARRAY_SIZE(procs), .netns_fd = -1, .path_fd = -1 };
static const struct target cgroup = { .cgroups = cgroups, .n_cgroups = 1, .netns_fd = -1, .path_fd = -1 };

static int push(struct undo *u, const char *record, struct err *e) {
        (void)e;
        return undo_append(u, record);
}

static void test_plan(void) {
        struct values v = { 0 };
        const struct {
                const struct target *target;
                const char *backend, *stopped, *plan, *words;
                int result;
        } rows[] = {
                { &processes, "sigstop", NULL,
                  "stop 101 (redis-server) with SIGSTOP; SIGCONT at the end\n"
                  "stop 102 (redis-server) with SIGSTOP; SIGCONT at the end\n",
                  "", 0 },
                { &processes, "sigstop", "stopped:102",
                  "stop 101 (redis-server) with SIGSTOP; SIGCONT at the end\n"
                  "leave 102 (redis-server) alone: it is stopped already\n",
                  "", 0 },
                { &cgroup, "freezer", NULL,
                  "freeze cgroup /shop/front (v2) with the 4 processes in it; thaw it at the end\n", "", 0 },
                { &cgroup, "freezer", "frozen:/shop/front", "", "frozen already", -EBUSY },
                { &cgroup, "sigstop", NULL, "", "a whole cgroup is stopped by the freezer", -EOPNOTSUPP },
                { &processes, "freezer", NULL, "", "not chosen processes", -EOPNOTSUPP },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct fault f = { .ops = OPS, .target = rows[i].target, .params = &v, .backend = rows[i].backend };
                SCOPED_FREE char *plan = NULL, *before = NULL, *after = NULL;
                struct fault_env env = { 0 };
                struct err e = { 0 };
                int r;

                fake_reset();
                if (rows[i].stopped)
                        fake_set(rows[i].stopped, "by somebody else");
                before = fake_snapshot();
                r = OPS->plan(&env, &f, &plan, &e);
                CHECK(r == rows[i].result, "row %zu: %d %s", i, r, e.msg);
                CHECK_STR(plan ? plan : "", rows[i].plan);
                CHECK(strstr(e.msg, rows[i].words), "\"%s\" lacks \"%s\"", e.msg, rows[i].words);
                after = fake_snapshot();
                CHECK_STR(after, before);
        }
}

/* Inject, prove it, undo by a record read elsewhere, twice. */
static void test_life(const struct target *target, const char *backend, const char *record, uint64_t hits) {
        struct values v = { 0 };
        struct undo undo = { .push = push };
        struct fault f = {
                .ops = OPS, .target = target, .params = &v, .backend = backend, .undo = &undo, .holds = holds_new()
        };
        struct fault_env env = { 0 };
        struct evidence ev = { 0 };
        struct err e = { 0 };
        SCOPED_FREE char *before = NULL, *during = NULL, *after = NULL;

        fake_reset();
        before = fake_snapshot();
        CHECK(OPS->inject(&env, &f, &e) == 0, "%s", e.msg);
        during = fake_snapshot();
        CHECK(strcmp(before, during) != 0, "something must have changed");
        CHECK(undo.n == 1, "one record");
        CHECK_STR(undo.n ? undo.records[0] : "", record);
        CHECK(OPS->verify(&env, &f, &ev, &e) == 1 && ev.hits == hits, "%u hits: %s", (unsigned)ev.hits, ev.note);

        holds_free(f.holds);
        CHECK(OPS->revert(&env, record, &e) == 0 && OPS->revert(&env, record, &e) == 0, "twice: %s", e.msg);
        after = fake_snapshot();
        CHECK_STR(after, before);
        undo_done(&undo);
}

static void test_others(void) {
        struct values v = { 0 };
        struct undo undo = { .push = push };
        struct fault f = { .ops = OPS,
                           .target = &processes,
                           .params = &v,
                           .backend = "sigstop",
                           .undo = &undo,
                           .holds = holds_new() };
        struct fault_env env = { 0 };
        struct evidence ev = { 0 };
        struct err e = { 0 };

        /* One of the two was stopped before: it is neither recorded nor claimed nor woken. */
        fake_reset();
        fake_set("stopped:101", "by somebody else");
        CHECK(OPS->inject(&env, &f, &e) == 0, "%s", e.msg);
        CHECK_STR(undo.n ? undo.records[0] : "", "sigstop 102:6");
        CHECK(OPS->verify(&env, &f, &ev, &e) == 1 && ev.hits == 1, "%u hits", (unsigned)ev.hits);
        CHECK(strstr(ev.note, "left alone"), "note: %s", ev.note);

        /* Somebody wakes ours: no longer verified, and said so; it had been stopped, though. */
        (void)fake_del("stopped:102");
        CHECK(OPS->verify(&env, &f, &ev, &e) == 0, "not verified");
        CHECK(ev.hits == 1 && strstr(ev.note, "woken 1"), "%u hits, note: %s", (unsigned)ev.hits, ev.note);
        CHECK(ev.counters[0].value == 0 && ev.counters[1].value == 1, "stopped %u, awake %u",
              (unsigned)ev.counters[0].value, (unsigned)ev.counters[1].value);
        CHECK(fault_undo_all(&env, OPS, &undo, &e) == 0, "%s", e.msg);
        CHECK(fake_get("stopped:101") != NULL, "not ours to wake");
        holds_free(f.holds);

        /* All of them: refused, and nothing is recorded. */
        fake_set("stopped:102", "by somebody else");
        f.holds = holds_new();
        f.state = NULL;
        CHECK(OPS->inject(&env, &f, &e) == -EBUSY && undo.n == 0, "%s", e.msg);
        holds_free(f.holds);
}

static void test_bad_records(void) {
        static const char *const rows[] = { "",        "sigstop 1:5",      "sigstop x",         "sigstop 12",
                                            "freezer", "freezer 2 9 shop", "freezer 2 x /shop", "other 1" };
        struct fault_env env = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct err e = { 0 };

                fake_reset();
                CHECK(OPS->revert(&env, rows[i], &e) == -EBADMSG, "'%s' must be refused", rows[i]);
        }
}

int main(void) {
        test_plan();
        test_life(&processes, "sigstop", "sigstop 101:5 102:6", 2);
        test_life(&cgroup, "freezer", "freezer 2 77 /shop/front", 4);
        test_others();
        test_bad_records();
        return check_result();
}
