/* A fault's way through the daemon, with kinds that change only this test's memory: what is on file when, what is
 * undone after a failure at each step, what ends a fault, what a restart finds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chaosd/daemon.h"
#include "chaosd/history.h"
#include "chaosd/life.h"
#include "chaosd/recovery.h"
#include "core/clock.h"
#include "core/err.h"
#include "faults/target/target.h"
#include "lib/check.h"

#define STEPS 3

/* The "kernel" that the test kinds change. */
static struct {
        bool changed[STEPS];
        int fail_at;         /* inject fails before this step (1…), 0 = never */
        int undo_fails;      /* so many calls of revert fail */
        bool record_missing; /* a change was made whose record was not on file */
        unsigned renewals;
        uint64_t hits;
} host;

static char dir[] = "/tmp/test_daemon_XXXXXX";

struct steps_params {
        uint64_t set;
        uint64_t amount;
};
static const struct param steps_params[] = {
        { .name = "amount",
          .type = PARAM_UINT,
          .offset = offsetof(struct steps_params, amount),
          .min = 1,
          .max = 10,
          .fallback = "1",
          .help = "how much" },
        { 0 },
};

static bool is_on_file(const char *uid, const char *record) {
        SCOPED_JSON json_t *file = NULL;
        char path[300];
        const json_t *records;

        (void)snprintf(path, sizeof(path), "%s/faults/%s.json", dir, uid);
        if (json_load_path(path, &file, NULL) < 0)
                return false;

        records = json_object_get(file, "undo");
        for (size_t i = 0; i < json_array_size(records); i++)
                if (strcmp(json_string_value(json_array_get(records, i)), record) == 0)
                        return true;
        return false;
}

static int steps_plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        (void)env;
        (void)e;
        CHECK(!f->undo && !f->holds, "plan must not see undo or holds");
        return asprintf(ret, "change 0\nchange 1\nchange 2\n") < 0 ? -ENOMEM : 0;
}

static int steps_inject(struct fault_env *env, struct fault *f, struct err *e) {
        (void)env;
        for (int i = 0; i < STEPS; i++) {
                char record[32];
                int r;

                if (host.fail_at == i + 1)
                        return err_set(e, -EIO, "change %d: refused by the test", i);

                (void)snprintf(record, sizeof(record), "undo %d", i);
                r = undo_push(f->undo, e, "%s", record);
                if (r < 0)
                        return r;

                host.record_missing |= !is_on_file(f->uid, record);
                host.changed[i] = true;
        }
        return 0;
}

static int steps_verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        (void)env;
        (void)f;
        (void)e;
        ret->hits = host.hits;
        evidence_add(ret, "changes", "changes", 3);
        return host.changed[0] && host.changed[STEPS - 1];
}

static int steps_revert(struct fault_env *env, const char *record, struct err *e) {
        (void)env;
        if (host.undo_fails > 0) {
                host.undo_fails--;
                return err_set(e, -EIO, "undo refused by the test");
        }
        host.changed[record[5] - '0'] = false;
        return 0;
}

static int steps_renew(struct fault_env *env, struct fault *f, struct err *e) {
        (void)e;
        CHECK(f->deadline_us > env->now_us, "deadline %llu is not ahead", (unsigned long long)f->deadline_us);
        host.renewals++;
        return 0;
}

static int probe_second(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        return strcmp(backend, "second") == 0 ? 0 : err_set(e, -EOPNOTSUPP, "not in this kernel");
}

static int probe_none(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        return err_set(e, -EOPNOTSUPP, "no %s here", backend);
}

static const struct fault_backend backends[] = { { "first", "n", "r" }, { "second", "n", "r" }, { 0 } };

static const struct fault_ops kind_steps = {
        .name = "test.steps",
        .summary = "s",
        .owner = FAULT_OWNER_GUARD,
        .backends = backends,
        .targets = TARGET_PROCESS,
        .target_optional = true,
        .params = steps_params,
        .params_size = sizeof(struct steps_params),
        .probe = probe_second,
        .plan = steps_plan,
        .inject = steps_inject,
        .verify = steps_verify,
        .revert = steps_revert,
        .renew = steps_renew,
};
static const struct fault_ops kind_final = {
        .name = "test.final",
        .summary = "s",
        .owner = FAULT_OWNER_IRREVERSIBLE,
        .backends = backends,
        .targets = TARGET_PROCESS,
        .target_optional = true,
        .params = steps_params,
        .params_size = sizeof(struct steps_params),
        .probe = probe_second,
        .plan = steps_plan,
        .inject = steps_inject,
        .verify = steps_verify,
        .revert = steps_revert,
};
static const struct fault_ops kind_never = {
        .name = "test.never",
        .summary = "s",
        .owner = FAULT_OWNER_FD,
        .backends = backends,
        .targets = TARGET_PROCESS,
        .target_optional = true,
        .params = steps_params,
        .params_size = sizeof(struct steps_params),
        .probe = probe_none,
        .plan = steps_plan,
        .inject = steps_inject,
        .verify = steps_verify,
        .revert = steps_revert,
};
static const struct fault_ops *const kinds[] = { &kind_final, &kind_never, &kind_steps, NULL };

static struct daemon d;

static void start_daemon(const char *config) {
        SCOPED_JSON json_t *object = json_loads(config, 0, NULL);
        struct config *c = NULL;
        struct err e = { 0 };

        d = (struct daemon){ .kinds = kinds, .audit.fd = -1, .env.runtime_dir = dir, .presence = -1 };
        CHECK(config_parse(object, &c, &e) == 0, "config: %s", e.msg);
        d.config = c;
        CHECK(journal_open(&d.journal, dir, &e) == 0 && daemon_init(&d, &e) == 0, "daemon: %s", e.msg);
}

static void stop_daemon(void) {
        struct config *c = (struct config *)d.config;

        daemon_done(&d);
        config_free(c);
}

static const char plain_config[] = "{\"policy\":{\"wholeNode\":true}}";

static int inject(const char *text, struct life **ret, struct life_failure *how, struct err *e) {
        SCOPED_JSON json_t *body = json_loads(text, 0, NULL);
        SCOPED(request_freep) struct request *q = NULL;
        const struct audit_peer peer = { .pid = 1 };
        int r;

        CHECK(body != NULL, "test's own JSON: %s", text);
        r = request_parse(body, kinds, &q, e);
        return r < 0 ? r : life_start(&d, &q, &peer, ret, how, e);
}

static int count_journal(void) {
        char path[300];
        const struct dirent *at;
        DIR *files;
        int n = 0;

        (void)snprintf(path, sizeof(path), "%s/faults", dir);
        files = opendir(path);
        while (files && (at = readdir(files)))
                n += at->d_name[0] != '.';
        if (files)
                (void)closedir(files);
        return n;
}

static bool is_host_clean(void) {
        return !host.changed[0] && !host.changed[1] && !host.changed[2];
}

/* Let the loop run until pred() or two seconds are over. */
static void run_until(bool (*pred)(void)) {
        uint64_t end_us = clock_boottime_us() + 2 * USEC_PER_SEC;

        while (!pred() && clock_boottime_us() < end_us)
                (void)sd_event_run(d.event, 100000);
}

static bool no_lives(void) {
        return !d.lives;
}

static void test_whole_life(void) {
        SCOPED_JSON json_t *fault = NULL, *past = NULL;
        struct life_failure how = { 0 };
        struct life *l = NULL;
        struct err e = { 0 };
        char uid[37];

        start_daemon(plain_config);
        host.hits = 7;
        CHECK(inject("{\"kind\":\"test.steps\",\"name\":\"n\",\"for\":\"30s\",\"lease\":\"2s\",\"params\":{\"amount\":"
                     "3}}",
                     &l, &how, &e) == 0,
              "inject: %s", e.msg);
        CHECK(host.changed[0] && host.changed[2], "the kind was not called");
        CHECK(!host.record_missing, "a change was made before its record was on file");
        CHECK(count_journal() == 1, "%d journal files", count_journal());

        fault = life_describe(l);
        CHECK_STR(json_text_at(fault, "state", ""), "active");
        CHECK_STR(json_text_at(fault, "backend", ""), "second");
        CHECK_STR(json_text_at(fault, "backend_reason", ""), "first: not in this kernel");
        CHECK(json_int_at(fault, "params/amount", 0) == 3, "params");
        CHECK(json_int_at(fault, "evidence/hits", 0) == 7, "hits");
        CHECK(json_bool_at(fault, "evidence/verified", false), "verified");
        CHECK(json_array_size(json_at(fault, "plan")) == 3, "plan lines");
        CHECK(json_int_at(fault, "deadline_us", 0) - json_int_at(fault, "injected_us", 0) <= 2000000, "deadline");
        CHECK(json_int_at(fault, "remaining_ms", 0) > 29000, "remaining");
        CHECK(json_is_null(json_at(fault, "reason")) && json_is_null(json_at(fault, "undo")), "not over yet");

        CHECK(life_renew(l, 10000000, &e) == 0 && host.renewals == 1, "renew: %s", e.msg);
        CHECK(l->fault.deadline_us > clock_boottime_us() + 9000000, "the deadline did not move");
        CHECK(life_renew(l, 100000000, &e) == 0 && l->fault.deadline_us == l->end_us, "a lease never outlives `for`");

        (void)snprintf(uid, sizeof(uid), "%s", l->fault.uid);
        CHECK(life_end(l, LIFE_REASON_REQUESTED, NULL, &e) == 0, "end: %s", e.msg);
        CHECK(is_host_clean() && count_journal() == 0 && !d.lives, "something is left");
        past = history_find(d.history, uid);
        CHECK_STR(json_text_at(past, "state", ""), "gone");
        CHECK_STR(json_text_at(past, "reason", ""), "requested");
        CHECK(json_bool_at(past, "undo/ok", false) && json_int_at(past, "evidence/hits", 0) == 7, "final evidence");
        stop_daemon();
}

static void test_inject_fails_at_each_step(void) {
        for (int step = 1; step <= STEPS; step++) {
                struct life_failure how = { 0 };
                struct life *l = NULL;
                struct err e = { 0 };

                start_daemon(plain_config);
                host.fail_at = step;
                CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"3s\"}", &l, &how, &e) == -EIO, "step %d: %s", step,
                      e.msg);
                CHECK(how.changing && !how.residue[0], "step %d", step);
                CHECK(strstr(e.msg, "refused by the test") && strstr(e.msg, "undone"), "words: %s", e.msg);
                CHECK(is_host_clean() && count_journal() == 0 && !d.lives, "step %d: something is left", step);
                host.fail_at = 0;
                stop_daemon();
        }
}

static void test_undo_fails_then_heals(void) {
        struct life_failure how = { 0 };
        struct life *l = NULL;
        struct err e = { 0 };

        start_daemon(plain_config);
        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == 0, "%s", e.msg);
        host.undo_fails = 1;
        CHECK(life_end(l, LIFE_REASON_REQUESTED, NULL, &e) == -EIO && l->state == LIFE_FAILED, "%s", e.msg);
        CHECK(count_journal() == 1 && d.undo_failures == 1, "the record must stay");
        run_until(no_lives);
        CHECK(is_host_clean() && count_journal() == 0 && !d.lives, "the retry did not heal");

        host.fail_at = 2;
        host.undo_fails = 1;
        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == -EIO, "%s", e.msg);
        CHECK(how.residue[0] && life_find(&d, how.residue) && life_find(&d, how.residue)->state == LIFE_FAILED,
              "a failed undo of a failed inject must stay visible");
        host.fail_at = 0;
        run_until(no_lives);
        CHECK(is_host_clean() && !d.lives, "the retry did not heal");
        stop_daemon();
}

static char ended_uid[37];

static const char *ended_reason(const char *body) {
        static char reason[32];
        SCOPED_JSON json_t *past = NULL;
        struct life_failure how = { 0 };
        struct life *l = NULL;
        struct err e = { 0 };

        CHECK(inject(body, &l, &how, &e) == 0, "%s: %s", body, e.msg);
        (void)snprintf(ended_uid, sizeof(ended_uid), "%s", l ? l->fault.uid : "");
        run_until(no_lives);
        past = history_find(d.history, ended_uid);
        (void)snprintf(reason, sizeof(reason), "%s", json_text_at(past, "reason", "none"));
        return reason;
}

static void test_ends_by_itself(void) {
        start_daemon(plain_config);
        CHECK_STR(ended_reason("{\"kind\":\"test.steps\",\"for\":\"50ms\"}"), "ended");
        CHECK_STR(ended_reason("{\"kind\":\"test.steps\",\"for\":\"30s\",\"lease\":\"100ms\"}"), "lease");
        CHECK_STR(ended_reason("{\"kind\":\"test.steps\",\"for\":\"50ms\",\"lease\":\"none\"}"), "ended");
        CHECK_STR(ended_reason("{\"kind\":\"test.final\",\"for\":\"50ms\"}"), "ended");
        CHECK(d.lease_lapses == 1 && count_journal() == 0 && is_host_clean(), "lapses %d", (int)d.lease_lapses);
        stop_daemon();
}

static void test_target_exit(void) {
        char body[200];
        pid_t child = fork();

        if (child == 0) {
                for (;;)
                        (void)pause();
        }

        start_daemon(plain_config);
        (void)snprintf(body, sizeof(body),
                       "{\"kind\":\"test.steps\",\"for\":\"30s\",\"lease\":\"20s\",\"target\":{\"pid\":%d},"
                       "\"breakGlass\":true}",
                       (int)child);
        ((struct config *)d.config)->policy.break_glass = true; /* children of the daemon are protected */
        {
                struct life_failure how = { 0 };
                SCOPED_JSON json_t *past = NULL;
                struct life *l = NULL;
                struct err e = { 0 };
                char uid[37];

                CHECK(inject(body, &l, &how, &e) == 0, "%s", e.msg);
                (void)snprintf(uid, sizeof(uid), "%s", l ? l->fault.uid : "");
                (void)kill(child, SIGKILL);
                run_until(no_lives);
                past = history_find(d.history, uid);
                CHECK_STR(json_text_at(past, "reason", "none"), "target-gone");
        }
        (void)waitpid(child, NULL, 0);
        stop_daemon();
}

static void test_policy(void) {
        static const struct {
                const char *config, *body;
                int want;
                const char *path;
        } cases[] = {
                { "{}", "{\"kind\":\"test.steps\",\"for\":\"3s\"}", -EPERM, "/target" },
                { plain_config, "{\"kind\":\"test.steps\",\"for\":\"2h\"}", -ERANGE, "/for" },
                { plain_config, "{\"kind\":\"test.steps\",\"for\":\"3s\",\"breakGlass\":true}", -EPERM, "/breakGlass" },
                { plain_config, "{\"kind\":\"test.steps\",\"for\":\"3s\",\"lease\":\"9h\"}", -ERANGE, "/lease" },
                { plain_config, "{\"kind\":\"test.never\",\"for\":\"3s\"}", -EOPNOTSUPP, "" },
                { plain_config, "{\"kind\":\"test.steps\",\"for\":\"3s\",\"backend\":\"first\"}", -EOPNOTSUPP, "" },
                { plain_config, "{\"kind\":\"test.steps\",\"for\":\"3s\",\"backend\":\"third\"}", -EINVAL, "/backend" },
                { "{\"policy\":{\"wholeNode\":true,\"kinds\":[\"net.*\"]}}", "{\"kind\":\"test.steps\",\"for\":\"3s\"}",
                  -EPERM, "/kind" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct life_failure how = { 0 };
                struct life *l = NULL;
                struct err e = { 0 };
                int r;

                start_daemon(cases[i].config);
                r = inject(cases[i].body, &l, &how, &e);
                CHECK(r == cases[i].want, "case %zu: %d %s", i, r, e.msg);
                CHECK_STR(e.path, cases[i].path);
                CHECK(!d.lives && count_journal() == 0 && is_host_clean(), "case %zu changed something", i);
                stop_daemon();
        }
}

static void test_limits_and_halt(void) {
        struct life_failure how = { 0 };
        struct life *l = NULL;
        struct err e = { 0 };

        start_daemon("{\"policy\":{\"wholeNode\":true},\"limits\":{\"maxFaults\":2}}");
        for (int i = 0; i < 2; i++)
                CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == 0, "%s", e.msg);
        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == -EDQUOT, "%s", e.msg);

        CHECK(halt_store(&d, "stop it", &e) == 0, "%s", e.msg);
        {
                SCOPED_JSON json_t *reverted = NULL, *failed = NULL;

                life_end_all(&d, LIFE_REASON_HALT, NULL, &reverted, &failed);
                CHECK(json_array_size(reverted) == 2 && json_array_size(failed) == 0 && !d.lives, "halt");
        }
        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == -ECANCELED, "%s", e.msg);
        stop_daemon();

        start_daemon(plain_config); /* a restarted daemon stays halted */
        CHECK(halt_load(&d, &e) == 0 && d.halted, "halt must outlive the daemon");
        CHECK_STR(d.halt_reason, "stop it");
        CHECK(halt_clear(&d, &e) == 0 && !d.halted, "%s", e.msg);
        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == 0, "%s", e.msg);
        CHECK(life_end(l, LIFE_REASON_REQUESTED, NULL, &e) == 0, "%s", e.msg);
        stop_daemon();
}

static void keep_failed(struct journal_entry **entry, const struct err *why, void *arg) {
        struct err e = { 0 };

        (void)arg;
        CHECK(life_adopt(&d, TAKE_PTR(*entry), why, &e) == 0, "%s", e.msg);
}

static void test_recovery(void) {
        struct recovery r = { .journal = &d.journal, .kinds = kinds, .env = &d.env, .on_failed = keep_failed };
        struct life_failure how = { 0 };
        struct life *l = NULL;
        struct err e = { 0 };

        start_daemon(plain_config);
        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == 0, "%s", e.msg);
        CHECK(inject("{\"kind\":\"test.final\",\"for\":\"30s\"}", &l, &how, &e) == 0, "%s", e.msg);
        stop_daemon(); /* as if killed: nothing is undone */
        CHECK(host.changed[0] && count_journal() == 2, "%d files", count_journal());

        start_daemon(plain_config);
        r.dry_run = true;
        CHECK(recovery_run_records(&r, &e) == 0 && r.healed == 2 && count_journal() == 2, "a dry run changes nothing");
        r.dry_run = false;
        r.healed = 0;
        CHECK(recovery_run_records(&r, &e) == 0 && r.healed == 2 && r.failed == 0, "%s", e.msg);
        CHECK(is_host_clean() && count_journal() == 0, "recovery left something");
        CHECK(recovery_run_records(&r, &e) == 0 && r.healed == 2, "nothing is left to heal");

        CHECK(inject("{\"kind\":\"test.steps\",\"for\":\"30s\"}", &l, &how, &e) == 0, "%s", e.msg);
        stop_daemon();
        start_daemon(plain_config);
        host.undo_fails = 1;
        CHECK(recovery_run_records(&r, &e) == 0 && r.failed == 1 && d.lives, "a failing undo must be kept in sight");
        CHECK(d.lives && d.lives->state == LIFE_FAILED, "adopted");
        run_until(no_lives);
        CHECK(is_host_clean() && count_journal() == 0 && !d.lives, "the retry did not heal");
        stop_daemon();
}

static void write_journal(const char *name, const char *text) {
        char path[300];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/faults/%s", dir, name);
        f = fopen(path, "w");
        CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0, "cannot write %s", path);
}

static unsigned broken;

static void count_broken(const char *name, const struct err *why, void *arg) {
        (void)name;
        (void)arg;
        CHECK(why->msg[0], "no words");
        broken++;
}

static void test_odd_journals(void) {
        struct recovery r = { .journal = &d.journal, .kinds = kinds, .env = &d.env, .on_broken = count_broken };
        struct err e = { 0 };

        start_daemon(plain_config);
        write_journal("11111111-1111-1111-1111-111111111111.json",
                      "{\"schema\":\"chaosd/journal/"
                      "v1\",\"uid\":\"11111111-1111-1111-1111-111111111111\",\"kind\":\"test.steps\","
                      "\"state\":\"active\",\"boot_id\":\"another\",\"undo\":[\"undo 0\"]}");
        write_journal("22222222-2222-2222-2222-222222222222.json.new", "{\"half");
        host.undo_fails = 99; /* must not even be asked: another boot's kernel is gone */
        CHECK(recovery_run_records(&r, &e) == 0 && r.healed == 1, "%s", e.msg);
        host.undo_fails = 0;
        CHECK(count_journal() == 0, "%d files", count_journal());

        write_journal("33333333-3333-3333-3333-333333333333.json", "{\"half");
        write_journal(
                "44444444-4444-4444-4444-444444444444.json",
                "{\"schema\":\"chaosd/journal/v1\",\"uid\":\"55555555-5555-5555-5555-555555555555\",\"kind\":\"k\"}");
        r.failed = 0;
        CHECK(recovery_run_records(&r, &e) == 0 && r.failed == 2 && broken == 2, "broken %u", broken);
        CHECK(count_journal() == 2, "what cannot be read stays for people to look at");
        stop_daemon();
}

static void remove_tree(void) {
        char path[300];
        struct journal j = { 0 };
        const struct dirent *at;
        DIR *files;

        (void)journal_open(&j, dir, NULL);
        files = opendir(j.dir);
        while (files && (at = readdir(files)))
                (void)unlinkat(dirfd(files), at->d_name, 0);
        if (files)
                (void)closedir(files);
        (void)rmdir(j.dir);
        (void)snprintf(path, sizeof(path), "%s/halted", dir);
        (void)unlink(path);
        CHECK(rmdir(dir) == 0, "the test's directory is not empty");
}

int main(void) {
        CHECK(mkdtemp(dir) != NULL, "mkdtemp");
        test_whole_life();
        test_inject_fails_at_each_step();
        test_undo_fails_then_heals();
        test_ends_by_itself();
        test_target_exit();
        test_policy();
        test_limits_and_halt();
        test_recovery();
        test_odd_journals();
        remove_tree();
        return check_result();
}
