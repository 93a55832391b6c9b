#include "chaosctl/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GAP         2
#define WRAP_MIN    24 /* narrower last columns are not wrapped: one word a line helps nobody */
#define COLUMNS_MAX 12

struct cell {
        char *text;
        enum term_style style;
};

struct table {
        const char *const *headings;
        size_t n_columns;
        struct cell *cells;
        size_t n_cells;
        bool lost; /* a cell found no memory */
};

struct table *table_new(const char *const *headings) {
        struct table *t = calloc(1, sizeof(*t));

        if (!t)
                return NULL;

        t->headings = headings;
        while (headings[t->n_columns] && t->n_columns < COLUMNS_MAX)
                t->n_columns++;
        return t;
}

void table_free(struct table *t) {
        if (!t)
                return;

        for (size_t i = 0; i < t->n_cells; i++)
                free(t->cells[i].text);
        free(t->cells);
        free(t);
}

void table_cell(struct table *t, enum term_style style, const char *fmt, ...) {
        struct cell *grown;
        char *text;
        va_list ap;
        int n;

        if (!t)
                return;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0) {
                t->lost = true;
                return;
        }

        grown = realloc(t->cells, (t->n_cells + 1) * sizeof(*grown));
        if (!grown) {
                free(text);
                t->lost = true;
                return;
        }

        /* Names and reasons may come from elsewhere: no terminal tricks. */
        for (char *p = text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 127)
                        *p = *p == '\n' ? ' ' : '?';
        t->cells = grown;
        t->cells[t->n_cells++] = (struct cell){ text, style };
}

static void pad(FILE *f, size_t n) {
        while (n-- > 0)
                (void)fputc(' ', f);
}

/* Bytes of text that fit into width columns, cut at a blank when there is one. */
static size_t fit(const char *text, size_t width) {
        size_t bytes = 0, columns = 0, blank = 0;

        while (text[bytes] && columns < width) {
                if (text[bytes] == ' ')
                        blank = bytes;
                bytes++;
                while (((unsigned char)text[bytes] & 0xC0) == 0x80)
                        bytes++;
                columns++;
        }
        return !text[bytes] || text[bytes] == ' ' || blank == 0 ? bytes : blank;
}

static void print_last(const struct term *term, const struct cell *cell, size_t indent) {
        size_t width = term_width(term);
        size_t room = width > indent ? width - indent : 0;
        const char *text = cell->text;

        if (room < WRAP_MIN || !term->is_tty)
                room = SIZE_MAX;

        for (;;) {
                size_t n = fit(text, room);

                (void)fprintf(term->file, "%s%.*s%s\n", term_on(term, cell->style), (int)n, text, term_off(term));
                text += n;
                while (*text == ' ')
                        text++;
                if (!*text)
                        return;
                pad(term->file, indent);
        }
}

static void print_row(const struct term *term, const struct cell *row, const size_t *widths, size_t n) {
        size_t indent = 0;

        for (size_t c = 0; c + 1 < n; c++) {
                (void)fprintf(term->file, "%s%s%s", term_on(term, row[c].style), row[c].text, term_off(term));
                pad(term->file, widths[c] - term_columns(row[c].text) + GAP);
                indent += widths[c] + GAP;
        }
        print_last(term, &row[n - 1], indent);
}

int table_print(const struct table *t, const struct term *term) {
        size_t widths[COLUMNS_MAX] = { 0 };
        struct cell headings[COLUMNS_MAX];

        if (!t || t->lost)
                return -ENOMEM;

        for (size_t c = 0; c < t->n_columns; c++) {
                headings[c] = (struct cell){ (char *)t->headings[c], STYLE_BOLD };
                widths[c] = term_columns(t->headings[c]);
        }
        for (size_t i = 0; i < t->n_cells; i++) {
                size_t columns = term_columns(t->cells[i].text);

                if (columns > widths[i % t->n_columns])
                        widths[i % t->n_columns] = columns;
        }

        print_row(term, headings, widths, t->n_columns);
        for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
                print_row(term, &t->cells[i], widths, t->n_columns);
        return 0;
}
