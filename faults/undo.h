/* undo.h — the undo records of one fault: plain text, written down before each change. */
#pragma once

#include <stddef.h>

struct err;

#define UNDO_MAX 64

struct undo {
        /* Must make the record durable before it returns 0: no record, no change. */
        int (*push)(struct undo *u, const char *record, struct err *e);
        char *records[UNDO_MAX]; /* heap */
        size_t n;
        void *owner; /* the journal's */
};

/* undo_push — what inject() calls: u->push, for the type. Returns 0, -ENOSPC past UNDO_MAX, or push's error. */
int undo_push(struct undo *u, struct err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* undo_append — keep a copy in memory only; what push implementations and journals loading records use. */
int undo_append(struct undo *u, const char *record);
void undo_done(struct undo *u);
