/* run_history_chain.c — what concerns the chain as a whole: verify, prune, import. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chaosctl/run_history_db.h"
#include "core/clock.h"
#include "core/err.h"

struct verify {
        void (*on_bad)(void *arg, const char *id, const char *what);
        void *arg;
        int n_bad;
        char previous[SHA256_TEXT_SIZE];
};

static void bad(struct verify *v, const char *id, const char *what) {
        v->n_bad++;
        v->on_bad(v->arg, id, what);
}

static const char *text_at(sqlite3_stmt *s, int column) {
        const char *text = (const char *)sqlite3_column_text(s, column);

        return text ? text : "";
}

/* The columns are what list and score search by: they must not say something else than the record. */
static bool columns_agree(sqlite3_stmt *s, const json_t *record) {
        return strcmp(text_at(s, 0), json_text_at(record, "id", "")) == 0 &&
               strcmp(text_at(s, 1), json_text_at(record, "experiment/name", "")) == 0 &&
               strcmp(text_at(s, 2), json_text_at(record, "experiment/service", "")) == 0 &&
               strcmp(text_at(s, 3), json_text_at(record, "started", "")) == 0 &&
               strcmp(text_at(s, 4), json_text_at(record, "previous_sha256", "")) == 0 &&
               strcmp(text_at(s, 5), json_text_at(record, "sha256", "")) == 0;
}

/* The digest is what scores are made from. */
static bool digest_agrees(sqlite3_stmt *s, const json_t *record) {
        SCOPED_JSON json_t *digest = run_history_digest(record);
        SCOPED_FREE char *text = json_canonical(digest);

        return text && strcmp(text_at(s, 7), text) == 0;
}

static int verify_row(struct verify *v, sqlite3_stmt *s, struct err *e) {
        const char *id = text_at(s, 0), *text = text_at(s, 6);
        SCOPED_JSON json_t *record = NULL;
        char hash[SHA256_TEXT_SIZE];
        int r;

        if (strcmp(text_at(s, 4), v->previous) != 0)
                bad(v, id, "a record before this one is missing or was replaced");
        (void)snprintf(v->previous, sizeof(v->previous), "%s", text_at(s, 5));

        if (json_parse(text, strlen(text), &record, NULL) < 0 || !json_is_object(record)) {
                bad(v, id, "the record cannot be read");
                return 0;
        }
        r = run_history_hash(record, hash, e);
        if (r < 0)
                return r;
        if (strcmp(hash, json_text_at(record, "sha256", "")) != 0)
                bad(v, id, "the record was changed: its hash does not fit");
        else if (!columns_agree(s, record) || !digest_agrees(s, record))
                bad(v, id, "the index was changed: it says something else than the record");
        return 0;
}

static int verify_rows(struct run_history *h, struct verify *v, size_t *ret_checked, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        struct run_history_chain chain;
        size_t n = 0;
        int r;

        r = run_history_chain(h, &chain, e);
        if (r == 0)
                r = run_history_prepare(
                        h,
                        "SELECT id, experiment, service, started, previous_sha256, sha256, record, digest FROM runs"
                        " LEFT JOIN digests USING (seq) ORDER BY seq",
                        &s, e);
        if (r < 0)
                return r;

        memcpy(v->previous, chain.anchor, sizeof(v->previous));
        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                r = verify_row(v, s, e);
                if (r < 0)
                        return r;
                n++;
        }
        if (r != SQLITE_DONE)
                return run_history_error(h, e, "read");
        if (strcmp(v->previous, chain.head) != 0)
                bad(v, "(end)", "the last record is missing or was replaced");

        *ret_checked = n;
        return 0;
}

int run_history_verify(struct run_history *h, void (*on_bad)(void *arg, const char *id, const char *what), void *arg,
                       size_t *ret_checked, struct err *e) {
        struct verify v = { .on_bad = on_bad, .arg = arg };
        int r;

        r = run_history_exec(h, "BEGIN", e); /* one view, whatever others add meanwhile */
        if (r < 0)
                return r;

        r = verify_rows(h, &v, ret_checked, e);
        (void)run_history_exec(h, "COMMIT", NULL);
        return r < 0 ? r : v.n_bad;
}

/* The records before the first one that is young enough. An import may have put an old one behind younger ones; it
 * goes when its turn comes, for a chain can only be cut at its beginning. */
static int prune(struct run_history *h, const char *before, bool dry_run, struct err *e) {
        SCOPED_STMT sqlite3_stmt *find = NULL, *drop = NULL;
        char hash[SHA256_TEXT_SIZE] = "";
        sqlite3_int64 last;
        int n, r;

        r = run_history_prepare(
                h,
                "SELECT seq, sha256, (SELECT count(*) FROM runs AS b WHERE b.seq <= a.seq) FROM runs AS a"
                " WHERE seq < ifnull((SELECT min(seq) FROM runs WHERE started >= ?1), 9223372036854775807)"
                " ORDER BY seq DESC LIMIT 1",
                &find, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(find, 1, before, -1, SQLITE_STATIC);
        r = sqlite3_step(find);
        if (r == SQLITE_DONE)
                return 0;
        if (r != SQLITE_ROW)
                return run_history_error(h, e, "find old records");

        last = sqlite3_column_int64(find, 0);
        (void)snprintf(hash, sizeof(hash), "%s", text_at(find, 1));
        n = sqlite3_column_int(find, 2);
        if (dry_run)
                return n;

        r = run_history_prepare(h, "DELETE FROM runs WHERE seq <= ?1", &drop, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(drop, 1, last);
        if (sqlite3_step(drop) != SQLITE_DONE)
                return run_history_error(h, e, "drop old records");

        r = run_history_set_anchor(h, hash, e);
        return r < 0 ? r : n;
}

int run_history_prune(struct run_history *h, uint64_t before_realtime_us, bool dry_run, struct err *e) {
        char before[CLOCK_TEXT_SIZE];
        int n, r;

        (void)clock_format_utc(before_realtime_us, before, sizeof(before));
        r = run_history_exec(h, "BEGIN IMMEDIATE", e);
        if (r < 0)
                return r;

        n = prune(h, before, dry_run, e);
        r = run_history_exec(h, n < 0 ? "ROLLBACK" : "COMMIT", n < 0 ? NULL : e);
        return n < 0 ? n : r < 0 ? r : n;
}

/* Content without what a history adds: the same run in two histories is equal in this. */
static json_t *bare(const json_t *record) {
        static const char *const added[] = { "sha256", "previous_sha256", "imported_sha256" };
        json_t *copy = json_copy((json_t *)record);

        for (size_t i = 0; copy && i < ARRAY_SIZE(added); i++)
                (void)json_object_del(copy, added[i]);
        return copy;
}

/* 1 known and the same, 0 unknown, -EEXIST known and different. */
static int is_known(struct run_history *h, const json_t *record, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        SCOPED_JSON json_t *ours = NULL;
        SCOPED_JSON json_t *mine = NULL;
        SCOPED_JSON json_t *theirs = bare(record);
        const char *id = json_text_at(record, "id", "");
        int r;

        r = run_history_prepare(h, "SELECT record FROM runs WHERE id = ?1", &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_ROW)
                return 0;

        r = json_parse(text_at(s, 0), strlen(text_at(s, 0)), &ours, e);
        if (r < 0)
                return r;
        mine = bare(ours);
        return json_equal(mine, theirs) ? 1
                                        : err_set(e, -EEXIST, "run '%.80s' is here already, with another content", id);
}

static int import_one(struct run_history *h, const json_t *record, size_t *added, size_t *known, struct err *e) {
        const char *hash = json_text_at(record, "sha256", NULL);
        SCOPED_JSON json_t *copy = NULL;
        char want[SHA256_TEXT_SIZE];
        int r;

        if (!json_is_object(record))
                return err_set(e, -EINVAL, "not a run record");
        if (hash) {
                r = run_history_hash(record, want, e);
                if (r < 0)
                        return r;
                if (strcmp(hash, want) != 0)
                        return err_set(e, -EINVAL,
                                       "run '%.80s' was changed after it was recorded: its hash does not fit",
                                       json_text_at(record, "id", ""));
        }

        r = is_known(h, record, e);
        if (r != 0) {
                *known += r > 0;
                return r < 0 ? r : 0;
        }

        copy = json_copy((json_t *)record);
        if (!copy)
                return err_set(e, -ENOMEM, "no memory");
        if (hash)
                (void)json_object_set_new(copy, "imported_sha256", json_string(hash));
        r = run_history_append(h, copy, e);
        *added += r == 0;
        return r;
}

static int by_start(const void *a, const void *b) {
        return strcmp(json_text_at(*(json_t *const *)a, "started", ""),
                      json_text_at(*(json_t *const *)b, "started", ""));
}

int run_history_import(struct run_history *h, const json_t *records, size_t *ret_added, size_t *ret_known,
                       struct err *e) {
        size_t n = json_is_array(records) ? json_array_size(records) : 1, added = 0, known = 0;
        SCOPED_FREE json_t **sorted = calloc(n ? n : 1, sizeof(json_t *));
        int r;

        if (!sorted)
                return err_set(e, -ENOMEM, "no memory");
        for (size_t i = 0; i < n; i++)
                sorted[i] = json_is_array(records) ? json_array_get(records, i) : (json_t *)records;
        qsort(sorted, n, sizeof(*sorted), by_start);

        r = run_history_exec(h, "BEGIN IMMEDIATE", e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n && r == 0; i++)
                r = import_one(h, sorted[i], &added, &known, e);
        if (r < 0) {
                (void)run_history_exec(h, "ROLLBACK", NULL);
                return r;
        }

        r = run_history_exec(h, "COMMIT", e);
        if (r == 0) {
                *ret_added = added;
                *ret_known = known;
        }
        return r;
}
