#include "faults/sys/sys_rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/param.h"
#include "core/suggest.h"
#include "core/units.h"
#include "faults/sys/sys_calls.h"

/* One expression while it is read: at is where the word now in hand begins. */
struct parser {
        const char *text;
        const char *at;
        const struct sys_names *names;
        struct sys_rule *rule;
};

static bool has_call(const struct sys_rule *r, const char *name) {
        for (size_t i = 0; i < r->n_calls; i++)
                if (strcmp(r->calls[i], name) == 0)
                        return true;
        return false;
}

static const char *find_name(const struct sys_names *names, const char *name) {
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->words[i], name) == 0)
                        return names->words[i];
        return NULL;
}

/* calls[] was made as long as names->n, and no name enters twice: there is always room. */
static void add_call(struct parser *p, const char *known) {
        if (!has_call(p->rule, known))
                p->rule->calls[p->rule->n_calls++] = known;
}

static int add_group(struct parser *p, const char *word, struct err *e) {
        unsigned group = sys_group_find(word);
        const struct sys_call *all;
        size_t n;

        if (!group)
                return err_set(e, -EINVAL, "unknown group '%.40s'; groups are %%file %%desc %%network %%process", word);

        all = sys_call_all(&n);
        for (size_t i = 0; i < n; i++) {
                const char *known = all[i].groups & group ? find_name(p->names, all[i].name) : NULL;

                if (known)
                        add_call(p, known);
        }
        return 0;
}

static int add_name(struct parser *p, const char *word, struct err *e) {
        bool optional = word[0] == '?';
        const char *known, *near;

        if (strcmp(word, "all") == 0 || word[0] == '!' || word[0] == '/')
                return err_set(e, -EINVAL, "'%.40s': name the system calls, or a group such as %%file", word);
        if (word[0] == '%')
                return add_group(p, word, e);

        known = find_name(p->names, word + optional);
        if (known) {
                add_call(p, known);
                return 0;
        }
        if (optional)
                return 0;
        if (!word[0])
                return err_set(e, -EINVAL, "a system call's name is missing");

        near = suggest_word(word, p->names->words, p->names->n);
        return err_set(e, -EINVAL, "unknown system call '%.40s'%s%s%s", word, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
}

static int parse_calls(struct parser *p, char *set, struct err *e) {
        const char *base = p->at;
        char *start = set, *comma;
        int r;

        p->rule->calls = calloc(p->names->n, sizeof(*p->rule->calls));
        if (!p->rule->calls)
                return err_set(e, -ENOMEM, "no memory");

        do {
                comma = strchr(start, ',');
                if (comma)
                        *comma = 0;
                p->at = base + (start - set);
                r = add_name(p, start, e);
                if (r < 0)
                        return r;
                if (comma)
                        start = comma + 1;
        } while (comma);
        if (p->rule->n_calls == 0)
                return err_set(e, -EINVAL, "none of these system calls exists on this machine");
        return 0;
}

static int set_error(struct sys_rule *r, const char *value, struct err *e) {
        int number = param_parse_errno(value);

        if (number <= 0 || number > 4095)
                return err_set(e, -EINVAL, "'%.40s' is no errno; write a name such as ENOSPC, or 1 to 4095", value);

        r->error = number;
        return 0;
}

static int set_retval(struct sys_rule *r, const char *value, struct err *e) {
        bool hex = strncmp(value, "0x", 2) == 0;
        char *end;

        if (!isdigit((unsigned char)value[0]) || (hex && !isxdigit((unsigned char)value[2])))
                return err_set(e, -EINVAL, "'%.40s' is no return value; write a number from 0 up, or 0x…", value);

        errno = 0;
        r->retval = strtoll(value, &end, hex ? 16 : 10);
        if (*end)
                return err_set(e, -EINVAL, "'%.40s' is no return value; write a number from 0 up, or 0x…", value);
        if (errno == ERANGE)
                return err_set(e, -ERANGE, "'%.40s' is too large for a return value", value);
        return 0;
}

static int set_delay(struct sys_rule *r, const char *value, struct err *e) {
        uint64_t us;
        int code = units_parse_duration(value, &us, e);

        if (code < 0)
                return code;
        if (us == 0 || us > SYS_DELAY_MAX_US)
                return err_set(e, -ERANGE, "delay %.40s: from 1us to 1h", value);

        r->delay_us = us;
        return 0;
}

/* strace's delay_enter=: a bare number is microseconds. */
static int set_delay_enter(struct sys_rule *r, const char *value, struct err *e) {
        char with_unit[32];

        if (value[0] && strspn(value, "0123456789") == strlen(value) && strlen(value) < 20) {
                (void)snprintf(with_unit, sizeof(with_unit), "%sus", value);
                value = with_unit;
        }
        return set_delay(r, value, e);
}

static int set_when(struct sys_rule *r, const char *value, struct err *e) {
        return sys_when_parse(value, &r->when, e);
}

static int set_probability(struct sys_rule *r, const char *value, struct err *e) {
        uint32_t ppm;
        int code = units_parse_percent(value, &ppm, e);

        if (code < 0)
                return code;
        if (ppm == 0)
                return err_set(e, -ERANGE, "a probability of 0%% would never do anything");

        r->ppm = ppm;
        return 0;
}

static int set_path(struct sys_rule *r, const char *value, struct err *e) {
        if (value[0] != '/' && value[0] != '*')
                return err_set(e, -EINVAL, "path '%.80s': paths are compared in full; begin with / or *", value);

        r->path = strdup(value);
        return r->path ? 0 : err_set(e, -ENOMEM, "no memory");
}

/* set == 0: a key of strace's that this mechanism cannot serve; refuse says why. */
static const struct rule_key {
        const char *name;
        int set;
        int (*take)(struct sys_rule *r, const char *value, struct err *e);
        const char *refuse;
} rule_keys[] = {
        { "errno", SYS_RULE_ERRNO, set_error },
        { "error", SYS_RULE_ERRNO, set_error },
        { "retval", SYS_RULE_RETVAL, set_retval },
        { "delay", SYS_RULE_DELAY, set_delay },
        { "delay_enter", SYS_RULE_DELAY, set_delay_enter },
        { "when", SYS_RULE_WHEN, set_when },
        { "probability", SYS_RULE_PROBABILITY, set_probability },
        { "path", SYS_RULE_PATH, set_path },
        { "delay_exit", .refuse = "seccomp is asked before a call runs, never after: use delay=, at entry" },
        { "delay-exit", .refuse = "seccomp is asked before a call runs, never after: use delay=, at entry" },
        { "signal", .refuse = "seccomp answers calls and sends no signals: see the kind proc.kill" },
        { "syscall", .refuse = "seccomp cannot put another call in its place: use errno= or retval=" },
        { "poke_enter", .refuse = "the memory of the command is never written" },
        { "poke_exit", .refuse = "the memory of the command is never written" },
};

static int parse_token(struct parser *p, char *token, struct err *e) {
        const char *words[ARRAY_SIZE(rule_keys)];
        char *equals = strchr(token, '=');
        const char *near;
        int r;

        if (equals)
                *equals = 0;
        for (size_t i = 0; i < ARRAY_SIZE(rule_keys); i++) {
                const struct rule_key *k = &rule_keys[i];

                words[i] = k->name;
                if (strcmp(k->name, token) != 0)
                        continue;
                if (k->refuse)
                        return err_set(e, -EINVAL, "%s: %s", k->name, k->refuse);
                if (!equals || !equals[1])
                        return err_set(e, -EINVAL, "%s needs a value: %s=…", k->name, k->name);
                if (p->rule->set & k->set)
                        return err_set(e, -EINVAL, "%s is given twice", k->name);

                p->at += equals + 1 - token;
                r = k->take(p->rule, equals + 1, e);
                if (r == 0)
                        p->rule->set |= k->set;
                return r;
        }

        near = suggest_word(token, words, ARRAY_SIZE(words));
        return err_set(e, -EINVAL, "unknown word '%.40s'%s%s%s; known are errno retval delay when probability path",
                       token, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The next part of text up to an unescaped colon, as heap text with "\:" made ":"; *len = bytes it took. */
static char *cut_part(const char *text, size_t *len) {
        char *part = malloc(strlen(text) + 1);
        size_t i = 0, o = 0;

        if (!part)
                return NULL;

        for (; text[i] && text[i] != ':'; i++) {
                if (text[i] == '\\' && text[i + 1] == ':')
                        i++;
                part[o++] = text[i];
        }
        part[o] = 0;
        *len = i;
        return part;
}

static int check_rule(const struct sys_rule *r, struct err *e) {
        if (!(r->set & (SYS_RULE_ERRNO | SYS_RULE_RETVAL | SYS_RULE_DELAY)))
                return err_set(e, -EINVAL, "what shall happen? Add errno=…, retval=… or delay=…");
        if ((r->set & SYS_RULE_ERRNO) && (r->set & SYS_RULE_RETVAL))
                return err_set(e, -EINVAL, "errno and retval exclude each other");
        if (!(r->set & SYS_RULE_PATH))
                return 0;

        for (size_t i = 0; i < r->n_calls; i++) {
                const struct sys_call *c = sys_call_find(r->calls[i]);

                if (!c || (c->path[0] == SYS_NO_ARG && c->fd == SYS_NO_ARG))
                        return err_set(e, -EINVAL, "%s has neither path nor descriptor: path= would never match it",
                                       r->calls[i]);
        }
        return 0;
}

static int parse_rule(struct parser *p, struct err *e) {
        const char *text = p->text;
        size_t len;
        int r;

        for (size_t i = 0; i < 2; i++) {
                static const char *const prefixes[] = { "inject=", "fault=" };

                if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
                        text += strlen(prefixes[i]);
                        break;
                }
        }

        for (bool first = true;; first = false) {
                SCOPED_FREE char *part = cut_part(text, &len);

                if (!part)
                        return err_set(e, -ENOMEM, "no memory");

                p->at = text;
                r = first ? parse_calls(p, part, e) : parse_token(p, part, e);
                if (r < 0)
                        return r;
                text += len;
                p->at = text;
                if (!*text)
                        return check_rule(p->rule, e);

                text++;
        }
}

int sys_rule_parse(const char *text, const struct sys_names *names, struct sys_rule *ret, unsigned *ret_column,
                   struct err *e) {
        struct sys_rule rule = { .when = { 1, SYS_WHEN_NO_END, 1 }, .ppm = SYS_PPM_ALWAYS };
        struct parser p = { .text = text, .at = text, .names = names, .rule = &rule };
        unsigned column;
        int r;

        rule.text = strdup(text);
        r = rule.text ? parse_rule(&p, e) : err_set(e, -ENOMEM, "no memory");
        if (r < 0) {
                column = (unsigned)(p.at - text) + 1;
                if (ret_column)
                        *ret_column = column;
                sys_rule_done(&rule);
                return err_wrap(e, r, "column %u", column);
        }

        *ret = rule;
        return 0;
}

void sys_rule_done(struct sys_rule *r) {
        free(r->text);
        free(r->calls);
        free(r->path);
        *r = (struct sys_rule){ 0 };
}

/* One number of a when expression, 1 … 2^32 - 2; *text behind it. */
static int read_count(const char **text, uint32_t *ret, struct err *e) {
        char *end;
        unsigned long long value;

        if (!isdigit((unsigned char)**text))
                return err_set(e, -EINVAL, "a number from 1 is missing in '%.20s'", *text);

        errno = 0;
        value = strtoull(*text, &end, 10);
        if (value == 0 || errno == ERANGE || value >= SYS_WHEN_NO_END)
                return err_set(e, -ERANGE, "'%.20s': calls are counted from 1 to %u", *text, SYS_WHEN_NO_END - 1);

        *text = end;
        *ret = (uint32_t)value;
        return 0;
}

int sys_when_parse(const char *text, struct sys_when *ret, struct err *e) {
        const char *p = text;
        struct sys_when w = { .step = 1 };
        bool range = false;
        int r;

        r = read_count(&p, &w.first, e);
        if (r < 0)
                return err_wrap(e, r, "when '%.40s'", text);

        w.last = w.first;
        if (strncmp(p, "..", 2) == 0) {
                range = true;
                p += 2;
                r = read_count(&p, &w.last, e);
                if (r < 0)
                        return err_wrap(e, r, "when '%.40s'", text);
        }
        if (*p == '+') {
                p++;
                if (!range)
                        w.last = SYS_WHEN_NO_END;
                if (*p)
                        r = read_count(&p, &w.step, e);
                if (r < 0)
                        return err_wrap(e, r, "when '%.40s'", text);
        }
        if (*p)
                return err_set(e, -EINVAL,
                               "when '%.40s': write first, first+, first+step, first..last or "
                               "first..last+step",
                               text);
        if (w.last < w.first)
                return err_set(e, -EINVAL, "when '%.40s': the last call comes before the first", text);

        *ret = w;
        return 0;
}

bool sys_rule_fires(const struct sys_rule *r, uint64_t seed, uint32_t thread, uint64_t n) {
        return sys_when_hits(&r->when, n) && sys_draw_hits(seed, thread, n, r->ppm);
}
