/* What comes from outside: request bodies that must be refused, configurations, the audit log's chain, texts that are
 * no text. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "chaosd/audit.h"
#include "chaosd/config.h"
#include "chaosd/problem.h"
#include "chaosd/request.h"
#include "core/err.h"
#include "core/text.h"
#include "lib/check.h"

static void test_refused_bodies(void) {
        static const struct {
                const char *body, *path, *word;
                int want;
        } cases[] = {
                { "[]", "", "object", -EINVAL },
                { "{}", "", "missing", -EINVAL },
                { "{\"kind\":7}", "/kind", "", -EINVAL },
                { "{\"kind\":\"proc.pauze\",\"for\":\"3s\"}", "/kind", "proc.pause", -EINVAL },
                { "{\"kind\":\"proc.pause\"}", "/for", "missing", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"3\"}", "/for", "unit", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"-3s\"}", "/for", "", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"1us\"}", "/for", "", -ERANGE },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"lease\":\"1ms\"}", "/lease", "100ms", -ERANGE },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"lease\":\"never\"}", "/lease", "", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"seed\":9007199254740992}", "/seed", "", -ERANGE },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"name\":\"a\\nb\"}", "/name", "control", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"fro\":\"3s\"}", "/fro", "for", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"target\":7}", "/target", "", -EINVAL },
                { "{\"kind\":\"proc.pause\",\"for\":\"3s\",\"target\":{\"pit\":7}}", "/target/pit", "pid", -EINVAL },
                { "{\"kind\":\"net.delay\",\"for\":\"3s\",\"params\":{\"delay\":\"80\"}}", "/params/delay", "unit",
                  -EINVAL },
                { "{\"kind\":\"net.delay\",\"for\":\"3s\",\"params\":{\"delya\":\"80ms\"}}", "/params/delya", "delay",
                  -EINVAL },
                { "{\"kind\":\"net.delay\",\"for\":\"3s\",\"params\":null}", "/params", "", -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SCOPED_JSON json_t *body = json_loads(cases[i].body, 0, NULL);
                struct request *q = NULL;
                struct err e = { 0 };
                int r = request_parse(body, fault_table, &q, &e);

                CHECK(body != NULL, "test's own JSON: %s", cases[i].body);
                CHECK(r == cases[i].want && e.code == r, "%s: %d, %s", cases[i].body, r, e.msg);
                CHECK_STR(e.path, cases[i].path);
                CHECK(e.msg[0] && strstr(e.msg, cases[i].word), "%s: '%s' lacks '%s'", cases[i].body, e.msg,
                      cases[i].word);
                CHECK(!q, "%s: the output was touched", cases[i].body);
        }
}

static void test_accepted_bodies(void) {
        static const char plain[] = "{\"kind\":\"proc.pause\",\"for\":\"1m30s\",\"target\":{\"pid\":7}}";
        static const char final[] = "{\"kind\":\"proc.kill\",\"target\":{\"pid\":7},\"seed\":5}";
        SCOPED_JSON json_t *a = json_loads(plain, 0, NULL), *b = json_loads(final, 0, NULL);
        SCOPED(request_freep) struct request *pause_request = NULL, *kill_request = NULL;
        struct err e = { 0 };

        CHECK(request_parse(a, fault_table, &pause_request, &e) == 0, "%s", e.msg);
        CHECK(pause_request && pause_request->for_us == 90000000 && pause_request->lease_us == 0, "times");
        CHECK(pause_request && pause_request->seed < 1ULL << 53, "a drawn seed survives doubles");
        CHECK(request_parse(b, fault_table, &kill_request, &e) == 0, "%s", e.msg);
        CHECK(kill_request && kill_request->for_us == REQUEST_WATCH_US && kill_request->detached &&
                      kill_request->seed == 5,
              "an irreversible kind needs no `for`");
}

static void test_problems(void) {
        struct err e = { .code = -EPERM, .msg = "cut \xc3", .path = "/target", .extack = "Not so." };
        struct problem problem = { 0 }, changing = { .changing = true };
        SCOPED_JSON json_t *p = problem_describe(&problem, &e), *c = problem_describe(&changing, &e);

        CHECK(json_int_at(p, "status", 0) == 403 && json_int_at(c, "status", 0) == 500,
              "EPERM is the peer's matter before, the kernel's while something is changed");
        CHECK_STR(json_text_at(p, "detail", ""), "cut ?");
        CHECK_STR(json_text_at(p, "errno_name", ""), "EPERM");
        CHECK_STR(json_text_at(p, "pointer", ""), "/target");
        CHECK_STR(json_text_at(p, "extack", ""), "Not so.");
}

static void test_text(void) {
        static const char *const pairs[][2] = {
                { "plain", "plain" },       { "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
                { "a\xff", "a?" },          { "\xc0\xaf", "??" },
                { "\xed\xa0\x80", "???" },  { "\xf4\x90\x80\x80", "????" },
                { "x\xe2\x82", "x??" },     { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
                { "\x1b[31m\n", "?[31m?" }, { "\xc2\x9b\x7f\xc2\xa0", "???\xc2\xa0" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                char text[16];

                (void)snprintf(text, sizeof(text), "%s", pairs[i][0]);
                CHECK_STR(text_clean(text), pairs[i][1]);
        }
}

static void write_line(struct audit *a, const char *detail) {
        const struct audit_peer peer = { .pid = 1, .uid = 2, .gid = 3 };
        const struct audit_event event = { .action = "test", .peer = &peer, .result = "ok", .detail = detail };
        struct err e = { 0 };

        CHECK(audit_write(a, &event, &e) == 0, "%s", e.msg);
}

static void test_audit(void) {
        char path[] = "/tmp/test_daemon_audit_XXXXXX";
        int fd = mkstemp(path);
        uint64_t lines = 0, torn = 0;
        struct audit a = { .fd = -1 };
        struct err e = { 0 };

        CHECK(fd >= 0, "mkstemp");
        CHECK(audit_open(&a, path, &e) == 0, "%s", e.msg);
        write_line(&a, "one");
        write_line(&a, "not \xff text");
        audit_close(&a);

        CHECK(write(fd, "", 0) == 0 && lseek(fd, 0, SEEK_END) > 0 && write(fd, "{\"seq\":3,\"ti", 12) == 12, "tear");
        CHECK(audit_open(&a, path, &e) == 0, "%s", e.msg);
        write_line(&a, "after the crash");
        audit_close(&a);
        CHECK(audit_verify(path, &lines, &torn, &e) == 0, "%s", e.msg);
        CHECK(lines == 4 && torn == 1, "%d lines, %d torn", (int)lines, (int)torn);

        CHECK(pwrite(fd, "X", 1, 30) == 1, "forge");
        CHECK(audit_verify(path, &lines, &torn, &e) == -EBADMSG && strstr(e.msg, ":2:"), "%s", e.msg);
        (void)close(fd);
        (void)unlink(path);
}

int main(void) {
        test_refused_bodies();
        test_accepted_bodies();
        test_problems();
        test_text();
        test_audit();
        return check_result();
}
