/* yaml_build.h — inside of core/yaml: from the parser's events to JSON values and their source marks. */
#pragma once

#include "core/json.h"

struct err;

/* Where a value, and the key before it, stood. 1-based; 0 = unknown. */
struct yaml_mark {
        char *key; /* NULL in sequences and at the root */
        unsigned line, column, key_line, key_column;
        struct yaml_mark *child, *last, *next;
};

struct yaml_document {
        json_t *value;
        struct yaml_mark *marks;
};

struct yaml_file {
        char *name;
        struct yaml_document *documents;
        size_t n;
};

void yaml_mark_free(struct yaml_mark *m);

/* yaml_build — append the text's documents to f. Returns 0, -EINVAL with place and words, -ENOMEM. */
int yaml_build(struct yaml_file *f, const char *text, size_t len, struct err *e);
