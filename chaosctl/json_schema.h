/* json_schema.h — JSON Schemas (2020-12) for editors, made from the parameter tables that parse the files. */
#pragma once

#include "core/json.h"

struct err;
struct param;

/* json_schema_object — {"type": "object", "properties": …, "additionalProperties": false} of a table. NULL = no memory. */
json_t *json_schema_object(const struct param *table);

/* json_schema_experiment — of an experiment file; each fault's params and target as its kind wants them. */
int json_schema_experiment(json_t **ret, struct err *e);

/* json_schema_fault — of one fault in it (spec.faults[]). */
int json_schema_fault(json_t **ret, struct err *e);
