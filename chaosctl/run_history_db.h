/* run_history_db.h — what run_history.c and run_history_chain.c share and nobody else sees. */
#pragma once

#include <limits.h>
#include <sqlite3.h>

#include "chaosctl/run_history.h"

struct run_history {
        sqlite3 *db;
        char path[PATH_MAX];
};

struct run_history_chain {
        char anchor[SHA256_TEXT_SIZE]; /* hash before the first record, "" = none */
        char head[SHA256_TEXT_SIZE];   /* hash of the last record, "" = none */
};

static inline void run_history_stmt_freep(sqlite3_stmt **s) {
        (void)sqlite3_finalize(*s);
}
#define SCOPED_STMT SCOPED(run_history_stmt_freep)

int run_history_error(struct run_history *h, struct err *e, const char *what);
int run_history_exec(struct run_history *h, const char *sql, struct err *e);
int run_history_prepare(struct run_history *h, const char *sql, sqlite3_stmt **ret, struct err *e);
int run_history_chain(struct run_history *h, struct run_history_chain *ret, struct err *e);
int run_history_set_anchor(struct run_history *h, const char *sha256, struct err *e);
int run_history_append(struct run_history *h, json_t *record, struct err *e); /* inside a transaction of the caller */

/* run_history_digest.c: what scoring asks of a record, without series, documents and plans. */
json_t *run_history_digest(const json_t *record);
int run_history_store_digest(struct run_history *h, sqlite3_int64 seq, const json_t *record, struct err *e);
int run_history_make_digests(struct run_history *h, struct err *e); /* of every run that has none */
int run_history_parse_row(struct run_history *h, sqlite3_stmt *s, int column, json_t **ret, struct err *e);
