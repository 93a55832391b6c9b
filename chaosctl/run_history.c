#include "chaosctl/run_history.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "chaosctl/run_history_db.h"
#include "core/clock.h"
#include "core/err.h"

#define SCHEMA_VERSION 2
#define BUSY_MS        5000
#define WAL_RETRY_MS   10
#define RECORD_SCHEMA  "chaosd/run/v1"

/* seq orders the chain; the columns beside the record are for finding it and are checked by verify. */
static const char schema[] =
        "CREATE TABLE runs ("
        " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
        " id TEXT NOT NULL UNIQUE,"
        " experiment TEXT NOT NULL,"
        " service TEXT NOT NULL,"
        " started TEXT NOT NULL,"
        " previous_sha256 TEXT,"
        " sha256 TEXT NOT NULL,"
        " record TEXT NOT NULL);"
        "CREATE INDEX runs_service ON runs(service, started);"
        /* anchor: hash of the last pruned record ('' = none); head: hash of the last one ('' = none). */
        "CREATE TABLE chain (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
        "INSERT INTO chain VALUES ('anchor', ''), ('head', '');";

/* Version 2. Digests: a score reads thousands of runs and wants a twentieth of each. Notes: what people said about
 * findings, of no weight for the chain. */
static const char schema_2[] =
        "CREATE TABLE digests (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL);"
        "CREATE TRIGGER runs_dropped AFTER DELETE ON runs BEGIN DELETE FROM digests WHERE seq = old.seq; END;"
        "CREATE TABLE finding_notes (finding TEXT PRIMARY KEY, note TEXT NOT NULL);"
        "PRAGMA user_version = 2;";

int run_history_error(struct run_history *h, struct err *e, const char *what) {
        int code = sqlite3_extended_errcode(h->db) == SQLITE_CONSTRAINT_UNIQUE ? -EEXIST
                   : (sqlite3_errcode(h->db) & 0xff) == SQLITE_BUSY            ? -EBUSY
                   : sqlite3_errcode(h->db) == SQLITE_FULL                     ? -ENOSPC
                                                                               : -EIO;

        return err_set(e, code, "history %s: %s: %s", h->path, what, sqlite3_errmsg(h->db));
}

int run_history_exec(struct run_history *h, const char *sql, struct err *e) {
        return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : run_history_error(h, e, sql);
}

int run_history_prepare(struct run_history *h, const char *sql, sqlite3_stmt **ret, struct err *e) {
        return sqlite3_prepare_v2(h->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : run_history_error(h, e, "prepare");
}

int run_history_path(char *buf, size_t size, struct err *e) {
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        int n;

        /* The XDG specification: a relative path is to be ignored. */
        if (state && state[0] == '/')
                n = snprintf(buf, size, "%s/chaosctl/history.db", state);
        else if (home && home[0] == '/')
                n = snprintf(buf, size, "%s/.local/state/chaosctl/history.db", home);
        else
                return err_set(e, -ENOENT,
                               "no place for the history: neither XDG_STATE_HOME nor HOME is an absolute path");
        return n > 0 && (size_t)n < size ? 0 : err_set(e, -ENAMETOOLONG, "the history's path is too long");
}

static int make_folders(const char *path, struct err *e) {
        char dir[PATH_MAX];

        if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
                return err_set(e, -ENAMETOOLONG, "the history's path is too long");

        for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
                *p = 0;
                if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                        return err_errno(e, "cannot make the folder %s", dir);
                *p = '/';
        }
        return 0;
}

static int user_version(struct run_history *h, int *ret, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        r = run_history_prepare(h, "PRAGMA user_version", &s, e);
        if (r < 0)
                return r;
        if (sqlite3_step(s) != SQLITE_ROW)
                return run_history_error(h, e, "read the version");

        *ret = sqlite3_column_int(s, 0);
        return 0;
}

/* Two first runs at once: the second waits, then finds the tables. */
static int make_tables(struct run_history *h, struct err *e) {
        int version = 0, r;

        r = run_history_exec(h, "BEGIN IMMEDIATE", e);
        if (r < 0)
                return r;

        r = user_version(h, &version, e);
        if (r == 0 && version == 0)
                r = run_history_exec(h, schema, e);
        if (r == 0 && version < 2)
                r = run_history_exec(h, schema_2, e);
        if (r == 0 && version == 1)
                r = run_history_make_digests(h, e);
        if (r == 0 && version > SCHEMA_VERSION)
                r = err_set(e, -EPROTO, "history %s was written by a newer chaosctl (version %d)", h->path, version);
        if (r < 0) {
                (void)run_history_exec(h, "ROLLBACK", NULL);
                return r;
        }
        return run_history_exec(h, "COMMIT", e);
}

/* The change to WAL needs the file alone for a moment, and SQLite asks no busy handler there: whoever opens at the same
 * time is told "locked". */
static int use_wal(struct run_history *h, struct err *e) {
        int r;

        for (int waited_ms = 0; (r = run_history_exec(h, "PRAGMA journal_mode = WAL", e)) == -EBUSY;
             waited_ms += WAL_RETRY_MS) {
                if (waited_ms >= BUSY_MS)
                        return r;
                (void)sqlite3_sleep(WAL_RETRY_MS);
        }
        return r;
}

int run_history_open(const char *path, struct run_history **ret, struct err *e) {
        SCOPED(run_history_closep) struct run_history *h = calloc(1, sizeof(*h));
        mode_t mask;
        int r;

        if (!h)
                return err_set(e, -ENOMEM, "no memory");
        r = path ? (snprintf(h->path, sizeof(h->path), "%s", path) < (int)sizeof(h->path) ? 0 : -ENAMETOOLONG)
                 : run_history_path(h->path, sizeof(h->path), e);
        if (r < 0)
                return r == -ENAMETOOLONG ? err_set(e, r, "the history's path is too long") : r;
        r = make_folders(h->path, e);
        if (r < 0)
                return r;

        mask = umask(0077);
        r = sqlite3_open_v2(h->path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
        (void)umask(mask);
        if (r != SQLITE_OK)
                return err_set(e, -EIO, "cannot open the history %s: %s", h->path,
                               h->db ? sqlite3_errmsg(h->db) : "no memory");

        (void)sqlite3_busy_timeout(h->db, BUSY_MS);
        (void)sqlite3_extended_result_codes(h->db, 1);
        mask = umask(0077); /* the -wal file is made by the first statement */
        r = use_wal(h, e);
        if (r == 0)
                r = run_history_exec(h, "PRAGMA synchronous = FULL", e);
        if (r == 0)
                r = make_tables(h, e);
        (void)umask(mask);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(h);
        return 0;
}

void run_history_close(struct run_history *h) {
        if (!h)
                return;

        (void)sqlite3_close(h->db);
        free(h);
}

int run_history_hash(const json_t *record, char ret[SHA256_TEXT_SIZE], struct err *e) {
        SCOPED_JSON json_t *copy = json_copy((json_t *)record);
        SCOPED_FREE char *text = NULL;

        if (!copy)
                return err_set(e, -ENOMEM, "no memory");
        (void)json_object_del(copy, "sha256");
        text = json_canonical(copy);
        return text ? sha256_hex(text, strlen(text), ret, e) : err_set(e, -ENOMEM, "no memory");
}

static int chain_get(struct run_history *h, const char *name, char ret[SHA256_TEXT_SIZE], struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        r = run_history_prepare(h, "SELECT value FROM chain WHERE name = ?1", &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_ROW)
                return err_set(e, -EIO, "history %s: the chain's %s is missing", h->path, name);

        (void)snprintf(ret, SHA256_TEXT_SIZE, "%s", (const char *)sqlite3_column_text(s, 0));
        return 0;
}

static int chain_set(struct run_history *h, const char *name, const char *value, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        r = run_history_prepare(h, "UPDATE chain SET value = ?2 WHERE name = ?1", &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
        return sqlite3_step(s) == SQLITE_DONE ? 0 : run_history_error(h, e, "update the chain");
}

int run_history_chain(struct run_history *h, struct run_history_chain *ret, struct err *e) {
        int r;

        r = chain_get(h, "anchor", ret->anchor, e);
        return r < 0 ? r : chain_get(h, "head", ret->head, e);
}

int run_history_set_anchor(struct run_history *h, const char *sha256, struct err *e) {
        return chain_set(h, "anchor", sha256, e);
}

static int insert(struct run_history *h, const json_t *record, const char *previous, const char *hash, struct err *e) {
        SCOPED_FREE char *text = json_canonical(record);
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        if (!text)
                return err_set(e, -ENOMEM, "no memory");
        r = run_history_prepare(h,
                                "INSERT INTO runs (id, experiment, service, started, previous_sha256, sha256, record)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                &s, e);
        if (r < 0)
                return r;

        (void)sqlite3_bind_text(s, 1, json_text_at(record, "id", ""), -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 2, json_text_at(record, "experiment/name", ""), -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 3, json_text_at(record, "experiment/service", ""), -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 4, json_text_at(record, "started", ""), -1, SQLITE_STATIC);
        if (*previous)
                (void)sqlite3_bind_text(s, 5, previous, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 6, hash, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 7, text, -1, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE)
                return run_history_error(h, e, "add a record");
        return run_history_store_digest(h, sqlite3_last_insert_rowid(h->db), record, e);
}

int run_history_append(struct run_history *h, json_t *record, struct err *e) {
        char hash[SHA256_TEXT_SIZE];
        struct run_history_chain chain;
        int r;

        if (strcmp(json_text_at(record, "schema", ""), RECORD_SCHEMA) != 0)
                return err_set(e, -EINVAL, "a run record of schema '%.60s'; this chaosctl reads %s",
                               json_text_at(record, "schema", "(none)"), RECORD_SCHEMA);
        if (!*json_text_at(record, "id", "") || !*json_text_at(record, "started", ""))
                return err_set(e, -EINVAL, "a run record without id or started");

        r = run_history_chain(h, &chain, e);
        if (r < 0)
                return r;
        (void)json_object_set_new(record, "previous_sha256", *chain.head ? json_string(chain.head) : json_null());
        r = run_history_hash(record, hash, e);
        if (r < 0)
                return r;
        (void)json_object_set_new(record, "sha256", json_string(hash));

        r = insert(h, record, chain.head, hash, e);
        return r < 0 ? r : chain_set(h, "head", hash, e);
}

int run_history_add(struct run_history *h, json_t *record, struct err *e) {
        int r;

        r = run_history_exec(h, "BEGIN IMMEDIATE", e);
        if (r < 0)
                return r;

        r = run_history_append(h, record, e);
        if (r < 0) {
                (void)run_history_exec(h, "ROLLBACK", NULL);
                return r;
        }
        return run_history_exec(h, "COMMIT", e);
}

int run_history_parse_row(struct run_history *h, sqlite3_stmt *s, int column, json_t **ret, struct err *e) {
        const char *text = (const char *)sqlite3_column_text(s, column);
        int r;

        r = json_parse(text ? text : "", (size_t)sqlite3_column_bytes(s, column), ret, e);
        return r < 0 ? err_wrap(e, -EIO, "history %s: a record cannot be read", h->path) : 0;
}

int run_history_each(struct run_history *h, const char *service, const char *experiment, const char *since,
                     size_t limit, int (*on_record)(void *arg, const json_t *record), void *arg, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        r = run_history_prepare(
                h,
                "SELECT record FROM (SELECT seq, started, record FROM runs WHERE (?1 IS NULL OR service = ?1)"
                " AND (?2 IS NULL OR experiment = ?2) AND (?3 IS NULL OR started >= ?3)"
                " ORDER BY started DESC, seq DESC LIMIT ?4) ORDER BY started, seq",
                &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, service, -1, SQLITE_STATIC); /* NULL binds as NULL */
        (void)sqlite3_bind_text(s, 2, experiment, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 3, since, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(s, 4, limit ? (sqlite3_int64)limit : -1);

        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                SCOPED_JSON json_t *record = NULL;

                r = run_history_parse_row(h, s, 0, &record, e);
                if (r == 0)
                        r = on_record(arg, record);
                if (r != 0)
                        return r;
        }
        return r == SQLITE_DONE ? 0 : run_history_error(h, e, "read");
}

int run_history_get(struct run_history *h, const char *id, json_t **ret, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        SCOPED_JSON json_t *record = NULL;
        int r;

        /* The whole id first: one id may begin another. */
        r = run_history_prepare(
                h, "SELECT record FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id <> ?1, id LIMIT 2", &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_ROW)
                return err_set(e, -ENOENT, "no run in the history is called '%.80s'", id);

        r = run_history_parse_row(h, s, 0, &record, e);
        if (r < 0)
                return r;
        if (strcmp(json_text_at(record, "id", ""), id) != 0 && sqlite3_step(s) == SQLITE_ROW)
                return err_set(e, -ENOTUNIQ, "several runs begin with '%.80s'", id);

        *ret = TAKE_PTR(record);
        return 0;
}
