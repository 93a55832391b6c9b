/* journal.h — one small file per fault that is on its way: RUNTIME/faults/UID.json, replaced by atomic rename.
 * What is to be undone is on file before it is done; a fault without a file changes nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"
#include "faults/undo.h"

struct err;

#define JOURNAL_UID_SIZE 37

struct journal {
        char dir[3072];    /* RUNTIME/faults, mode 0700 */
        char boot_id[40];  /* records of another boot have nothing left to undo */
        unsigned crash_at; /* debug builds: die by SIGKILL at this step; 0 = never (CHAOS_CRASH_AT) */
        unsigned step;
        bool read_only; /* a dry run: journal_each() tidies nothing */
};

/* One fault's file. */
struct journal_entry {
        struct journal *journal;
        char uid[JOURNAL_UID_SIZE];
        char kind[64];
        const char *state; /* "intent", "active", "reverting"; static text */
        json_t *about;     /* borrowed by writers, owned by entries that were loaded: name, target, params … */
        struct undo undo;  /* push writes the file; records loaded from it */
        bool other_boot;   /* loaded: written before this boot */
};

/* journal_open — create the directory (0700; its parent must exist). -EPERM if another user could write there. */
int journal_open(struct journal *j, const char *runtime_dir, struct err *e);

/* journal_entry_init — an entry in memory whose undo.push writes through. Nothing is on disk yet. */
void journal_entry_init(struct journal_entry *entry, struct journal *j, const char *uid, const char *kind,
                        const json_t *about);

/* journal_store — write the entry with this state; durable when it returns 0. */
int journal_store(struct journal_entry *entry, const char *state, struct err *e);

/* journal_drop — the fault is gone: remove its file. 0 also when there is none. */
int journal_drop(struct journal_entry *entry, struct err *e);

/* journal_each — call on_entry for every file (the callee owns the entry: journal_entry_free()), and on_broken for
 * every file that cannot be read, which stays where it is. Left-over temporary files are removed. Returns the number
 * of files or -errno of reading the directory. */
int journal_each(struct journal *j, void (*on_entry)(struct journal_entry *entry, void *arg),
                 void (*on_broken)(const char *name, const struct err *why, void *arg), void *arg, struct err *e);
void journal_entry_done(struct journal_entry *entry);
void journal_entry_free(struct journal_entry *entry);
DEFINE_SCOPED(struct journal_entry, journal_entry_free)
