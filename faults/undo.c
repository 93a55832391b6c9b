#include "faults/undo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"

int undo_push(struct undo *u, struct err *e, const char *fmt, ...) {
        SCOPED_FREE char *record = NULL;
        va_list ap;
        int n;

        if (u->n == UNDO_MAX)
                return err_set(e, -ENOSPC, "over %d undo records in one fault", UNDO_MAX);

        va_start(ap, fmt);
        n = vasprintf(&record, fmt, ap);
        va_end(ap);
        if (n < 0)
                return err_set(e, -ENOMEM, "no memory for an undo record");

        return u->push(u, record, e);
}

int undo_append(struct undo *u, const char *record) {
        if (u->n == UNDO_MAX)
                return -ENOSPC;

        u->records[u->n] = strdup(record);
        if (!u->records[u->n])
                return -ENOMEM;

        u->n++;
        return 0;
}

void undo_done(struct undo *u) {
        for (size_t i = 0; i < u->n; i++)
                free(u->records[i]);
        u->n = 0;
}
