/* run_history.h — run records in SQLite, chained by SHA-256: a changed or missing one is found. The only door to
 * SQLite. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "core/sha256.h"

struct err;
struct run_history;

#define RUN_HISTORY_KEEP_DAYS 400

/* run_history_path — $XDG_STATE_HOME/chaosctl/history.db, or ~/.local/state/…. -ENOENT without a home;
 * -ENAMETOOLONG. */
int run_history_path(char *buf, size_t size, struct err *e);

/* run_history_open — path NULL: run_history_path(). Makes the folder (0700) and the file (0600) when they are
 * missing. WAL; waits up to 5 s for another writer. -EPROTO: written by a newer version; -EIO with SQLite's words
 * for all else. */
int run_history_open(const char *path, struct run_history **ret, struct err *e);
void run_history_close(struct run_history *h);
DEFINE_SCOPED(struct run_history, run_history_close)

/* run_history_add — one record of docs/run-record.md enters: previous_sha256 and sha256 are set in it. One transaction.
 * -EEXIST: a record of this id is there already (nothing changed); -EINVAL: no id or another schema. */
int run_history_add(struct run_history *h, json_t *record, struct err *e);

/* run_history_each — records, oldest first; service, experiment: NULL = any; since: RFC 3339 UTC or NULL; limit
 * 0 = all, otherwise the newest ones. on_record returns non-zero to stop (then this returns that). */
int run_history_each(struct run_history *h, const char *service, const char *experiment, const char *since,
                     size_t limit, int (*on_record)(void *arg, const json_t *record), void *arg, struct err *e);

/* run_history_digests — appends every run to an array, for scorecards and reports: the newest of each experiment whole,
 * of the others only what scoring asks (no series, documents, probes, plans). In no order. */
int run_history_digests(struct run_history *h, json_t *records, struct err *e);

/* run_history_get — by id, or by the only id that begins so. -ENOENT; -ENOTUNIQ: several begin so. */
int run_history_get(struct run_history *h, const char *id, json_t **ret, struct err *e);

/* run_history_verify — the whole chain. on_bad is told each fault in words. Returns how many are bad (0 = whole);
 * *ret_checked: records looked at. */
int run_history_verify(struct run_history *h, void (*on_bad)(void *arg, const char *id, const char *what), void *arg,
                       size_t *ret_checked, struct err *e);

/* run_history_prune — drop the records at the beginning of the chain that started before this wall time. The chain
 * stays whole: the last dropped hash is kept as its anchor. Returns how many were dropped. */
int run_history_prune(struct run_history *h, uint64_t before_realtime_us, bool dry_run, struct err *e);

/* run_history_import — merge records of another history (exported array, or one record): those not known yet are
 * appended by start time and chained anew; their old hash is kept as imported_sha256. A record whose own hash is wrong,
 * or whose id is here with another content, refuses the whole import. */
int run_history_import(struct run_history *h, const json_t *records, size_t *ret_added, size_t *ret_known,
                       struct err *e);

/* run_history_hash — SHA-256 of a record: canonical text without the field sha256. */
int run_history_hash(const json_t *record, char ret[SHA256_TEXT_SIZE], struct err *e);

/* Notes: what people said about findings. They live beside the chain and prove nothing.
 * run_history_notes — object of finding id -> note. run_history_note — replace one; an empty object removes it. */
int run_history_notes(struct run_history *h, json_t **ret, struct err *e);
int run_history_note(struct run_history *h, const char *finding, const json_t *note, struct err *e);
