/* Built on the parser's events, not on its document tree: one pass makes the JSON value and, beside it, a tree of
 * source marks. Depth, alias expansion and duplicate keys are judged here, so a hostile file costs little. */
#include "core/yaml_build.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"

#define DEPTH_MAX  64
#define NODES_MAX  200000 /* values of one file as written */
#define ALIAS_MAX  100000 /* values made by aliases */
#define ANCHOR_MAX 1000

struct anchor {
        char *name;
        json_t *value; /* a reference of its own */
        size_t nodes;
};

struct level {
        json_t *value; /* borrowed from its parent, or owned at the root (builder.root) */
        struct yaml_mark *mark;
        char *key; /* pending key of a mapping */
        unsigned key_line, key_column;
        char *anchor;
        size_t nodes_before;
};

struct builder {
        struct yaml_file *file;
        struct fy_parser *parser;
        struct level stack[DEPTH_MAX];
        unsigned depth;
        json_t *root;
        struct yaml_mark *root_mark;
        struct anchor anchors[ANCHOR_MAX];
        unsigned n_anchors;
        size_t nodes, alias_nodes;
        unsigned line, column; /* of the last event that had a mark */
        struct err *e;
};

void yaml_mark_free(struct yaml_mark *m) {
        while (m) {
                struct yaml_mark *next = m->next;

                yaml_mark_free(m->child); /* at most DEPTH_MAX deep */
                free(m->key);
                free(m);
                m = next;
        }
}

static int fail_at(const struct builder *b, unsigned line, unsigned column, const char *text) {
        return err_set(b->e, -EINVAL, "%s:%u:%u: %s", b->file->name, line, column, text);
}

static int fail_here(const struct builder *b, const char *text) {
        return fail_at(b, b->line, b->column, text);
}

/* ── scalars: YAML 1.2 core schema ─────────────────────────────────────────────────────────────────────────── */

static bool is_one_of(const char *text, const char *const *words) {
        for (; *words; words++)
                if (strcmp(text, *words) == 0)
                        return true;
        return false;
}

static size_t skip_digits(const char *s) {
        return strspn(s, "0123456789");
}

static bool is_integer(const char *s) {
        if (s[0] == '0' && s[1] == 'o')
                return s[2] && s[2 + strspn(s + 2, "01234567")] == 0;
        if (s[0] == '0' && s[1] == 'x')
                return s[2] && s[2 + strspn(s + 2, "0123456789abcdefABCDEF")] == 0;

        s += *s == '-' || *s == '+';
        return *s && s[skip_digits(s)] == 0;
}

static bool is_float(const char *s) {
        size_t whole, fraction = 0;

        s += *s == '-' || *s == '+';
        whole = skip_digits(s);
        s += whole;
        if (*s == '.') {
                s++;
                fraction = skip_digits(s);
                s += fraction;
        }
        if (whole + fraction == 0)
                return false;
        if (*s == 'e' || *s == 'E') {
                s++;
                s += *s == '-' || *s == '+';
                if (!*s || s[skip_digits(s)])
                        return false;
                return true;
        }
        return *s == 0;
}

/* Numbers that no int64 or double holds stay text, for a parameter table to refuse in its own words. */
static json_t *number_value(const char *text) {
        if (is_integer(text)) {
                bool based = text[0] == '0' && (text[1] == 'o' || text[1] == 'x');
                long long value;

                errno = 0;
                value = strtoll(based ? text + 2 : text, NULL, !based ? 10 : text[1] == 'x' ? 16 : 8);
                return errno ? NULL : json_integer(value);
        }
        return is_float(text) ? json_real(strtod(text, NULL)) : NULL; /* NULL for what overflows to infinity */
}

static json_t *plain_value(const char *text) {
        static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
        static const char *const trues[] = { "true", "True", "TRUE", NULL };
        static const char *const falses[] = { "false", "False", "FALSE", NULL };
        json_t *number;

        if (is_one_of(text, nulls))
                return json_null();
        if (is_one_of(text, trues))
                return json_true();
        if (is_one_of(text, falses))
                return json_false();

        number = number_value(text);
        return number ? number : json_string(text);
}

/* The token's text, checked; caller frees. */
static int scalar_text(struct builder *b, struct fy_token *token, char **ret) {
        const char *text;
        size_t len = 0;

        text = fy_token_get_text(token, &len);
        if (!text) {
                text = "";
                len = 0;
        }
        if (memchr(text, 0, len))
                return fail_here(b, "a NUL character is not allowed");

        *ret = strndup(text, len);
        return *ret ? 0 : -ENOMEM;
}

/* Only the tags of the core schema are known; *ret_text says that the value was marked as text. */
static int check_tag(struct builder *b, struct fy_event *ev, bool *ret_text) {
        static const char *const known[] = { "str", "int", "float", "bool", "null", "map", "seq", NULL };
        struct fy_token *token = fy_event_get_tag_token(ev);
        const char *suffix;
        char name[16];
        size_t len = 0;

        *ret_text = false;
        if (!token)
                return 0;

        suffix = fy_tag_token_suffix(token, &len);
        if (!suffix || len >= sizeof(name))
                return fail_here(b, "tags are not supported");
        memcpy(name, suffix, len);
        name[len] = 0;
        if (len > 0 && !is_one_of(name, known))
                return fail_here(b, "tags are not supported");

        *ret_text = len == 0 || strcmp(name, "str") == 0;
        return 0;
}

/* ── building ──────────────────────────────────────────────────────────────────────────────────────────────── */

static struct level *top(struct builder *b) {
        return b->depth ? &b->stack[b->depth - 1] : NULL;
}

/* Put a value where it belongs; takes the reference. *ret_mark is its mark. */
static int place(struct builder *b, json_t *value, struct yaml_mark **ret_mark) {
        SCOPED_JSON json_t *owned = value;
        struct level *up = top(b);
        struct yaml_mark *m;

        if (!value)
                return fail_here(b, "not valid UTF-8");
        if (++b->nodes > NODES_MAX)
                return fail_here(b, "more than 200,000 values in one file");

        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->line = b->line;
        m->column = b->column;
        *ret_mark = m;

        if (!up) {
                b->root = TAKE_PTR(owned);
                b->root_mark = m;
                return 0;
        }

        if (up->mark->last)
                up->mark->last->next = m;
        else
                up->mark->child = m;
        up->mark->last = m;

        if (json_is_array(up->value))
                return json_array_append_new(up->value, TAKE_PTR(owned)) < 0 ? -ENOMEM : 0;

        m->key = TAKE_PTR(up->key);
        m->key_line = up->key_line;
        m->key_column = up->key_column;
        if (json_object_set_new(up->value, m->key, TAKE_PTR(owned)) < 0)
                return fail_at(b, m->key_line, m->key_column, "not valid UTF-8");
        return 0;
}

/* A scalar in key position. */
static int take_key(struct builder *b, char *text) {
        SCOPED_FREE char *owned = text;
        struct level *up = top(b);

        if (json_object_get(up->value, text)) {
                char message[160];

                (void)snprintf(message, sizeof(message), "the key '%.80s' is given twice", text);
                return fail_here(b, message);
        }

        up->key = TAKE_PTR(owned);
        up->key_line = b->line;
        up->key_column = b->column;
        return 0;
}

static bool expects_key(struct builder *b) {
        struct level *up = top(b);

        return up && json_is_object(up->value) && !up->key;
}

static int anchor_name(struct fy_token *token, char **ret) {
        const char *text;
        size_t len = 0;

        text = token ? fy_token_get_text(token, &len) : NULL;
        if (!text)
                return 0;

        *ret = strndup(text, len);
        return *ret ? 0 : -ENOMEM;
}

static int anchor_add(struct builder *b, char *name, json_t *value, size_t nodes) {
        SCOPED_FREE char *owned = name;
        struct anchor *a = NULL;

        if (!name)
                return 0;

        for (unsigned i = 0; i < b->n_anchors; i++)
                if (strcmp(b->anchors[i].name, name) == 0)
                        a = &b->anchors[i]; /* a later anchor of the same name replaces the earlier one */
        if (!a) {
                if (b->n_anchors == ANCHOR_MAX)
                        return fail_here(b, "more than 1,000 anchors in one document");

                a = &b->anchors[b->n_anchors++];
                a->name = TAKE_PTR(owned);
        }
        json_decref(a->value);
        a->value = json_incref(value);
        a->nodes = nodes;
        return 0;
}

static void anchors_clear(struct builder *b) {
        for (unsigned i = 0; i < b->n_anchors; i++) {
                free(b->anchors[i].name);
                json_decref(b->anchors[i].value);
                b->anchors[i] = (struct anchor){ 0 };
        }
        b->n_anchors = 0;
}

static int on_alias(struct builder *b, struct fy_event *ev) {
        SCOPED_FREE char *name = NULL;
        struct yaml_mark *unused;
        int r;

        r = anchor_name(ev->alias.anchor, &name);
        if (r < 0)
                return r;
        if (expects_key(b))
                return fail_here(b, "an alias cannot be a key");

        /* An anchor is known once its value is complete, so an alias inside of its own value finds nothing. */
        for (unsigned i = 0; name && i < b->n_anchors; i++) {
                if (strcmp(b->anchors[i].name, name) != 0)
                        continue;

                b->alias_nodes += b->anchors[i].nodes;
                if (b->alias_nodes > ALIAS_MAX)
                        return fail_here(b, "aliases expand to more than 100,000 values");

                b->nodes += b->anchors[i].nodes;
                return place(b, json_deep_copy(b->anchors[i].value), &unused);
        }
        return fail_here(b, "alias to an anchor that was not defined before");
}

static int on_scalar(struct builder *b, struct fy_event *ev) {
        SCOPED_FREE char *text = NULL, *anchor = NULL;
        struct yaml_mark *unused;
        json_t *value;
        bool is_text;
        int r;

        r = check_tag(b, ev, &is_text);
        if (r < 0)
                return r;
        r = scalar_text(b, ev->scalar.value, &text);
        if (r < 0)
                return r;
        if (expects_key(b))
                return take_key(b, TAKE_PTR(text));

        r = anchor_name(ev->scalar.anchor, &anchor);
        if (r < 0)
                return r;

        if (is_text || fy_token_scalar_style(ev->scalar.value) != FYSS_PLAIN)
                value = json_string(text);
        else
                value = plain_value(text);
        if (value) {
                r = anchor_add(b, TAKE_PTR(anchor), value, 1);
                if (r < 0) {
                        json_decref(value);
                        return r;
                }
        }
        return place(b, value, &unused);
}

static int on_start(struct builder *b, struct fy_event *ev, json_t *value, struct fy_token *anchor) {
        struct yaml_mark *m = NULL;
        struct level *l;
        bool unused;
        int r;

        r = check_tag(b, ev, &unused);
        if (r >= 0 && expects_key(b))
                r = fail_here(b, "a key must be text");
        if (r >= 0 && b->depth == DEPTH_MAX)
                r = fail_here(b, "nested deeper than 64 levels");
        if (r < 0) {
                json_decref(value);
                return r;
        }

        r = place(b, value, &m);
        if (r < 0)
                return r;

        l = &b->stack[b->depth++];
        *l = (struct level){ .value = value, .mark = m, .nodes_before = b->nodes };
        return anchor_name(anchor, &l->anchor);
}

static int on_end(struct builder *b) {
        struct level *l = top(b);

        if (!l)
                return fail_here(b, "unexpected end");

        b->depth--;
        return anchor_add(b, TAKE_PTR(l->anchor), l->value, b->nodes - l->nodes_before + 1);
}

static int on_document_end(struct builder *b) {
        struct yaml_file *f = b->file;
        struct yaml_document *grown;

        anchors_clear(b);
        if (!b->root || json_is_null(b->root)) {
                json_decref(b->root);
                yaml_mark_free(b->root_mark);
        } else {
                grown = realloc(f->documents, (f->n + 1) * sizeof(*grown));
                if (!grown)
                        return -ENOMEM;

                f->documents = grown;
                f->documents[f->n++] = (struct yaml_document){ b->root, b->root_mark };
        }
        b->root = NULL;
        b->root_mark = NULL;
        return 0;
}

static int on_event(struct builder *b, struct fy_event *ev) {
        const struct fy_mark *m = fy_event_start_mark(ev);

        if (m && m->line >= 0) {
                b->line = (unsigned)m->line + 1;
                b->column = (unsigned)m->column + 1;
        }

        switch (ev->type) {
        case FYET_SCALAR:
                return on_scalar(b, ev);
        case FYET_ALIAS:
                return on_alias(b, ev);
        case FYET_MAPPING_START:
                return on_start(b, ev, json_object(), ev->mapping_start.anchor);
        case FYET_SEQUENCE_START:
                return on_start(b, ev, json_array(), ev->sequence_start.anchor);
        case FYET_MAPPING_END:
        case FYET_SEQUENCE_END:
                return on_end(b);
        case FYET_DOCUMENT_END:
                return on_document_end(b);
        default:
                return 0;
        }
}

static void builder_done(struct builder *b) {
        anchors_clear(b);
        for (unsigned i = 0; i < b->depth; i++) {
                free(b->stack[i].key);
                free(b->stack[i].anchor);
        }
        json_decref(b->root);
        yaml_mark_free(b->root_mark);
}

static int syntax_error(const struct builder *b, struct fy_diag *diag) {
        const struct fy_diag_error *first;
        void *at = NULL;

        first = fy_diag_errors_iterate(diag, &at);
        if (!first)
                return fail_here(b, "not valid YAML");

        return fail_at(b, first->line > 0 ? (unsigned)first->line : b->line,
                       first->column > 0 ? (unsigned)first->column : b->column, first->msg);
}

static int build(struct builder *b, struct fy_diag *diag) {
        struct fy_event *ev;
        int r;

        while ((ev = fy_parser_parse(b->parser))) {
                r = on_event(b, ev);
                fy_parser_event_free(b->parser, ev);
                if (r < 0)
                        return r;
        }
        return fy_parser_get_stream_error(b->parser) ? syntax_error(b, diag) : 0;
}

static int parse_text(struct builder *b, const char *text, size_t len) {
        struct fy_diag_cfg diag_cfg;
        struct fy_diag *diag;
        struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 };
        int r = -ENOMEM;

        fy_diag_cfg_default(&diag_cfg);
        diag_cfg.fp = NULL;
        diag = fy_diag_create(&diag_cfg);
        if (!diag)
                return -ENOMEM;

        fy_diag_set_collect_errors(diag, true);
        cfg.diag = diag;
        b->parser = fy_parser_create(&cfg);
        if (b->parser && fy_parser_set_string(b->parser, text, len) == 0)
                r = build(b, diag);
        if (b->parser)
                fy_parser_destroy(b->parser);
        fy_diag_destroy(diag);
        return r;
}

int yaml_build(struct yaml_file *f, const char *text, size_t len, struct err *e) {
        SCOPED_FREE struct builder *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;

        b->file = f;
        b->e = e;
        b->line = b->column = 1;
        r = parse_text(b, text, len);
        builder_done(b);
        return r;
}
