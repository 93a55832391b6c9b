/* run_history_digest.c — the short form of run records: ten thousand of them are read in a fraction of a second. */
#include <errno.h>
#include <string.h>

#include "chaosctl/run_history_db.h"
#include "core/err.h"

/* Copies members that are there; values are shared. */
static json_t *pick(const json_t *from, const char *const *keys) {
        json_t *to = json_object(), *value;

        for (; *keys; keys++) {
                value = json_object_get(from, *keys);
                if (value)
                        (void)json_object_set(to, *keys, value);
        }
        return to;
}

static json_t *pick_fault(const json_t *fault) {
        return json_pack("{s:{s:s s:{s:I}}}", "fault", "kind", json_text_at(fault, "fault/kind", ""), "evidence",
                         "hits", (json_int_t)json_int_at(fault, "fault/evidence/hits", 0));
}

static json_t *pick_slo(const json_t *slo) {
        json_t *s = pick(slo, (const char *const[]){ "name", "objective", "window_s", "held", "conclusive",
                                                     "time_to_recover_s", NULL });
        json_t *compliance = json_at(slo, "phases/fault/compliance"), *spent = json_at(slo, "budget/spent");

        if (compliance)
                (void)json_object_set_new(s, "phases", json_pack("{s:{s:O}}", "fault", "compliance", compliance));
        if (spent)
                (void)json_object_set_new(s, "budget", json_pack("{s:O}", "spent", spent));
        return s;
}

static json_t *each(const json_t *array, json_t *(*f)(const json_t *)) {
        json_t *list = json_array(), *item;
        size_t i;

        json_array_foreach (array, i, item)
                (void)json_array_append_new(list, f(item));
        return list;
}

json_t *run_history_digest(const json_t *record) {
        json_t *d = pick(record, (const char *const[]){ "id", "started", "duration_s", "cost", NULL });
        const json_t *findings = json_object_get(record, "findings");

        (void)json_object_set_new(d, "experiment",
                                  pick(json_object_get(record, "experiment"),
                                       (const char *const[]){ "name", "service", "labels", NULL }));
        (void)json_object_set_new(d, "verdict",
                                  pick(json_object_get(record, "verdict"),
                                       (const char *const[]){ "result", "reasons", "evidence_hits", NULL }));
        if (json_array_size(findings) > 0)
                (void)json_object_set(d, "findings", (json_t *)findings);
        (void)json_object_set_new(d, "faults", each(json_object_get(record, "faults"), pick_fault));
        (void)json_object_set_new(d, "slos", each(json_object_get(record, "slos"), pick_slo));
        return d;
}

int run_history_store_digest(struct run_history *h, sqlite3_int64 seq, const json_t *record, struct err *e) {
        SCOPED_JSON json_t *digest = run_history_digest(record);
        SCOPED_FREE char *text = json_canonical(digest);
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        if (!text)
                return err_set(e, -ENOMEM, "no memory");
        r = run_history_prepare(h, "INSERT INTO digests (seq, digest) VALUES (?1, ?2)", &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, seq);
        (void)sqlite3_bind_text(s, 2, text, -1, SQLITE_STATIC);
        return sqlite3_step(s) == SQLITE_DONE ? 0 : run_history_error(h, e, "add a digest");
}

int run_history_make_digests(struct run_history *h, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        int r;

        r = run_history_prepare(h, "SELECT seq, record FROM runs WHERE seq NOT IN (SELECT seq FROM digests)", &s, e);
        if (r < 0)
                return r;

        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                SCOPED_JSON json_t *record = NULL;

                r = run_history_parse_row(h, s, 1, &record, NULL);
                /* What cannot be read is for `history verify` to say. */
                r = r < 0 ? 0 : run_history_store_digest(h, sqlite3_column_int64(s, 0), record, e);
                if (r < 0)
                        return r;
        }
        return r == SQLITE_DONE ? 0 : run_history_error(h, e, "read");
}

/* The newest run of each experiment on each service: name -> its index in the array. */
static void note_newest(json_t *newest, const json_t *records, size_t index, sqlite3_int64 seq) {
        const json_t *record = json_array_get(records, index), *before;
        char key[512];

        (void)snprintf(key, sizeof(key), "%.200s/%.200s", json_text_at(record, "experiment/service", ""),
                       json_text_at(record, "experiment/name", ""));
        before = json_array_get(records, (size_t)json_int_at(json_object_get(newest, key), "index", -1));
        if (before && strcmp(json_text_at(before, "started", ""), json_text_at(record, "started", "")) > 0)
                return;
        (void)json_object_set_new(newest, key,
                                  json_pack("{s:I s:I}", "index", (json_int_t)index, "seq", (json_int_t)seq));
}

static int read_whole(struct run_history *h, const json_t *newest, json_t *records, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        const char *key;
        json_t *entry;
        int r;

        r = run_history_prepare(h, "SELECT record FROM runs WHERE seq = ?1", &s, e);
        if (r < 0)
                return r;

        json_object_foreach ((json_t *)newest, key, entry) {
                json_t *record = NULL;

                (void)sqlite3_reset(s);
                (void)sqlite3_bind_int64(s, 1, json_int_at(entry, "seq", 0));
                if (sqlite3_step(s) != SQLITE_ROW)
                        continue; /* pruned meanwhile: the digest will do */
                r = run_history_parse_row(h, s, 0, &record, e);
                if (r < 0)
                        return r;
                (void)json_array_set_new(records, (size_t)json_int_at(entry, "index", 0), record);
        }
        return 0;
}

int run_history_digests(struct run_history *h, json_t *records, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        SCOPED_JSON json_t *newest = json_object();
        int r;

        r = run_history_prepare(h, "SELECT seq, digest FROM digests ORDER BY seq", &s, e);
        if (r < 0)
                return r;

        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                json_t *digest = NULL;

                r = run_history_parse_row(h, s, 1, &digest, e);
                if (r < 0)
                        return r;
                (void)json_array_append_new(records, digest);
                note_newest(newest, records, json_array_size(records) - 1, sqlite3_column_int64(s, 0));
        }
        return r == SQLITE_DONE ? read_whole(h, newest, records, e) : run_history_error(h, e, "read");
}
