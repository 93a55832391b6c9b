/* param.c — tables into structs: looks keys up, hands single values to param_value.c, keeps what was set. */
#include "core/param.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/param_value.h"
#include "core/suggest.h"

#define LIST_MAX 4096

static const struct param *find_row(const struct param *table, const char *name) {
        for (const struct param *row = table; row->name; row++)
                if (strcmp(row->name, name) == 0)
                        return row;
        return NULL;
}

static int refuse_unknown(const struct param *table, const char *key, struct err *e) {
        const char *names[64] = { 0 };
        char known[240] = "";
        const char *nearest;
        size_t n = 0, used = 0;

        for (const struct param *row = table; row->name && n < ARRAY_SIZE(names); row++) {
                names[n] = row->name;
                if (used < sizeof(known))
                        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", n ? ", " : "", row->name);
                n++;
        }

        nearest = suggest_word(key, names, n);
        (void)err_set(e, -EINVAL, "unknown key '%.60s'%s%s%s; known: %s", key, nearest ? ", did you mean '" : "",
                      nearest ? nearest : "", nearest ? "'?" : "", n ? known : "none");
        (void)err_at(e, key);
        return -EINVAL;
}

static int parse_list(const struct param *row, const json_t *value, struct param_list *list, struct err *e) {
        size_t n = json_is_array(value) ? json_array_size(value) : 1;
        size_t size = param_value_size(row);
        int r;

        if (n > LIST_MAX)
                return err_set(e, -EINVAL, "over %d entries", LIST_MAX);
        if (n == 0)
                return row->required ? err_set(e, -EINVAL, "an empty list") : 0;

        list->items = calloc(n, size);
        if (!list->items)
                return err_set(e, -ENOMEM, "no memory");

        for (size_t i = 0; i < n; i++) {
                const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;

                r = param_value_parse(row, item, (char *)list->items + i * size, e);
                if (r < 0) {
                        if (json_is_array(value))
                                (void)err_at_index(e, (unsigned)i);
                        return r;
                }
                list->n = i + 1;
        }
        return 0;
}

static int take_json(const json_t *value, const json_t **ret) {
        *ret = value;
        return 0;
}

static int parse_row(const struct param *row, const json_t *value, void *out, struct err *e) {
        void *at = (char *)out + row->offset;
        int r;

        if (json_is_null(value))
                r = err_set(e, -EINVAL, "'%s' has no value", row->name);
        else if (row->type == PARAM_JSON)
                r = take_json(value, at);
        else if (row->list)
                r = parse_list(row, value, at, e);
        else if (row->type == PARAM_OBJECT)
                r = param_parse_object(row->sub, value, at, e);
        else
                r = param_value_parse(row, value, at, e);
        if (r < 0)
                (void)err_at(e, row->name);
        return r;
}

static int parse_fallback(const struct param *row, void *out, struct err *e) {
        SCOPED_JSON json_t *text = json_string(row->fallback);

        return parse_row(row, text, out, e);
}

static int parse_rows(const struct param *table, const json_t *object, void *out, struct err *e) {
        uint64_t *set = out;

        for (const struct param *row = table; row->name; row++) {
                const json_t *value = json_object_get(object, row->name);
                int r = 0;

                if (value) {
                        r = parse_row(row, value, out, e);
                        *set |= 1ULL << (row - table);
                } else if (row->required) {
                        r = err_set(e, -EINVAL, "'%s' is missing: %s", row->name, row->help);
                } else if (row->fallback) {
                        r = parse_fallback(row, out, e);
                } else if (row->type == PARAM_OBJECT && !row->list) {
                        /* Defaults of an object that was not given; its required rows do not count then. */
                        for (const struct param *sub = row->sub; sub->name && r == 0; sub++)
                                if (sub->fallback)
                                        r = parse_fallback(sub, (char *)out + row->offset, e);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int param_parse_object(const struct param *table, const json_t *object, void *out, struct err *e) {
        const char *key;
        json_t *value;
        int r;

        if (!json_is_object(object))
                return err_set(e, -EINVAL, "expected a mapping of keys to values");

        json_object_foreach ((json_t *)object, key, value)
                if (!find_row(table, key))
                        return refuse_unknown(table, key, e);

        r = parse_rows(table, object, out, e);
        if (r < 0)
                param_done(table, out);
        return r;
}

size_t param_table_size(const struct param *table) {
        size_t size = sizeof(uint64_t);

        for (const struct param *row = table; row->name; row++) {
                size_t end = row->offset + (row->list && row->type != PARAM_JSON ? sizeof(struct param_list)
                                            : row->type == PARAM_OBJECT          ? param_table_size(row->sub)
                                                                                 : param_value_size(row));

                if (end > size)
                        size = end;
        }
        return size;
}

int param_check_object(const struct param *table, const json_t *object, struct err *e) {
        SCOPED_FREE void *out = calloc(1, param_table_size(table));
        int r;

        if (!out)
                return err_set(e, -ENOMEM, "no memory");

        r = param_parse_object(table, object, out, e);
        if (r == 0)
                param_done(table, out);
        return r;
}

void param_done(const struct param *table, void *out) {
        for (const struct param *row = table; row->name; row++) {
                void *at = (char *)out + row->offset;

                if (row->type == PARAM_JSON) {
                        *(const json_t **)at = NULL;
                } else if (row->list) {
                        struct param_list *list = at;

                        for (size_t i = 0; i < list->n; i++)
                                param_value_done(row, (char *)list->items + i * param_value_size(row));
                        free(list->items);
                        *list = (struct param_list){ 0 };
                } else if (row->type == PARAM_OBJECT) {
                        param_done(row->sub, at);
                } else {
                        param_value_done(row, at);
                }
        }
        *(uint64_t *)out = 0;
}

static json_t *list_to_json(const struct param *row, const struct param_list *list) {
        json_t *array = json_array();

        for (size_t i = 0; i < list->n; i++)
                (void)json_array_append_new(
                        array, param_value_to_json(row, (const char *)list->items + i * param_value_size(row)));
        return array;
}

json_t *param_to_json(const struct param *table, const void *values) {
        uint64_t set = *(const uint64_t *)values;
        json_t *object = json_object();

        for (const struct param *row = table; row->name; row++) {
                const void *at = (const char *)values + row->offset;

                if (!((set >> (row - table)) & 1) && !row->fallback)
                        continue;
                (void)json_object_set_new(object, row->name,
                                          row->list && row->type != PARAM_JSON ? list_to_json(row, at)
                                          : row->type == PARAM_OBJECT          ? param_to_json(row->sub, at)
                                                                               : param_value_to_json(row, at));
        }
        return object;
}

char *param_flag(const struct param *row, char *buf, size_t size) {
        const char *name = row->cli ? row->cli : row->name;
        size_t n = (size_t)snprintf(buf, size, "--");

        for (; *name && n + 2 < size; name++) {
                if (isupper((unsigned char)*name))
                        buf[n++] = '-';
                buf[n++] = (char)tolower((unsigned char)*name);
        }
        buf[n] = 0;
        return buf;
}
