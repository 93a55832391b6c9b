/* yaml.h — YAML to JSON values that remember where they stood. The only door to libfyaml. */
#pragma once

#include "core/json.h"

struct err;
struct yaml_file; /* the documents of one file and their source marks */

/* yaml_read — read a file (at most 4 MiB, UTF-8, no aliases that expand over 100,000 nodes; duplicate keys
 * refused). Plain scalars follow YAML 1.2's core schema: true/false, null, integers, floats; the rest is text.
 * Returns 0, -EINVAL with file:line:column in e, or -errno of reading. Free with yaml_free(). */
int yaml_read(const char *path, struct yaml_file **ret, struct err *e);

/* The same from memory; name stands in messages. */
int yaml_read_text(const char *text, size_t len, const char *name, struct yaml_file **ret, struct err *e);

size_t yaml_count(const struct yaml_file *f);               /* documents in the file, empty ones left out */
json_t *yaml_document(const struct yaml_file *f, size_t i); /* borrowed */
const char *yaml_name(const struct yaml_file *f);           /* as given to yaml_read */

/* yaml_error — turn an error whose path points into document i ("/spec/faults/0/params/delay") into one that
 * reads "file:line:column: text". Takes the nearest existing parent when the path itself does not exist.
 * For an unknown key the mark is the key's, not the value's. Returns e->code. */
int yaml_error(const struct yaml_file *f, size_t i, struct err *e);

void yaml_free(struct yaml_file *f);
DEFINE_SCOPED(struct yaml_file, yaml_free)
