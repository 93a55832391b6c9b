#include "chaosctl/json_schema.h"

#include <errno.h>
#include <string.h>

#include "chaosctl/catalogue.h"
#include "core/err.h"
#include "core/param.h"
#include "experiments/model_tables.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"
#define DECIMAL "[0-9]+(\\.[0-9]+)?"

/* What text of each type looks like; the parser is stricter, and judges ranges of numbers with units. */
static const struct {
        const char *types[3]; /* JSON types that are taken */
        const char *pattern;
} forms[PARAM_TYPE_COUNT] = {
        [PARAM_BOOL] = { { "boolean" }, NULL },
        [PARAM_UINT] = { { "integer" }, NULL },
        [PARAM_DURATION] = { { "string" }, "^((" DECIMAL "(us|ms|s|m|h|d))+|0)$" },
        [PARAM_SIZE] = { { "string" }, "^" DECIMAL "([KMGT]i?)?B$" },
        [PARAM_PERCENT] = { { "string" }, "^" DECIMAL "%$" },
        [PARAM_BITRATE] = { { "string" }, "^" DECIMAL "[kmg]?bit$" },
        [PARAM_ENUM] = { { "string" }, NULL },
        [PARAM_STRING] = { { "string", "number" }, NULL },
        [PARAM_SIGNAL] = { { "string", "integer" }, NULL },
        [PARAM_ERRNO] = { { "string", "integer" }, NULL },
        [PARAM_CIDR] = { { "string" }, NULL },
        [PARAM_PORTS] = { { "string", "integer" }, NULL },
        [PARAM_RATE] = { { "string" }, "^" DECIMAL "/[smh]$" },
        [PARAM_REAL] = { { "number" }, NULL },
};

static json_t *value_types(const struct param *row) {
        json_t *types = json_array();

        for (size_t i = 0; i < ARRAY_SIZE(forms[0].types) && forms[row->type].types[i]; i++)
                (void)json_array_append_new(types, json_string(forms[row->type].types[i]));
        if (row->type == PARAM_DURATION) /* 0 needs no unit */
                (void)json_array_append_new(types, json_string("integer"));
        return types;
}

static void add_limits(json_t *schema, const struct param *row) {
        if (row->type == PARAM_UINT) {
                (void)json_object_set_new(schema, "minimum", json_integer((json_int_t)row->min));
                if (row->max)
                        (void)json_object_set_new(schema, "maximum", json_integer((json_int_t)row->max));
        }
        if (row->type == PARAM_DURATION) /* as a number, only 0 */
                (void)json_object_set_new(schema, "maximum", json_integer(0));
        if (row->type == PARAM_STRING)
                (void)json_object_set_new(schema, "minLength", json_integer(1));
        if (forms[row->type].pattern)
                (void)json_object_set_new(schema, "pattern", json_string(forms[row->type].pattern));
        if (row->choices) {
                json_t *choices = json_array();

                for (const char *const *c = row->choices; *c; c++)
                        (void)json_array_append_new(choices, json_string(*c));
                (void)json_object_set_new(schema, "enum", choices);
        }
}

/* One value of a row, a list's item. */
static json_t *value_schema(const struct param *row) {
        json_t *schema;

        if (row->type == PARAM_OBJECT || row->type == PARAM_JSON)
                return row->sub ? json_schema_object(row->sub) : json_object();

        schema = json_object();
        (void)json_object_set_new(schema, "type", value_types(row));
        add_limits(schema, row);
        return schema;
}

static json_t *row_schema(const struct param *row) {
        json_t *schema = value_schema(row);

        if (row->list) /* one value stands for a list of one, but not where values are mappings */
                schema = row->type == PARAM_JSON
                                 ? json_pack("{s:s, s:o}", "type", "array", "items", schema)
                                 : json_pack("{s:[O, {s:s, s:o}]}", "anyOf", schema, "type", "array", "items", schema);
        (void)json_object_set_new(schema, "description", json_string(row->help ? row->help : ""));
        if (row->fallback)
                (void)json_object_set_new(schema, "default", json_string(row->fallback));
        if (row->example && row->type != PARAM_JSON)
                (void)json_object_set_new(schema, "examples", json_pack("[s]", row->example));
        return schema;
}

json_t *json_schema_object(const struct param *table) {
        json_t *properties = json_object(), *required = json_array();

        for (const struct param *row = table; row->name; row++) {
                (void)json_object_set_new(properties, row->name, row_schema(row));
                if (row->required)
                        (void)json_array_append_new(required, json_string(row->name));
        }
        return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
                         "additionalProperties", 0);
}

static int described_schema(const json_t *rows, json_t **ret, struct err *e) {
        struct param *table = NULL;
        int r;

        r = param_table_from_json(rows, &table, e);
        if (r < 0)
                return r;

        *ret = json_schema_object(table);
        param_table_free(table);
        return *ret ? 0 : err_set(e, -ENOMEM, "no memory");
}

/* "If the kind is net.delay, then params look like this": added to the schema of a fault. */
static int add_kinds(json_t *fault, const struct catalogue *c, struct err *e) {
        json_t *names = json_array(), *cases = json_array();
        const json_t *kind;
        size_t i;

        (void)json_object_set_new(json_object_get(json_object_get(fault, "properties"), "kind"), "enum", names);
        (void)json_object_set_new(fault, "allOf", cases);
        json_array_foreach(json_object_get(c->root, "kinds"), i, kind) {
                const char *name = json_text_at(kind, "kind", "");
                json_t *params = NULL;
                int r = described_schema(json_object_get(kind, "params"), &params, e);

                if (r < 0)
                        return err_wrap(e, r, "%s", name);
                (void)json_array_append_new(names, json_string(name));
                (void)json_array_append_new(cases,
                                            json_pack("{s:{s:{s:{s:s}}}, s:{s:{s:o}}}", "if", "properties", "kind",
                                                      "const", name, "then", "properties", "params", params));
        }
        return 0;
}

static int fault_schema(json_t **ret, struct err *e) {
        struct catalogue c __attribute__((cleanup(catalogue_done))) = { 0 };
        SCOPED_JSON json_t *fault = json_schema_object(model_fault);
        json_t *target = NULL;
        int r;

        r = catalogue_load(NULL, &c, e);
        if (r == 0)
                r = described_schema(json_object_get(c.root, "target"), &target, e);
        if (r < 0)
                return r;

        (void)json_object_set_new(json_object_get(fault, "properties"), "target", target);
        r = add_kinds(fault, &c, e);
        if (r == 0)
                *ret = TAKE_PTR(fault);
        return r;
}

static void add_head(json_t *schema, const char *title) {
        (void)json_object_set_new(schema, "$schema", json_string(DIALECT));
        (void)json_object_set_new(schema, "title", json_string(title));
}

int json_schema_fault(json_t **ret, struct err *e) {
        int r;

        r = fault_schema(ret, e);
        if (r == 0)
                add_head(*ret, "One fault of an experiment");
        return r;
}

int json_schema_experiment(json_t **ret, struct err *e) {
        SCOPED_JSON json_t *schema = json_schema_object(model_head);
        json_t *properties = json_object_get(schema, "properties"), *fault = NULL, *faults;
        int r;

        r = fault_schema(&fault, e);
        if (r < 0)
                return r;

        faults = json_at(properties, "spec/properties/faults");
        (void)json_object_set_new(faults, "items", fault);
        (void)json_object_set_new(json_object_get(properties, "apiVersion"), "const", json_string("chaosd/v1"));
        (void)json_object_set_new(json_object_get(properties, "kind"), "const", json_string("Experiment"));
        add_head(schema, "chaosd experiment");
        *ret = TAKE_PTR(schema);
        return 0;
}
