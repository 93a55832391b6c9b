/* help_man.c — manual pages from the verb tables and the catalogue of faults. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chaosctl/catalogue.h"
#include "chaosctl/cli.h"
#include "chaosctl/param_text.h"
#include "core/version.h"

/* troff: a dash is a minus, a backslash is itself, and no line of text begins with a request. */
static void put(const char *text) {
        bool line_start = true;

        for (; *text; text++) {
                if (line_start && (*text == '.' || *text == '\''))
                        (void)fputs("\\&", stdout);
                line_start = *text == '\n';
                if (*text == '-')
                        (void)fputs("\\-", stdout);
                else if (*text == '\\')
                        (void)fputs("\\e", stdout);
                else
                        (void)putchar(*text);
        }
}

static void put_line(const char *request, const char *text) {
        (void)fputs(request, stdout);
        put(text);
        (void)putchar('\n');
}

static void put_options(const struct option_row *rows) {
        for (; rows && rows->name; rows++) {
                char label[120], letter[8] = "";

                if (rows->letter)
                        (void)snprintf(letter, sizeof(letter), "-%c, ", rows->letter);
                (void)snprintf(label, sizeof(label), "%s--%s%s%s", letter, rows->name, rows->value ? " " : "",
                               rows->value ? rows->value : "");
                (void)printf(".TP\n.B ");
                put_line("", label);
                put_line("", rows->help);
        }
}

static void put_verb(const struct verb *v) {
        (void)printf(".SS ");
        put(v->name);
        put_line(" ", v->args);
        put_line("", v->summary);
        (void)printf(".\n");
        if (v->about) {
                (void)printf(".PP\n");
                put_line("", v->about);
        }
        put_options(v->options);
        for (const struct verb_example *x = v->examples; x && x->command; x++) {
                (void)printf(".PP\n");
                put_line("Example: ", x->what);
                (void)printf(".PP\n.EX\n");
                put_line("chaosctl ", x->command);
                (void)printf(".EE\n");
        }
}

static void page_chaosctl(void) {
        static const char *const codes[][2] = {
                { "0", "pass" },    { "1", "fail" },  { "2", "usage, or an invalid file" }, { "3", "inconclusive" },
                { "4", "aborted" }, { "5", "error" }, { "6", "residue was left" },
        };

        (void)printf(".TH CHAOSCTL 1 \"\" \"chaosd %s\" \"User Commands\"\n.SH NAME\nchaosctl \\- break a service on "
                     "purpose, "
                     "measure what its users feel, leave nothing behind\n.SH SYNOPSIS\n.B chaosctl\n[\\fIOPTIONS\\fR] "
                     "\\fIVERB\\fR ...\n.SH VERBS\n",
                     CHAOS_VERSION);
        for (const struct verb *const *v = verb_table; *v; v++)
                put_verb(*v);
        (void)printf(".SH OPTIONS\n");
        put_options(cli_global_options);
        (void)printf(".SH EXIT STATUS\n");
        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                (void)printf(".TP\n.B %s\n%s\n", codes[i][0], codes[i][1]);
        (void)printf(".SH ENVIRONMENT\n.TP\n.B CHAOSD_SOCKET\nthe daemon's socket\n.TP\n.B NO_COLOR\nno colours when "
                     "set and not "
                     "empty\n.TP\n.B XDG_STATE_HOME\nwhere chaosctl/history.db lies\n.SH SEE ALSO\n.BR chaosd\\-faults "
                     "(7)\n");
}

static void put_rows(const json_t *rows, const char *prefix) {
        const json_t *row;
        size_t i;

        json_array_foreach((json_t *)rows, i, row) {
                char type[64], range[200], key[128], label[300];

                (void)snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", json_text_at(row, "name", "?"));
                if (json_object_get(row, "params")) {
                        put_rows(json_object_get(row, "params"), key);
                        continue;
                }
                (void)snprintf(label, sizeof(label), "%s (%s; %s)", key, json_text_at(row, "flag", ""),
                               param_text_type(row, type, sizeof(type)));
                (void)printf(".TP\n.B ");
                put_line("", label);
                put(json_text_at(row, "help", ""));
                if (*param_text_range(row, range, sizeof(range)))
                        put("; "), put(range);
                if (json_bool_at(row, "required", false))
                        put("; required");
                if (*json_text_at(row, "default", ""))
                        put("; default "), put(json_text_at(row, "default", ""));
                (void)putchar('\n');
        }
}

static void put_kind(const json_t *kind, const json_t *target) {
        const json_t *item;
        char example[600];
        size_t i;

        put_line(".SH ", json_text_at(kind, "kind", "?"));
        put_line("", json_text_at(kind, "summary", ""));
        (void)printf(".PP\n");
        put_line("", json_bool_at(kind, "irreversible", false) ? "Irreversible: nothing can be undone."
                                                               : param_text_owner(json_text_at(kind, "owner", "")));
        put_rows(json_object_get(kind, "params"), "");
        (void)printf(".PP\nTargets:");
        json_array_foreach(json_object_get(kind, "targets"), i, item) {
                (void)fputs(i ? ", " : " ", stdout);
                put(json_string_value(item));
        }
        (void)printf(".\n");
        json_array_foreach(json_object_get(kind, "backends"), i, item) {
                (void)printf(".PP\nBackend \\fB");
                put(json_text_at(item, "name", "?"));
                (void)printf("\\fR needs ");
                put(json_text_at(item, "needs", ""));
                (void)printf("; reaches ");
                put_line("", json_text_at(item, "reaches", ""));
        }
        (void)printf(".PP\n.EX\n");
        put_line("chaosctl ", param_text_example(kind, target, example, sizeof(example)));
        (void)printf(".EE\n");
}

static int page_faults(struct err *e) {
        struct catalogue c __attribute__((cleanup(catalogue_done))) = { 0 };
        const json_t *kind, *target;
        size_t i;
        int r;

        r = catalogue_load(NULL, &c, e);
        if (r < 0)
                return r;

        target = json_object_get(c.root, "target");
        (void)printf(".TH CHAOSD\\-FAULTS 7 \"\" \"chaosd %s\" \"Faults\"\n.SH NAME\nchaosd\\-faults \\- the kinds of "
                     "faults that "
                     "chaosd can inject\n.SH DESCRIPTION\nEach kind with its parameters, as keys of an experiment file "
                     "and as "
                     "flags of \\fBchaosctl inject\\fR.\n",
                     CHAOS_VERSION);
        json_array_foreach(json_object_get(c.root, "kinds"), i, kind)
                put_kind(kind, target);
        (void)printf(".SH TARGETS\n");
        put_rows(target, "");
        (void)printf(".SH SEE ALSO\n.BR chaosctl (1)\n");
        return 0;
}

int help_man(const char *page, struct err *e) {
        if (strcmp(page, "chaosctl.1") == 0) {
                page_chaosctl();
                return 0;
        }
        if (strcmp(page, "chaosd-faults.7") == 0)
                return page_faults(e);
        return err_set(e, -EINVAL, "there is no manual page '%.60s': chaosctl.1 or chaosd-faults.7", page);
}
