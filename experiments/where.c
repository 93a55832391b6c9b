/* where.c — recursive descent to postfix code; a handful of stack operations judge each answer. */
#include "experiments/where.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/suggest.h"
#include "core/units.h"

#define OPS_MAX   64
#define DEPTH_MAX 32

enum field { FIELD_STATUS, FIELD_LATENCY, FIELD_ERROR, FIELD_TTFT, FIELD_ITL_P99, FIELD_TOKENS, FIELD_TRUNCATED };
enum value_type { NUMBER, DURATION, YES_NO };

static const char *const field_names[] = {
        [FIELD_STATUS] = "status",       [FIELD_LATENCY] = "latency", [FIELD_ERROR] = "error",
        [FIELD_TTFT] = "ttft",           [FIELD_ITL_P99] = "itl_p99", [FIELD_TOKENS] = "tokens",
        [FIELD_TRUNCATED] = "truncated",
};
static const struct {
        enum value_type type;
        bool llm_only;
} fields[] = {
        [FIELD_STATUS] = { NUMBER, false },   [FIELD_LATENCY] = { DURATION, false }, [FIELD_ERROR] = { YES_NO, false },
        [FIELD_TTFT] = { DURATION, true },    [FIELD_ITL_P99] = { DURATION, true },  [FIELD_TOKENS] = { NUMBER, true },
        [FIELD_TRUNCATED] = { YES_NO, true },
};

enum op_kind { OP_COMPARE, OP_RANGE, OP_AND, OP_OR, OP_NOT };
enum compare { LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL };

struct op {
        enum op_kind kind;
        enum field field;
        enum compare compare;
        int64_t value, last; /* last: end of a range, inclusive */
};

struct where {
        unsigned n;
        struct op ops[OPS_MAX];
        enum field llm_field; /* the first field that only llm probes have */
        size_t llm_column;    /* … and where it stands; 0 = none */
};

struct parser {
        const char *text, *at;
        struct where *w;
        unsigned depth;
        struct err *e;
};

static int parse_or(struct parser *p);

static int fail(const struct parser *p, const char *at, const char *what) {
        return err_set(p->e, -EINVAL, "column %zu: %s", (size_t)(at - p->text) + 1, what);
}

static void skip_blanks(struct parser *p) {
        while (isspace((unsigned char)*p->at))
                p->at++;
}

/* Take this word (letters only) or symbol if it comes next. */
static bool take(struct parser *p, const char *token) {
        size_t len = strlen(token);

        skip_blanks(p);
        if (strncmp(p->at, token, len) != 0)
                return false;
        if (isalpha((unsigned char)token[0]) && (isalnum((unsigned char)p->at[len]) || p->at[len] == '_'))
                return false;

        p->at += len;
        return true;
}

static int emit(struct parser *p, struct op op) {
        if (p->w->n == OPS_MAX)
                return fail(p, p->at, "the condition is too long");

        p->w->ops[p->w->n++] = op;
        return 0;
}

static int parse_field(struct parser *p, enum field *ret) {
        const char *start, *nearest;
        char word[32], message[160];
        size_t len = 0;

        skip_blanks(p);
        start = p->at;
        while (isalnum((unsigned char)start[len]) || start[len] == '_')
                len++;
        if (len == 0)
                return fail(p, start, *start ? "expected status, latency or error" : "the condition ends too early");

        (void)snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), start);
        for (size_t i = 0; i < ARRAY_SIZE(field_names); i++)
                if (strcmp(word, field_names[i]) == 0) {
                        if (fields[i].llm_only && !p->w->llm_column) {
                                p->w->llm_field = (enum field)i;
                                p->w->llm_column = (size_t)(start - p->text) + 1;
                        }
                        p->at += len;
                        *ret = (enum field)i;
                        return 0;
                }

        nearest = suggest_word(word, field_names, ARRAY_SIZE(field_names));
        (void)snprintf(message, sizeof(message),
                       "unknown field '%s'%s%s%s; known: status, latency, error, and of llm probes ttft, itl_p99, "
                       "tokens, truncated",
                       word, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        return fail(p, start, message);
}

static int parse_value(struct parser *p, enum field field, int64_t *ret) {
        enum value_type type = fields[field].type;
        const char *start;
        char word[40];
        uint64_t value;
        size_t len = 0;
        int r;

        skip_blanks(p);
        start = p->at;
        if (type == YES_NO) {
                if (take(p, "true"))
                        return *ret = 1, 0;
                return take(p, "false")
                               ? (*ret = 0, 0)
                               : fail(p, start,
                                      field == FIELD_ERROR ? "error is true or false" : "truncated is true or false");
        }

        len += *start == '-' && type == NUMBER;
        while (isalnum((unsigned char)start[len]) || (start[len] == '.' && start[len + 1] != '.'))
                len++;
        if (len == 0 || len >= sizeof(word))
                return fail(p, start,
                            type == NUMBER ? "expected a number such as 500" : "expected a duration such as 50ms");

        memcpy(word, start, len);
        word[len] = 0;
        r = type == NUMBER ? units_parse_uint(word + (*word == '-'), &value, p->e)
                           : units_parse_duration(word, &value, p->e);
        if (r < 0)
                return err_wrap(p->e, -EINVAL, "column %zu", (size_t)(start - p->text) + 1);
        if (value > INT64_MAX / 2)
                return fail(p, start, "the number is too large");

        p->at += len;
        *ret = *word == '-' ? -(int64_t)value : (int64_t)value;
        return 0;
}

static int parse_compare(struct parser *p) {
        static const struct {
                const char *token;
                enum compare compare;
        } ops[] = {
                /* longer ones first */
                { "<=", LESS_EQUAL }, { ">=", GREATER_EQUAL }, { "==", EQUAL }, { "!=", NOT_EQUAL },
                { "<", LESS },        { ">", GREATER },        { "=", EQUAL },
        };
        struct op op = { .kind = OP_COMPARE };
        int r;

        r = parse_field(p, &op.field);
        if (r < 0)
                return r;

        if (take(p, "in")) {
                op.kind = OP_RANGE;
                r = parse_value(p, op.field, &op.value);
                if (r >= 0 && !take(p, ".."))
                        return fail(p, p->at, "expected '..' as in 200..299");
                if (r >= 0)
                        r = parse_value(p, op.field, &op.last);
                return r < 0 ? r : emit(p, op);
        }

        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                if (take(p, ops[i].token)) {
                        op.compare = ops[i].compare;
                        r = parse_value(p, op.field, &op.value);
                        return r < 0 ? r : emit(p, op);
                }

        if (fields[op.field].type == YES_NO) { /* "error" alone */
                op.compare = EQUAL;
                op.value = 1;
                return emit(p, op);
        }
        skip_blanks(p);
        return fail(p, p->at, "expected one of < <= > >= == != in");
}

static int parse_factor(struct parser *p) {
        int r;

        if (++p->depth > DEPTH_MAX)
                return fail(p, p->at, "nested too deeply");

        if (take(p, "not")) {
                r = parse_factor(p);
                if (r >= 0)
                        r = emit(p, (struct op){ .kind = OP_NOT });
        } else if (take(p, "(")) {
                r = parse_or(p);
                if (r >= 0 && !take(p, ")"))
                        r = fail(p, p->at, "expected ')'");
        } else {
                r = parse_compare(p);
        }
        p->depth--;
        return r;
}

static int parse_and(struct parser *p) {
        int r = parse_factor(p);

        while (r >= 0 && take(p, "and")) {
                r = parse_factor(p);
                if (r >= 0)
                        r = emit(p, (struct op){ .kind = OP_AND });
        }
        return r;
}

static int parse_or(struct parser *p) {
        int r = parse_and(p);

        while (r >= 0 && take(p, "or")) {
                r = parse_and(p);
                if (r >= 0)
                        r = emit(p, (struct op){ .kind = OP_OR });
        }
        return r;
}

int where_parse(const char *text, struct where **ret, struct err *e) {
        SCOPED(where_freep) struct where *w = calloc(1, sizeof(*w));
        struct parser p = { .text = text, .at = text, .w = w, .e = e };
        int r;

        if (!w)
                return err_set(e, -ENOMEM, "no memory");

        r = parse_or(&p);
        if (r < 0)
                return r;

        skip_blanks(&p);
        if (*p.at)
                return fail(&p, p.at, "expected 'and', 'or' or the end");

        *ret = TAKE_PTR(w);
        return 0;
}

int where_check_probe(const struct where *w, bool is_llm, struct err *e) {
        if (is_llm || !w->llm_column)
                return 0;

        return err_set(e, -EINVAL, "column %zu: '%s' is measured by llm probes only", w->llm_column,
                       field_names[w->llm_field]);
}

static int64_t field_value(const struct where_answer *a, enum field field) {
        switch (field) {
        case FIELD_STATUS:
                return a->status;
        case FIELD_LATENCY:
                return (int64_t)a->latency_us;
        case FIELD_ERROR:
                return a->error;
        case FIELD_TTFT:
                return (int64_t)a->ttft_us;
        case FIELD_ITL_P99:
                return (int64_t)a->itl_p99_us;
        case FIELD_TOKENS:
                return (int64_t)a->tokens;
        case FIELD_TRUNCATED:
                return a->truncated;
        }
        return 0;
}

static bool compare(const struct op *op, const struct where_answer *a) {
        int64_t got = field_value(a, op->field);

        if (a->error && fields[op->field].type != YES_NO)
                return false;
        if (a->ttft_us == 0 && (op->field == FIELD_TTFT || op->field == FIELD_ITL_P99))
                return false;
        if (op->kind == OP_RANGE)
                return got >= op->value && got <= op->last;

        switch (op->compare) {
        case LESS:
                return got < op->value;
        case LESS_EQUAL:
                return got <= op->value;
        case GREATER:
                return got > op->value;
        case GREATER_EQUAL:
                return got >= op->value;
        case EQUAL:
                return got == op->value;
        case NOT_EQUAL:
                return got != op->value;
        }
        return false;
}

bool where_matches(const struct where *w, const struct where_answer *a) {
        bool stack[OPS_MAX];
        unsigned n = 0;

        for (unsigned i = 0; i < w->n; i++) {
                const struct op *op = &w->ops[i];

                switch (op->kind) {
                case OP_COMPARE:
                case OP_RANGE:
                        stack[n++] = compare(op, a);
                        break;
                case OP_NOT:
                        stack[n - 1] = !stack[n - 1];
                        break;
                case OP_AND:
                        n--;
                        stack[n - 1] = stack[n - 1] && stack[n];
                        break;
                case OP_OR:
                        n--;
                        stack[n - 1] = stack[n - 1] || stack[n];
                        break;
                }
        }
        return stack[0];
}

void where_free(struct where *w) {
        free(w);
}
