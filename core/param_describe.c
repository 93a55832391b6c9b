/* param_describe.c — a table as JSON, and back: the catalogue, schemas, man pages and chaosctl's flags. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/param.h"
#include "core/param_value.h"

static json_t *describe_choices(const struct param *row) {
        json_t *array = json_array();

        for (const char *const *c = row->choices; c && *c; c++)
                (void)json_array_append_new(array, json_string(*c));
        return array;
}

static json_t *describe_row(const struct param *row) {
        char flag[64];
        json_t *d = json_pack("{s:s s:s s:s s:b s:b s:I s:I s:s s:s}", "name", row->name, "type",
                              param_type_name(row->type), "unit", param_type_unit(row->type), "list", row->list,
                              "required", row->required, "min", (json_int_t)row->min, "max", (json_int_t)row->max,
                              "help", row->help, "flag", param_flag(row, flag, sizeof(flag)));

        if (row->choices)
                (void)json_object_set_new(d, "choices", describe_choices(row));
        if (row->fallback)
                (void)json_object_set_new(d, "default", json_string(row->fallback));
        if (row->example)
                (void)json_object_set_new(d, "example", json_string(row->example));
        if (row->cli)
                (void)json_object_set_new(d, "cli", json_string(row->cli));
        if (row->sub)
                (void)json_object_set_new(d, "params", param_describe(row->sub));
        return d;
}

json_t *param_describe(const struct param *table) {
        json_t *array = json_array();

        for (const struct param *row = table; row->name; row++)
                (void)json_array_append_new(array, describe_row(row));
        return array;
}

static int type_from_name(const char *name) {
        for (int t = 0; t < PARAM_TYPE_COUNT; t++)
                if (strcmp(param_type_name((enum param_type)t), name) == 0)
                        return t;
        return -EINVAL;
}

static char *copy_text(const json_t *d, const char *key) {
        const char *text = json_text_at(d, key, NULL);

        return text ? strdup(text) : NULL;
}

static const char **copy_choices(const json_t *array) {
        const char **choices;
        size_t n = json_array_size(array);

        if (!array)
                return NULL;

        choices = calloc(n + 1, sizeof(*choices));
        for (size_t i = 0; choices && i < n; i++)
                choices[i] = strdup(json_string_value(json_array_get(array, i)) ?: "");
        return choices;
}

/* Values live one after the other behind the bit set, so that checking has somewhere to parse into. */
static int row_from_json(const json_t *d, size_t *offset, struct param *row, struct err *e) {
        int type = type_from_name(json_text_at(d, "type", ""));
        struct param *sub = NULL;
        int r;

        if (type < 0 || !json_text_at(d, "name", NULL))
                return err_set(e, -EINVAL, "a row of the parameter table has no name or an unknown type");
        if (type == PARAM_OBJECT) {
                r = param_table_from_json(json_at(d, "params"), &sub, e);
                if (r < 0)
                        return r;
        }

        *row = (struct param){
                .name = copy_text(d, "name"),
                .type = (enum param_type)type,
                .list = json_bool_at(d, "list", false),
                .required = json_bool_at(d, "required", false),
                .min = (uint64_t)json_int_at(d, "min", 0),
                .max = (uint64_t)json_int_at(d, "max", 0),
                .choices = copy_choices(json_at(d, "choices")),
                .sub = sub,
                .fallback = copy_text(d, "default"),
                .help = copy_text(d, "help"),
                .example = copy_text(d, "example"),
                .cli = copy_text(d, "cli"),
                .offset = *offset,
        };

        /* 32 bytes hold any single value and any list; an object needs what its rows need, aligned. */
        *offset += sub && !row->list ? (param_table_size(sub) + 15) / 16 * 16 : 32;
        return 0;
}

int param_table_from_json(const json_t *description, struct param **ret, struct err *e) {
        size_t n = json_array_size(description), offset = sizeof(uint64_t);
        struct param *table;

        if (!json_is_array(description) || n > 64)
                return err_set(e, -EINVAL, "a parameter table must be a list of at most 64 rows");

        table = calloc(n + 1, sizeof(*table));
        if (!table)
                return err_set(e, -ENOMEM, "no memory");

        for (size_t i = 0; i < n; i++) {
                int r = row_from_json(json_array_get(description, i), &offset, &table[i], e);

                if (r < 0) {
                        param_table_free(table);
                        return r;
                }
        }
        *ret = table;
        return 0;
}

void param_table_free(struct param *table) {
        for (struct param *row = table; row && row->name; row++) {
                for (const char *const *c = row->choices; c && *c; c++)
                        free((void *)*c);
                free((void *)row->choices);
                param_table_free((struct param *)row->sub);
                free((void *)row->name);
                free((void *)row->fallback);
                free((void *)row->help);
                free((void *)row->example);
                free((void *)row->cli);
        }
        free(table);
}
