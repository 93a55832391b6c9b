#include "chaosctl/kind_flags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/param.h"
#include "core/scoped.h"

#define FLAG_SIZE 64
#define HELP_SIZE 320
#define ROWS_MAX  160

/* Where a flag's value goes: root ("target" or "params"), then parent (a sub-object's name or NULL), then key. */
struct flag {
        const struct param *param;
        const struct param *parent;
        bool is_target;
        char name[FLAG_SIZE];
        char help[HELP_SIZE];
        char metavar[24];
};

struct kind_flags {
        struct param *params_table, *target_table;
        struct flag *flags;
        struct option_row *rows;
        size_t n, n_shown;
        json_t *target, *params;
};

static const char *const metavars[PARAM_TYPE_COUNT] = {
        [PARAM_UINT] = "N",          [PARAM_DURATION] = "DURATION", [PARAM_SIZE] = "SIZE",
        [PARAM_PERCENT] = "PERCENT", [PARAM_BITRATE] = "BITRATE",   [PARAM_ENUM] = "WORD",
        [PARAM_STRING] = "TEXT",     [PARAM_SIGNAL] = "SIGNAL",     [PARAM_ERRNO] = "ERRNO",
        [PARAM_RATE] = "RATE",       [PARAM_REAL] = "NUMBER",       [PARAM_CIDR] = "CIDR",
        [PARAM_PORTS] = "PORTS",
};

static void describe(struct flag *flag) {
        const struct param *p = flag->param;
        size_t n = (size_t)snprintf(flag->help, sizeof(flag->help), "%s", p->help ? p->help : "");

        if (p->choices) {
                n += (size_t)snprintf(flag->help + n, sizeof(flag->help) - n, "%s", ":");
                for (const char *const *c = p->choices; *c && n < sizeof(flag->help); c++)
                        n += (size_t)snprintf(flag->help + n, sizeof(flag->help) - n, " %s", *c);
        }
        if (p->fallback && n < sizeof(flag->help))
                n += (size_t)snprintf(flag->help + n, sizeof(flag->help) - n, " (default %s)", p->fallback);
        if (p->required && n < sizeof(flag->help))
                (void)snprintf(flag->help + n, sizeof(flag->help) - n, " (required)");
        (void)snprintf(flag->metavar, sizeof(flag->metavar), "%s%s", metavars[p->type] ?: "", p->list ? "[,…]" : "");
}

static void add_flag(struct kind_flags *f, const struct param *param, const struct param *parent, bool is_target) {
        struct flag *flag = &f->flags[f->n];
        char text[FLAG_SIZE];

        if (f->n >= ROWS_MAX)
                return;

        flag->param = param;
        flag->parent = parent;
        flag->is_target = is_target;
        (void)snprintf(flag->name, sizeof(flag->name), "%s", param_flag(param, text, sizeof(text)) + 2);
        describe(flag);
        f->rows[f->n] = (struct option_row){
                .name = flag->name,
                .value = param->type == PARAM_BOOL ? NULL : flag->metavar,
                .help = flag->help,
                .optional_value = param->type == PARAM_BOOL,
        };
        f->n++;
}

static void add_row(struct kind_flags *f, const struct param *row, bool is_target) {
        if (row->type != PARAM_OBJECT) {
                add_flag(f, row, NULL, is_target);
                return;
        }
        for (const struct param *sub = row->sub; sub->name; sub++)
                if (sub->type != PARAM_OBJECT)
                        add_flag(f, sub, row, is_target);
}

static bool accepts(const json_t *kind, const char *selector) {
        const json_t *item;
        size_t i;

        json_array_foreach(json_object_get(kind, "targets"), i, item)
                if (strcmp(json_string_value(item) ?: "", selector) == 0)
                        return true;
        return false;
}

int kind_flags_new(const json_t *kind, const json_t *target, struct kind_flags **ret, struct err *e) {
        struct kind_flags *f __attribute__((cleanup(kind_flags_freep))) = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return err_set(e, -ENOMEM, "no memory");
        f->flags = calloc(ROWS_MAX, sizeof(*f->flags));
        f->rows = calloc(ROWS_MAX + 1, sizeof(*f->rows));
        f->target = json_object();
        f->params = json_object();
        if (!f->flags || !f->rows || !f->target || !f->params)
                return err_set(e, -ENOMEM, "no memory");

        r = param_table_from_json(json_object_get(kind, "params"), &f->params_table, e);
        if (r < 0)
                return r;
        r = param_table_from_json(target, &f->target_table, e);
        if (r < 0)
                return r;

        for (const struct param *row = f->target_table; row->name; row++)
                if (accepts(kind, row->name))
                        add_row(f, row, true);
        for (const struct param *row = f->params_table; row->name; row++)
                add_row(f, row, false);
        f->n_shown = f->n;
        for (const struct param *row = f->target_table; row->name; row++)
                if (!accepts(kind, row->name))
                        add_row(f, row, true);

        *ret = TAKE_PTR(f);
        return 0;
}

void kind_flags_free(struct kind_flags *f) {
        if (!f)
                return;

        param_table_free(f->params_table);
        param_table_free(f->target_table);
        json_decref(f->target);
        json_decref(f->params);
        free(f->flags);
        free(f->rows);
        free(f);
}

const struct option_row *kind_flags_rows(const struct kind_flags *f, size_t *ret_n_shown) {
        if (ret_n_shown)
                *ret_n_shown = f->n_shown;
        return f->rows;
}

static int append_list(json_t *owner, const char *key, const char *value) {
        json_t *list = json_object_get(owner, key);

        if (!list) {
                list = json_array();
                if (json_object_set_new(owner, key, list) < 0)
                        return -ENOMEM;
        }
        for (const char *p = value;; p++) {
                size_t n = strcspn(p, ",");

                if (json_array_append_new(list, json_stringn(p, n)) < 0)
                        return -EINVAL;
                p += n;
                if (!*p)
                        return 0;
        }
}

int kind_flags_on_option(void *arg, unsigned row, const char *value, struct err *e) {
        struct kind_flags *f = arg;
        const struct flag *flag = &f->flags[row];
        json_t *owner = flag->is_target ? f->target : f->params;
        int r = 0;

        if (flag->parent) {
                if (!json_object_get(owner, flag->parent->name))
                        (void)json_object_set_new(owner, flag->parent->name, json_object());
                owner = json_object_get(owner, flag->parent->name);
        }

        if (flag->param->list)
                r = append_list(owner, flag->param->name, value);
        else if (json_object_get(owner, flag->param->name))
                return err_set(e, -EINVAL, "option '--%s' is given twice", flag->name);
        else if (json_object_set_new(owner, flag->param->name, value ? json_string(value) : json_true()) < 0)
                r = -EINVAL;
        return r < 0 ? err_set(e, r, "option '--%s': the text is not UTF-8", flag->name) : 0;
}

/* "/peer/cidr/0" → the flag of cidr under peer. */
static const struct flag *flag_at(const struct kind_flags *f, const char *path, bool is_target) {
        for (size_t i = 0; i < f->n; i++) {
                const struct flag *flag = &f->flags[i];
                char want[160];
                size_t n = (size_t)snprintf(want, sizeof(want), "%s%s/%s", flag->parent ? "/" : "",
                                            flag->parent ? flag->parent->name : "", flag->param->name);

                if (flag->is_target == is_target && strncmp(path, want, n) == 0 && (!path[n] || path[n] == '/'))
                        return flag;
        }
        return NULL;
}

static int check(const struct kind_flags *f, const struct param *table, json_t *object, bool is_target, struct err *e) {
        const struct flag *flag;
        int r;

        r = param_check_object(table, object, e);
        if (r >= 0)
                return 0;

        flag = flag_at(f, e->path, is_target);
        if (flag)
                (void)err_wrap(e, r, "--%s", flag->name);
        e->path[0] = 0;
        return r;
}

int kind_flags_check(const struct kind_flags *f, struct err *e) {
        int r;

        r = check(f, f->target_table, f->target, true, e);
        return r < 0 ? r : check(f, f->params_table, f->params, false, e);
}

void kind_flags_name_pointer(const struct kind_flags *f, struct err *e) {
        static const char *const roots[] = { "/params", "/target" };
        char path[sizeof(e->path)];

        (void)snprintf(path, sizeof(path), "%s", e->path);
        for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
                size_t n = strlen(roots[i]);
                const struct flag *flag = strncmp(path, roots[i], n) == 0 ? flag_at(f, path + n, i == 1) : NULL;

                if (flag) {
                        (void)err_wrap(e, e->code, "--%s", flag->name);
                        e->path[0] = 0;
                }
        }
}

json_t *kind_flags_target(const struct kind_flags *f) {
        return json_object_size(f->target) ? f->target : NULL;
}

json_t *kind_flags_params(const struct kind_flags *f) {
        return json_object_size(f->params) ? f->params : NULL;
}

const char *kind_flags_collision(const struct kind_flags *f) {
        for (size_t i = 0; i < f->n_shown; i++)
                for (size_t j = i + 1; j < f->n_shown; j++)
                        if (strcmp(f->flags[i].name, f->flags[j].name) == 0)
                                return f->flags[i].name;
        return NULL;
}
