/* param_value.h — one value of one type: what param.c's tables are made of. */
#pragma once

#include <stddef.h>

#include "core/param.h"

/* Bytes of the row's C type. */
size_t param_value_size(const struct param *row);

/* Bytes that hold every row of a table: where the last one ends. */
size_t param_table_size(const struct param *table);

/* Parse and range-check one value (never a list). 0, -EINVAL, -ERANGE, -ENOMEM; *out untouched on failure. */
int param_value_parse(const struct param *row, const json_t *value, void *out, struct err *e);

json_t *param_value_to_json(const struct param *row, const void *value);
void param_value_done(const struct param *row, void *value);
