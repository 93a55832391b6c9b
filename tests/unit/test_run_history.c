/* The history of runs: the chain grows, tampering is found, pruning and merging keep it whole. */
#include "chaosctl/run_history.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "lib/check.h"

static char dir[] = "/tmp/chaosctl-history-XXXXXX";
static char path[64];

static json_t *make_record(int day, const char *id) {
        char started[40];

        (void)snprintf(started, sizeof(started), "2026-11-%02dT00:00:00.000Z", day);
        return json_pack("{s:s, s:s, s:s, s:f, s:{s:s, s:s}, s:{s:s}}", "schema", "chaosd/run/v1", "id", id, "started",
                         started, "duration_s", 25.2, "experiment", "name", "slow", "service", day % 2 ? "shop" : "api",
                         "verdict", "result", "pass");
}

static void fresh(struct run_history **ret) {
        struct err e = { 0 };
        char wal[80];

        (void)unlink(path);
        (void)snprintf(wal, sizeof(wal), "%s-wal", path);
        (void)unlink(wal);
        (void)snprintf(wal, sizeof(wal), "%s-shm", path);
        (void)unlink(wal);
        *ret = NULL;
        CHECK(run_history_open(path, ret, &e) == 0, "%s", e.msg);
}

static void fill(struct run_history *h, int n) {
        for (int i = 1; i <= n; i++) {
                char id[20];
                struct err e = { 0 };
                SCOPED_JSON json_t *record = NULL;

                (void)snprintf(id, sizeof(id), "run-%d", i);
                record = make_record(i, id);
                CHECK(run_history_add(h, record, &e) == 0, "%s", e.msg);
        }
}

static char complaints[1000];

static void complain(void *arg, const char *id, const char *what) {
        size_t n = strlen(complaints);

        (void)arg;
        (void)snprintf(complaints + n, sizeof(complaints) - n, "%s: %s\n", id, what);
}

static int verify(struct run_history *h, size_t *ret_checked) {
        struct err e = { 0 };
        int n;

        complaints[0] = 0;
        n = run_history_verify(h, complain, NULL, ret_checked, &e);
        CHECK(n >= 0, "%s", e.msg);
        return n;
}

static void tamper(const char *sql) {
        sqlite3 *db;

        CHECK(sqlite3_open(path, &db) == SQLITE_OK, "open");
        CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        (void)sqlite3_close(db);
}

static void test_chain(void) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        SCOPED_JSON json_t *one = NULL;
        SCOPED_JSON json_t *two = NULL;
        SCOPED_JSON json_t *again = make_record(1, "run-1");
        SCOPED_JSON json_t *foreign =
                json_pack("{s:s, s:s, s:s}", "schema", "chaosd/run/v2", "id", "x", "started", "y");
        char hash[SHA256_TEXT_SIZE] = "";
        struct err e = { 0 };
        struct stat st;
        size_t checked = 0;

        fresh(&h);
        fill(h, 2);
        CHECK(run_history_get(h, "run-1", &one, &e) == 0 && run_history_get(h, "run-2", &two, &e) == 0, "%s", e.msg);
        CHECK(json_is_null(json_object_get(one, "previous_sha256")), "the first has nothing before it");
        CHECK_STR(json_text_at(two, "previous_sha256", ""), json_text_at(one, "sha256", "?"));
        CHECK(run_history_hash(two, hash, &e) == 0, "%s", e.msg);
        CHECK_STR(hash, json_text_at(two, "sha256", ""));
        CHECK(verify(h, &checked) == 0 && checked == 2, "%zu checked, complaints: %s", checked, complaints);

        CHECK(run_history_add(h, again, &e) == -EEXIST, "an id twice");
        CHECK(run_history_add(h, foreign, &e) == -EINVAL, "another schema");
        CHECK(verify(h, &checked) == 0 && checked == 2, "refused records must leave no trace: %s", complaints);
        CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "mode %o", st.st_mode & 0777);
}

static void test_tampering(void) {
        static const struct {
                const char *sql, *words;
        } cases[] = {
                { "UPDATE runs SET record = replace(record, 'pass', 'fail') WHERE id = 'run-2'",
                  "run-2: the record was changed" },
                { "DELETE FROM runs WHERE id = 'run-1'", "run-2: a record before this one is missing" },
                { "DELETE FROM runs WHERE id = 'run-2'", "run-3: a record before this one is missing" },
                { "DELETE FROM runs WHERE id = 'run-3'", "(end): the last record is missing" },
                { "UPDATE runs SET service = 'other' WHERE id = 'run-3'", "run-3: the index was changed" },
                { "UPDATE runs SET record = '{' WHERE id = 'run-1'", "run-1: the record cannot be read" },
                { "UPDATE runs SET seq = 10 WHERE id = 'run-1'", "run-2: a record before this one is missing" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SCOPED(run_history_closep) struct run_history *h = NULL;
                size_t checked = 0;

                fresh(&h);
                fill(h, 3);
                tamper(cases[i].sql);
                CHECK(verify(h, &checked) > 0, "not found: %s", cases[i].sql);
                CHECK(strstr(complaints, cases[i].words), "%s: said '%s'", cases[i].sql, complaints);
        }
}

static int count_one(void *arg, const json_t *record) {
        (void)record;
        ++*(int *)arg;
        return 0;
}

static int count(struct run_history *h, const char *service, size_t limit) {
        struct err e = { 0 };
        int n = 0;

        CHECK(run_history_each(h, service, NULL, NULL, limit, count_one, &n, &e) == 0, "%s", e.msg);
        return n;
}

static void test_prune(void) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        SCOPED_JSON json_t *late = make_record(9, "run-9");
        uint64_t nov3 = 1793664000ULL * 1000000; /* 2026-11-03T00:00:00Z */
        struct err e = { 0 };
        size_t checked = 0;

        fresh(&h);
        fill(h, 4);
        CHECK(run_history_prune(h, nov3, true, &e) == 2, "dry run: %s", e.msg);
        CHECK(count(h, NULL, 0) == 4, "a dry run drops nothing");
        CHECK(run_history_prune(h, nov3, false, &e) == 2, "%s", e.msg);
        CHECK(count(h, NULL, 0) == 2 && verify(h, &checked) == 0, "after pruning: %s", complaints);
        CHECK(run_history_prune(h, UINT64_MAX / 2, false, &e) == 2, "all: %s", e.msg);
        CHECK(run_history_prune(h, UINT64_MAX / 2, false, &e) == 0, "none: %s", e.msg);
        CHECK(run_history_add(h, late, &e) == 0 && json_text_at(late, "previous_sha256", NULL), "the chain goes on: %s",
              e.msg);
        CHECK(verify(h, &checked) == 0 && checked == 1, "%s", complaints);
}

static int collect(void *arg, const json_t *record) {
        return json_array_append(arg, (json_t *)record);
}

static void test_import(void) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        SCOPED_JSON json_t *theirs = json_array();
        SCOPED_JSON json_t *mine = make_record(5, "mine");
        SCOPED_JSON json_t *other = make_record(6, "mine");
        SCOPED_JSON json_t *one = NULL;
        struct err e = { 0 };
        size_t added = 0, known = 0, checked = 0;

        fresh(&h);
        fill(h, 3);
        CHECK(run_history_each(h, NULL, NULL, NULL, 0, collect, theirs, &e) == 0 && json_array_size(theirs) == 3, "%s",
              e.msg);
        run_history_close(h);
        fresh(&h);
        CHECK(run_history_add(h, mine, &e) == 0, "%s", e.msg);

        CHECK(run_history_import(h, theirs, &added, &known, &e) == 0 && added == 3 && known == 0, "%zu %zu %s", added,
              known, e.msg);
        CHECK(run_history_import(h, theirs, &added, &known, &e) == 0 && added == 0 && known == 3, "%zu %zu %s", added,
              known, e.msg);
        CHECK(verify(h, &checked) == 0 && checked == 4, "%s", complaints);
        CHECK(run_history_get(h, "run-1", &one, &e) == 0, "%s", e.msg);
        CHECK_STR(json_text_at(one, "imported_sha256", ""), json_text_at(theirs, "0/sha256", "?"));
        CHECK(count(h, "shop", 0) == 3 && count(h, "api", 0) == 1 && count(h, NULL, 2) == 2, "filters");

        CHECK(run_history_import(h, other, &added, &known, &e) == -EEXIST, "same id, other content");
        (void)json_object_set_new(json_array_get(theirs, 1), "id", json_string("forged"));
        (void)json_object_set_new(json_array_get(theirs, 0), "id", json_string("run-0"));
        (void)json_object_del(json_array_get(theirs, 0), "sha256");
        CHECK(run_history_import(h, theirs, &added, &known, &e) == -EINVAL, "a forged record");
        CHECK(count(h, NULL, 0) == 4, "a refused import adds nothing");
}

static void test_get(void) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        SCOPED_JSON json_t *longer = make_record(20, "run-11");
        SCOPED_JSON json_t *found = NULL;
        struct err e = { 0 };

        fresh(&h);
        fill(h, 2);
        CHECK(run_history_add(h, longer, &e) == 0, "%s", e.msg);
        CHECK(run_history_get(h, "run-9", &found, &e) == -ENOENT, "unknown");
        CHECK(run_history_get(h, "run-", &found, &e) == -ENOTUNIQ, "ambiguous");
        CHECK(run_history_get(h, "run%", &found, &e) == -ENOENT, "no wildcards");
        CHECK(run_history_get(h, "run-1", &found, &e) == 0, "a whole id that begins another: %s", e.msg);
        CHECK_STR(json_text_at(found, "id", ""), "run-1");
}

/* Four processes write at once; nobody's record is lost and the chain does not fork. */
static void test_writers(void) {
        enum { WRITERS = 4, EACH = 10 };
        SCOPED(run_history_closep) struct run_history *h = NULL;
        pid_t pids[WRITERS];
        size_t checked = 0;

        fresh(&h);
        run_history_close(TAKE_PTR(h));
        (void)unlink(path); /* they also race for making the tables */
        for (int w = 0; w < WRITERS; w++) {
                pids[w] = fork();
                if (pids[w] != 0)
                        continue;
                for (int i = 0; i < EACH; i++) {
                        SCOPED(run_history_closep) struct run_history *own = NULL;
                        SCOPED_JSON json_t *record = NULL;
                        struct err e = { 0 };
                        char id[32];

                        (void)snprintf(id, sizeof(id), "w%d-%d", w, i);
                        record = make_record(1, id);
                        if (run_history_open(path, &own, &e) < 0 || run_history_add(own, record, &e) < 0) {
                                (void)fprintf(stderr, "writer %d: %s\n", w, e.msg);
                                _exit(1);
                        }
                }
                _exit(0);
        }
        for (int w = 0; w < WRITERS; w++) {
                int status = -1;

                CHECK(waitpid(pids[w], &status, 0) == pids[w] && status == 0, "writer %d: status %d", w, status);
        }

        CHECK(run_history_open(path, &h, NULL) == 0, "open");
        CHECK(verify(h, &checked) == 0 && checked == (size_t)WRITERS * EACH, "%zu records: %s", checked, complaints);
}

static void test_newer(void) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        struct err e = { 0 };

        fresh(&h);
        run_history_close(TAKE_PTR(h));
        tamper("PRAGMA user_version = 99");
        CHECK(run_history_open(path, &h, &e) == -EPROTO && !h, "a newer version: %s", e.msg);
}

int main(void) {
        char file[100];

        if (!mkdtemp(dir))
                return 1;
        (void)snprintf(path, sizeof(path), "%s/h.db", dir);

        test_chain();
        test_tampering();
        test_prune();
        test_import();
        test_get();
        test_writers();
        test_newer();

        for (size_t i = 0; i < 3; i++) {
                (void)snprintf(file, sizeof(file), "%s%s", path, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
                (void)unlink(file);
        }
        (void)rmdir(dir);
        return check_result();
}
