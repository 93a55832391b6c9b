/* Flags made from the catalogue: every kind of this build can be said on a command line, and without ambiguity. */
#include "chaosctl/kind_flags.h"

#include <errno.h>

#include "chaosctl/catalogue.h"
#include "chaosctl/cli.h"
#include "core/err.h"
#include "core/param.h"
#include "lib/check.h"

static const char *const modes[] = { "hard", "soft", NULL };

struct sub {
        uint64_t set;
        struct param_list cidr;
};

struct own {
        uint64_t set, delay, size;
        int mode;
        bool keep;
        struct sub peer;
        struct param_list errnos;
};

static const struct param sub_rows[] = {
        { .name = "cidr",
          .type = PARAM_CIDR,
          .list = true,
          .offset = offsetof(struct sub, cidr),
          .cli = "peer",
          .help = "h" },
        { 0 },
};

static const struct param rows[] = {
        { .name = "delayEnter",
          .type = PARAM_DURATION,
          .required = true,
          .offset = offsetof(struct own, delay),
          .help = "h",
          .example = "80ms" },
        { .name = "size", .type = PARAM_SIZE, .offset = offsetof(struct own, size), .max = 1 << 20, .help = "h" },
        { .name = "mode", .type = PARAM_ENUM, .offset = offsetof(struct own, mode), .choices = modes, .help = "h" },
        { .name = "keep", .type = PARAM_BOOL, .offset = offsetof(struct own, keep), .help = "h" },
        { .name = "errnos", .type = PARAM_ERRNO, .list = true, .offset = offsetof(struct own, errnos), .help = "h" },
        { 0 },
};

static const struct param target_rows[] = {
        { .name = "peer", .type = PARAM_OBJECT, .offset = offsetof(struct own, peer), .sub = sub_rows, .help = "h" },
        { 0 },
};

static int no_operands(void *arg, const char *text, struct err *e) {
        (void)arg;
        return err_set(e, -EINVAL, "operand %s", text);
}

/* Flags as typed → "target params" as canonical JSON, or the error's text. */
static char *parse(const char *const *argv, int argc, char *buf, size_t size) {
        SCOPED_JSON json_t *kind =
                json_pack("{s:s, s:o, s:[s]}", "kind", "test.kind", "params", param_describe(rows), "targets", "peer");
        SCOPED_JSON json_t *target = param_describe(target_rows);
        SCOPED(kind_flags_freep) struct kind_flags *f = NULL;
        struct option_set set;
        struct err e = { 0 };
        int r;

        r = kind_flags_new(kind, target, &f, &e);
        if (r == 0) {
                set = (struct option_set){ kind_flags_rows(f, NULL), kind_flags_on_option, f };
                r = args_scan(argc, (char **)argv, &set, 1, false, no_operands, NULL, &e);
                r = r < 0 ? r : kind_flags_check(f, &e);
        }
        if (r < 0) {
                (void)snprintf(buf, size, "%s", e.msg);
        } else {
                SCOPED_FREE char *t = kind_flags_target(f) ? json_canonical(kind_flags_target(f)) : NULL;
                SCOPED_FREE char *p = json_canonical(kind_flags_params(f));

                (void)snprintf(buf, size, "%s %s", t ? t : "-", p ? p : "-");
        }
        return buf;
}

#define PARSE(...)                                                                                                     \
        parse((const char *const[]){ __VA_ARGS__ },                                                                    \
              (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), text, sizeof(text))

static void test_parse(void) {
        char text[600];

        CHECK_STR(PARSE("--delay-enter", "80ms"), "- {\"delayEnter\":\"80ms\"}");
        CHECK_STR(PARSE("--delay-enter=80ms", "--keep", "--errnos", "EIO,ENOSPC", "--errnos=5"),
                  "- {\"delayEnter\":\"80ms\",\"errnos\":[\"EIO\",\"ENOSPC\",\"5\"],\"keep\":true}");
        CHECK_STR(PARSE("--peer", "10.0.0.1,fd00::/8", "--delay-enter", "1s", "--keep=false"),
                  "{\"peer\":{\"cidr\":[\"10.0.0.1\",\"fd00::/8\"]}} {\"delayEnter\":\"1s\",\"keep\":\"false\"}");
}

static void test_refuse(void) {
        static const struct {
                const char *flags[6];
                int n;
                const char *words;
        } cases[] = {
                { { "--keep" }, 1, "delayEnter" },
                { { "--delay-enter", "80" }, 2, "--delay-enter: '80' lacks a unit" },
                { { "--delay-entr", "80ms" }, 2, "did you mean '--delay-enter'" },
                { { "--delay-enter", "1s", "--delay-enter", "2s" }, 4, "given twice" },
                { { "--delay-enter", "1s", "--mode", "sofd" }, 4, "did you mean 'soft'" },
                { { "--delay-enter", "1s", "--size", "2MiB" }, 4, "--size" },
                { { "--delay-enter", "1s", "--peer", "10.0.0.1,nonsense" }, 4, "--peer" },
                { { "--delay-enter", "1s", "--keep=perhaps" }, 3, "--keep" },
                { { "--delay-enter", "1s", "--errnos", "EIO,," }, 4, "--errnos" },
                { { "--delay-enter" }, 1, "needs a value" },
                { { "--delay-enter", "\xff" }, 2, "UTF-8" },
                { { "--delayEnter", "1s" }, 2, "unknown option" },
                { { "--delay-enter", "1s", "-x" }, 3, "unknown option '-x'" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[600];

                (void)parse(cases[i].flags, cases[i].n, text, sizeof(text));
                CHECK(strstr(text, cases[i].words), "case %zu: '%s' lacks '%s'", i, text, cases[i].words);
        }
}

/* A flag that two rows claim, or that inject itself or every verb has, could never be said. */
static void test_no_collisions(void) {
        struct catalogue c SCOPED(catalogue_done) = { 0 };
        struct err e = { 0 };
        const json_t *kind;
        size_t i;

        CHECK(catalogue_load(NULL, &c, &e) == 0, "%s", e.msg);
        json_array_foreach (json_object_get(c.root, "kinds"), i, kind) {
                const char *name = json_text_at(kind, "kind", "?");
                SCOPED(kind_flags_freep) struct kind_flags *f = NULL;
                const struct option_row *shown;
                size_t n = 0;

                CHECK(kind_flags_new(kind, json_object_get(c.root, "target"), &f, &e) == 0, "%s: %s", name, e.msg);
                shown = kind_flags_rows(f, &n);
                CHECK(kind_flags_collision(f) == NULL, "%s: --%s stands for two things", name, kind_flags_collision(f));
                for (size_t j = 0; j < n; j++) {
                        for (const struct option_row *o = verb_inject.options; o->name; o++)
                                CHECK(strcmp(shown[j].name, o->name) != 0, "%s: --%s is inject's own", name, o->name);
                        for (const struct option_row *o = cli_global_options; o->name; o++)
                                CHECK(strcmp(shown[j].name, o->name) != 0, "%s: --%s is every verb's", name, o->name);
                }
        }
}

static void test_verbs(void) {
        for (const struct verb *const *v = verb_table; *v; v++) {
                unsigned n = 0;

                CHECK(verb_find((*v)->name) == *v, "%s stands twice in verbs.def", (*v)->name);
                CHECK((*v)->summary && *(*v)->summary && (*v)->examples && (*v)->examples[0].command, "%s: help",
                      (*v)->name);
                CHECK(!(*v)->run != !(*v)->run_raw, "%s: one of run and run_raw", (*v)->name);
                for (const struct option_row *o = (*v)->options; o && o->name; o++, n++)
                        for (const struct option_row *g = cli_global_options; g->name; g++)
                                CHECK(strcmp(o->name, g->name) != 0 && (!o->letter || o->letter != g->letter),
                                      "%s: --%s hides a global option", (*v)->name, o->name);
                CHECK(n <= ARGS_OPTIONS_MAX, "%s: too many options", (*v)->name);
        }
}

int main(void) {
        test_parse();
        test_refuse();
        test_no_collisions();
        test_verbs();
        return check_result();
}
