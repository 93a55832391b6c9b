/* history_db.h — what history.c and history_chain.c share and nobody else sees. */
#pragma once

#include <limits.h>
#include <sqlite3.h>

#include "chaosctl/history.h"

struct history {
        sqlite3 *db;
        char path[PATH_MAX];
};

struct history_chain {
        char anchor[SHA256_TEXT_SIZE]; /* hash before the first record, "" = none */
        char head[SHA256_TEXT_SIZE];   /* hash of the last record, "" = none */
};

static inline void history_stmt_freep(sqlite3_stmt **s) {
        (void)sqlite3_finalize(*s);
}
#define SCOPED_STMT SCOPED(history_stmt_freep)

int history_error(struct history *h, struct err *e, const char *what);
int history_exec(struct history *h, const char *sql, struct err *e);
int history_prepare(struct history *h, const char *sql, sqlite3_stmt **ret, struct err *e);
int history_chain(struct history *h, struct history_chain *ret, struct err *e);
int history_set_anchor(struct history *h, const char *sha256, struct err *e);
int history_append(struct history *h, json_t *record, struct err *e); /* inside a transaction of the caller */
