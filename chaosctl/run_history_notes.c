/* run_history_notes.c — what people said about findings: owner, day due, accepted risk. Kept beside the runs, never
 * inside of them: the chain proves runs, and a note is no proof. */
#include <errno.h>
#include <string.h>

#include "chaosctl/run_history_db.h"
#include "core/err.h"

int run_history_notes(struct run_history *h, json_t **ret, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        SCOPED_JSON json_t *notes = json_object();
        int r;

        r = run_history_prepare(h, "SELECT finding, note FROM finding_notes ORDER BY finding", &s, e);
        if (r < 0)
                return r;

        while ((r = sqlite3_step(s)) == SQLITE_ROW) {
                const char *id = (const char *)sqlite3_column_text(s, 0);
                const char *text = (const char *)sqlite3_column_text(s, 1);
                json_t *note = NULL;

                if (!id || !text || json_parse(text, strlen(text), &note, e) < 0)
                        return err_set(e, -EIO, "history %s: the note on finding '%.80s' cannot be read", h->path,
                                       id ? id : "");
                (void)json_object_set_new(notes, id, note);
        }
        if (r != SQLITE_DONE)
                return run_history_error(h, e, "read notes");

        *ret = TAKE_PTR(notes);
        return 0;
}

int run_history_note(struct run_history *h, const char *finding, const json_t *note, struct err *e) {
        SCOPED_STMT sqlite3_stmt *s = NULL;
        SCOPED_FREE char *text = json_canonical(note);
        int r;

        if (!text)
                return err_set(e, -ENOMEM, "no memory");
        r = run_history_prepare(h,
                                json_object_size(note) ? "INSERT INTO finding_notes (finding, note) VALUES (?1, ?2)"
                                                         " ON CONFLICT (finding) DO UPDATE SET note = ?2"
                                                       : "DELETE FROM finding_notes WHERE finding = ?1",
                                &s, e);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, finding, -1, SQLITE_STATIC);
        if (json_object_size(note))
                (void)sqlite3_bind_text(s, 2, text, -1, SQLITE_STATIC);
        return sqlite3_step(s) == SQLITE_DONE ? 0 : run_history_error(h, e, "write a note");
}
