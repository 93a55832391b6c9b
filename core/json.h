/* json.h — the only door to jansson: everyone else includes this. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/scoped.h"

struct err;

static inline void json_freep(json_t **j) {
        json_decref(*j);
}
#define SCOPED_JSON SCOPED(json_freep)

/* json_parse — untrusted text to a value. Duplicate keys, NUL bytes and depth over the library's
 * limit are refused. Returns 0 or -EINVAL with line and column in e. */
int json_parse(const char *text, size_t len, json_t **ret, struct err *e);

/* json_load_path — the same from a file of at most 64 MiB. Also -errno of opening and reading. */
int json_load_path(const char *path, json_t **ret, struct err *e);

/* json_store_path — replace a file atomically: temporary file beside it, fsync, rename; mode as given. */
int json_store_path(const char *path, const json_t *value, unsigned mode, struct err *e);

/* Text of a value, sorted keys, no blanks: the form that hashes are made of. Caller frees; NULL = no memory. */
char *json_canonical(const json_t *value);

/* Borrowed look-ups along "a/b/0/c"; NULL, fallback or "" when absent or of another type. */
json_t *json_at(const json_t *root, const char *path);
const char *json_text_at(const json_t *root, const char *path, const char *fallback);
int64_t json_int_at(const json_t *root, const char *path, int64_t fallback);
double json_number_at(const json_t *root, const char *path, double fallback);
bool json_bool_at(const json_t *root, const char *path, bool fallback);
