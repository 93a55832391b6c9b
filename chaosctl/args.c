#include "chaosctl/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"
#include "core/suggest.h"

#define SUGGEST_MAX 160

struct scan {
        int argc, at;
        char **argv;
        const struct option_set *sets;
        size_t n_sets;
};

static const struct option_row *find_long(const struct scan *s, const char *name, size_t len,
                                          const struct option_set **ret_set) {
        for (size_t i = 0; i < s->n_sets; i++)
                for (const struct option_row *row = s->sets[i].rows; row && row->name; row++)
                        if (strlen(row->name) == len && strncmp(row->name, name, len) == 0) {
                                *ret_set = &s->sets[i];
                                return row;
                        }
        return NULL;
}

static const struct option_row *find_short(const struct scan *s, char letter, const struct option_set **ret_set) {
        for (size_t i = 0; i < s->n_sets; i++)
                for (const struct option_row *row = s->sets[i].rows; row && row->name; row++)
                        if (row->letter == letter) {
                                *ret_set = &s->sets[i];
                                return row;
                        }
        return NULL;
}

static int refuse_unknown(const struct scan *s, const char *name, size_t len, struct err *e) {
        SCOPED_FREE char *word = strndup(name, len);
        const char *names[SUGGEST_MAX];
        const char *nearest;
        size_t n = 0;

        for (size_t i = 0; i < s->n_sets; i++)
                for (const struct option_row *row = s->sets[i].rows; row && row->name && n < SUGGEST_MAX; row++)
                        names[n++] = row->name;

        nearest = word ? suggest_word(word, names, n) : NULL;
        return err_set(e, -EINVAL, "unknown option '--%.60s'%s%s%s", word ? word : "",
                       nearest ? ", did you mean '--" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static int hand_over(const struct option_set *set, const struct option_row *row, const char *value, struct err *e) {
        return set->on_option(set->arg, (unsigned)(row - set->rows), value, e);
}

static int scan_long(struct scan *s, const char *name, struct err *e) {
        const char *equals = strchr(name, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        const struct option_set *set = NULL;
        const struct option_row *row = find_long(s, name, len, &set);
        const char *value = equals ? equals + 1 : NULL;

        if (!row)
                return refuse_unknown(s, name, len, e);
        if (!row->value && !row->optional_value && value)
                return err_set(e, -EINVAL, "option '--%s' takes no value", row->name);
        if (row->value && !row->optional_value && !value) {
                if (s->at + 1 >= s->argc)
                        return err_set(e, -EINVAL, "option '--%s' needs a value (%s)", row->name, row->value);
                value = s->argv[++s->at];
        }
        return hand_over(set, row, value, e);
}

static int scan_short(struct scan *s, const char *letters, struct err *e) {
        for (; *letters; letters++) {
                const struct option_set *set = NULL;
                const struct option_row *row = find_short(s, *letters, &set);
                const char *value = NULL;
                int r;

                if (!row)
                        return err_set(e, -EINVAL, "unknown option '-%c'", *letters);
                if (row->value) {
                        value = letters[1] ? letters + 1 : s->at + 1 < s->argc ? s->argv[++s->at] : NULL;
                        if (!value)
                                return err_set(e, -EINVAL, "option '-%c' needs a value (%s)", *letters, row->value);
                }

                r = hand_over(set, row, value, e);
                if (r < 0 || value)
                        return r;
        }
        return 0;
}

int args_scan(int argc, char **argv, const struct option_set *sets, size_t n_sets, bool stop_at_operand,
              int (*on_operand)(void *arg, const char *text, struct err *e), void *operand_arg, struct err *e) {
        struct scan s = { .argc = argc, .argv = argv, .sets = sets, .n_sets = n_sets };
        bool only_operands = false;

        for (; s.at < argc; s.at++) {
                const char *text = argv[s.at];
                int r;

                if (!only_operands && strcmp(text, "--") == 0) {
                        only_operands = true;
                        continue;
                }

                if (!only_operands && text[0] == '-' && text[1] == '-')
                        r = scan_long(&s, text + 2, e);
                else if (!only_operands && text[0] == '-' && text[1])
                        r = scan_short(&s, text + 1, e);
                else if (stop_at_operand)
                        return s.at;
                else
                        r = on_operand(operand_arg, text, e);
                if (r < 0)
                        return r;
        }
        return argc;
}

int args_on_option(void *arg, unsigned row, const char *value, struct err *e) {
        struct args *args = arg;

        if (row >= ARGS_OPTIONS_MAX)
                return err_set(e, -EINVAL, "option '--%s' is beyond the table", args->rows[row].name);
        if (args->value[row] && args->rows[row].value)
                return err_set(e, -EINVAL, "option '--%s' is given twice", args->rows[row].name);

        args->value[row] = value ? value : "";
        return 0;
}

int args_on_operand(void *arg, const char *text, struct err *e) {
        struct args *args = arg;
        const char **grown = realloc(args->operands, (args->n_operands + 1) * sizeof(*grown));

        if (!grown)
                return err_set(e, -ENOMEM, "no memory");

        args->operands = grown;
        args->operands[args->n_operands++] = text;
        return 0;
}

void args_done(struct args *args) {
        free(args->operands);
        *args = (struct args){ 0 };
}
