/* What a person sees of a run: phases, live values, verdict; and what earlier runs spent. */
#include "chaosctl/run_view.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "chaosctl/run_spent.h"
#include "chaosctl/table.h"
#include "core/err.h"
#include "lib/check.h"

struct screen {
        struct cli cli;
        char *out, *log;
        size_t out_len, log_len;
};

static void screen_init(struct screen *s, bool is_tty) {
        *s = (struct screen){ 0 };
        s->cli.out = (struct term){ .file = open_memstream(&s->out, &s->out_len), .utf8 = true };
        s->cli.log = (struct term){ .file = open_memstream(&s->log, &s->log_len), .utf8 = true, .is_tty = is_tty };
}

static void screen_flush(struct screen *s) {
        (void)fflush(s->cli.out.file);
        (void)fflush(s->cli.log.file);
}

static void screen_done(struct screen *s) {
        (void)fclose(s->cli.out.file);
        (void)fclose(s->cli.log.file);
        free(s->out);
        free(s->log);
}

#define HAS(text, words) CHECK(strstr((text), (words)), "no '%s' in:\n%s", words, text)

static void play(struct run_observer *o, int seconds) {
        SCOPED_JSON json_t *fault =
                json_pack("{s:s, s:s, s:f, s:{s:i}, s:{s:b, s:f}}", "kind", "net.delay", "backend", "relay",
                          "inject_ms", 3.1, "evidence", "hits", 812, "undo", "ok", 1, "ms", 2.4);

        o->on_phase("baseline", 0, 5, o->arg);
        for (int i = 1; i <= seconds; i++) {
                struct run_slo_now slos[] = {
                        { .name = "fast",
                          .objective = 0.99,
                          .second_sli = i == 2 ? 0.5 : 1,
                          .phase_sli = 0.99951,
                          .burn = 0.5,
                          .inside = true },
                        { .name = "up",
                          .objective = 0.999,
                          .second_sli = NAN,
                          .phase_sli = NAN,
                          .burn = NAN,
                          .inside = true },
                };
                struct run_now now = { .phase = "baseline",
                                       .t_s = i,
                                       .phase_left_s = 5 - i,
                                       .slos = slos,
                                       .n_slos = 2,
                                       .requests_per_s = 200,
                                       .p50_us = 400,
                                       .p99_us = 1234 };

                o->on_second(&now, o->arg);
        }
        o->on_phase("fault", 5, 10, o->arg);
        o->on_fault("late", "injected", fault, "", o->arg);
        o->on_fault("late", "reverted", fault, NULL, o->arg);
        o->on_fault("later", "failed", NULL, "no such interface", o->arg);
        o->on_note("the probe cannot keep up", o->arg);
        o->on_abort("burn rate 88", 9.1, o->arg);
}

static void test_plain(void) {
        struct run_observer o;
        struct run_view v;
        struct screen s;

        screen_init(&s, false);
        run_view_init(&v, &s.cli, &o);
        play(&o, 5);
        screen_flush(&s);
        HAS(s.log, "baseline  5.0 s");
        HAS(s.log, "0.0s left  fast 99.95% burn 0.5  up no data  200/s p99 1.2ms");
        HAS(s.log, "█▅███");
        HAS(s.log, "fault late injected net.delay by relay in 3.1 ms");
        HAS(s.log, "fault late reverted after 812 hits, undone");
        HAS(s.log, "fault later failed: no such interface");
        HAS(s.log, "note: the probe cannot keep up");
        HAS(s.log, "ABORT at 9.1 s: burn rate 88");
        CHECK(!strchr(s.log, '\r') && !strchr(s.log, '\033'), "a log has no escape sequences");
        CHECK(!strstr(s.log, "4.0s left"), "a log gets a line every five seconds, not every second");
        screen_done(&s);
}

static void test_terminal_and_quiet(void) {
        struct run_observer o;
        struct run_view v;
        struct screen s;

        screen_init(&s, true);
        run_view_init(&v, &s.cli, &o);
        play(&o, 3);
        screen_flush(&s);
        HAS(s.log, "\r\033[K  4.0s left  fast 99.95% burn 0.5 █");
        screen_done(&s);

        screen_init(&s, true);
        s.cli.quiet = true;
        run_view_init(&v, &s.cli, &o);
        play(&o, 3);
        screen_flush(&s);
        CHECK(!strstr(s.log, "baseline") && !strstr(s.log, "injected"), "quiet: %s", s.log);
        HAS(s.log, "fault later failed");
        screen_done(&s);
}

static json_t *make_record(void) {
        return json_loads(
                "{\"schema\": \"chaosd/run/v1\", \"id\": \"r1\", \"started\": \"2026-11-23T00:00:00.000Z\","
                " \"experiment\": {\"name\": \"slow-upstream\", \"service\": \"shop\"},"
                " \"faults\": [{\"name\": \"late\", \"injected_s\": 5.02, \"reverted_s\": 15.03, \"fault\": {\"kind\": "
                "\"net.delay\","
                "  \"backend\": \"relay\", \"evidence\": {\"hits\": 1934}, \"undo\": {\"ok\": true, \"ms\": 2.4}}}],"
                " \"slos\": [{\"name\": \"shop-latency\", \"objective\": 0.99, \"expect\": \"met\", \"phases\": {"
                "  \"baseline\": {\"compliance\": 1.0}, \"fault\": {\"compliance\": 0.0}, \"recovery\": "
                "{\"compliance\": 0.9949}},"
                "  \"burn\": {\"peak\": 100.0}, \"budget\": {\"spent\": 0.0034}, \"time_to_recover_s\": 0.2, "
                "\"conclusive\": true,"
                "  \"held\": false}],"
                " \"verdict\": {\"result\": \"fail\", \"exit_code\": 1, \"reasons\": [\"shop-latency: 0.0% good\"]},"
                " \"findings\": [{\"severity\": \"high\", \"summary\": \"late answers\"}],"
                " \"residue\": {\"clean\": false, \"left\": [\"ifb0x\"]}}",
                0, NULL);
}

static void test_record(void) {
        SCOPED_JSON json_t *record = make_record();
        struct screen s;

        screen_init(&s, false);
        run_view_record(&s.cli, record);
        screen_flush(&s);
        HAS(s.out,
            "shop-latency  99%        met     100%      0.0%   99.49%    100.0      0.34%         0.2s          no");
        HAS(s.out, "late   net.delay  relay    5.0s  15.0s  1934  2.4 ms");
        HAS(s.out,
            "FAIL  slow-upstream\n  shop-latency: 0.0% good\n  finding (high): late answers\nRESIDUE LEFT\n  ifb0x\n");
        screen_done(&s);
}

static void test_sparkline(void) {
        static const double values[] = { 0, 0.5, 1, NAN, 1 };
        const struct term utf8 = { .utf8 = true }, ascii = { 0 };
        char buf[64];

        CHECK_STR(term_sparkline(&utf8, values, 5, 9, 0, 1, buf, sizeof(buf)), "▁▅█·█");
        CHECK_STR(term_sparkline(&ascii, values, 5, 9, 0, 1, buf, sizeof(buf)), "_=# #");
        CHECK_STR(term_sparkline(&utf8, values, 5, 2, 0, 1, buf, sizeof(buf)), "·█");
        CHECK_STR(term_sparkline(&utf8, values + 2, 1, 9, 0, 0, buf, sizeof(buf)), "▅");
        CHECK_STR(term_sparkline(&utf8, values, 5, 9, 0, 1, buf, 8), "▁▅");
        CHECK(term_columns("\033[1m▁é\033[0m") == 2, "%zu", term_columns("\033[1m▁é\033[0m"));
}

static void test_table(void) {
        static const char *const headings[] = { "A", "LONGER", "C", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        struct screen s;

        screen_init(&s, false);
        table_cell(t, STYLE_BAD, "é▁");
        table_cell(t, STYLE_NONE, "x");
        table_cell(t, STYLE_NONE, "with\033[31m tricks\nand lines");
        CHECK(table_print(t, &s.cli.out) == 0, "print");
        screen_flush(&s);
        CHECK_STR(s.out, "A   LONGER  C\né▁  x       with?[31m tricks and lines\n");
        screen_done(&s);
}

static void test_spent(void) {
        SCOPED_JSON json_t *one = make_record();
        SCOPED_JSON json_t *two = make_record();
        SCOPED(run_history_closep) struct run_history *h = NULL;
        char path[] = "/tmp/chaosctl-spent-XXXXXX";
        uint64_t now = 1795392000ULL * 1000000; /* 2026-11-23T00:00:00Z */
        struct err e = { 0 };
        char other[40];
        int fd = mkstemp(path);

        CHECK(fd >= 0, "mkstemp");
        (void)close(fd);
        (void)json_object_set_new(two, "id", json_string("r2"));
        (void)json_object_set_new(two, "started", json_string("2026-11-20T00:00:00.000Z"));
        CHECK(run_history_open(path, &h, &e) == 0 && run_history_add(h, one, &e) == 0 &&
                      run_history_add(h, two, &e) == 0,
              "%s", e.msg);
        CHECK(fabs(run_spent_sum(h, "shop", "shop-latency", 86400 * 30, now) - 0.0068) < 1e-9, "both");
        CHECK(fabs(run_spent_sum(h, "shop", "shop-latency", 86400, now) - 0.0034) < 1e-9, "one is too old");
        CHECK(run_spent_sum(h, "api", "shop-latency", 86400 * 30, now) == 0, "another service");
        CHECK(run_spent_sum(h, "shop", "other", 86400 * 30, now) == 0, "another SLO");
        run_history_close(TAKE_PTR(h));
        for (int i = 0; i < 3; i++) {
                (void)snprintf(other, sizeof(other), "%s%s", path, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
                (void)unlink(other);
        }
}

int main(void) {
        test_plain();
        test_terminal_and_quiet();
        test_record();
        test_sparkline();
        test_table();
        test_spent();
        return check_result();
}
