/* table.h — aligned columns: cells are collected, then printed with the widths that they need. */
#pragma once

#include "chaosctl/term.h"

struct table;

/* table_new — headings: NULL-ended texts, upper case by custom; borrowed. NULL = no memory. */
struct table *table_new(const char *const *headings);
void table_free(struct table *t);

/* table_cell — next cell of the current row; a full row starts the next one. Text is copied and control
 * characters become '?'. Nothing is said about lost memory until table_print(). */
void table_cell(struct table *t, enum term_style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* table_print — everything, the last column wrapped at the terminal's width. Returns 0 or -ENOMEM. */
int table_print(const struct table *t, const struct term *term);

static inline void table_freep(struct table **t) {
        table_free(*t);
}
#define SCOPED_TABLE __attribute__((cleanup(table_freep)))
