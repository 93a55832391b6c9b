/* chaosctl faults [KIND] — the catalogue. */
#include <inttypes.h>
#include <string.h>

#include "chaosctl/catalogue.h"
#include "chaosctl/cli.h"
#include "chaosctl/kind_flags.h"
#include "chaosctl/param_text.h"
#include "chaosctl/table.h"

static const char *here(const struct catalogue *c, const char *name, enum term_style *ret_style) {
        const json_t *live = catalogue_live(c, name);

        *ret_style = STYLE_DIM;
        if (!c->capabilities)
                return "?";
        *ret_style = live && json_bool_at(live, "available", false) ? STYLE_GOOD : STYLE_BAD;
        return *ret_style == STYLE_GOOD ? json_text_at(live, "backend", "yes") : "no";
}

static int list(struct cli *cli, const struct catalogue *c) {
        static const char *const headings[] = { "KIND", "HERE", "WHAT IT DOES", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        const json_t *kind;
        size_t i;

        json_array_foreach(json_object_get(c->root, "kinds"), i, kind) {
                const char *name = json_text_at(kind, "kind", "?");
                enum term_style style;
                const char *where = here(c, name, &style);

                table_cell(t, STYLE_BOLD, "%s", name);
                table_cell(t, style, "%s", where);
                table_cell(t, STYLE_NONE, "%s", json_text_at(kind, "summary", ""));
        }
        if (table_print(t, &cli->out) < 0)
                return EXIT_ERROR;

        if (!c->capabilities)
                term_say(&cli->out, "\nHERE is unknown: %s", c->why_not.msg);
        term_say(&cli->out, "\nMore of one kind: chaosctl faults KIND");
        return EXIT_PASS;
}

static void heading(const struct term *t, const char *text) {
        (void)fprintf(t->file, "\n%s%s%s\n", term_on(t, STYLE_BOLD), text, term_off(t));
}

static void print_backends(struct cli *cli, const struct catalogue *c, const json_t *kind) {
        static const char *const headings[] = { "BACKEND", "HERE", "NEEDS", "REACHES", NULL };
        const json_t *live = catalogue_live(c, json_text_at(kind, "kind", ""));
        const json_t *list_of = live ? json_object_get(live, "backends") : json_object_get(kind, "backends");
        SCOPED_TABLE struct table *t = table_new(headings);
        const json_t *backend;
        size_t i;

        json_array_foreach((json_t *)list_of, i, backend) {
                bool available = json_bool_at(backend, "available", false);

                table_cell(t, STYLE_BOLD, "%s", json_text_at(backend, "name", "?"));
                table_cell(t,
                           !live       ? STYLE_DIM
                           : available ? STYLE_GOOD
                                       : STYLE_BAD,
                           "%s",
                           !live       ? "?"
                           : available ? "yes"
                                       : "no");
                table_cell(t, STYLE_NONE, "%s", json_text_at(backend, "needs", ""));
                table_cell(t, STYLE_NONE, "%s", json_text_at(backend, "reaches", ""));
        }
        heading(&cli->out, "Backends, best first");
        (void)table_print(t, &cli->out);
        json_array_foreach((json_t *)list_of, i, backend)
                if (live && !json_bool_at(backend, "available", false))
                        term_say(&cli->out, "%s: %s", json_text_at(backend, "name", "?"),
                                 json_text_at(backend, "reason", ""));
}

static void print_params(struct cli *cli, const char *title, const json_t *rows, const json_t *only) {
        static const char *const headings[] = { "KEY", "FLAG", "TYPE", "RANGE", "DEFAULT", "WHAT", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);

        if (param_text_rows(t, rows, only, "") == 0)
                return;
        heading(&cli->out, title);
        (void)table_print(t, &cli->out);
}

static int page(struct cli *cli, const struct catalogue *c, const json_t *kind) {
        const struct term *t = &cli->out;
        const char *name = json_text_at(kind, "kind", "?");
        char example[600];

        (void)fprintf(t->file, "%s%s%s — %s\n", term_on(t, STYLE_BOLD), name, term_off(t),
                      json_text_at(kind, "summary", ""));
        (void)fprintf(t->file, "%s\n",
                      json_bool_at(kind, "irreversible", false) ? "Irreversible: nothing can be undone."
                                                                : param_text_owner(json_text_at(kind, "owner", "")));
        print_params(cli, "Parameters", json_object_get(kind, "params"), NULL);
        print_params(cli, "Targets", json_object_get(c->root, "target"), json_object_get(kind, "targets"));
        print_backends(cli, c, kind);
        heading(t, "Example");
        (void)fprintf(t->file, "  chaosctl %s\n",
                      param_text_example(kind, json_object_get(c->root, "target"), example, sizeof(example)));
        return EXIT_PASS;
}

/* The catalogue's entry with what the daemon says of this node beside it. */
static json_t *merged(const struct catalogue *c, const json_t *kind) {
        const json_t *live = catalogue_live(c, json_text_at(kind, "kind", ""));
        json_t *copy = json_copy((json_t *)kind);

        if (copy && live)
                (void)json_object_update(copy, (json_t *)live);
        return copy;
}

static json_t *all_merged(const struct catalogue *c) {
        json_t *kinds = json_array();
        const json_t *kind;
        size_t i;

        json_array_foreach(json_object_get(c->root, "kinds"), i, kind)
                (void)json_array_append_new(kinds, merged(c, kind));
        return json_pack("{s:o, s:O, s:b}", "kinds", kinds, "target", json_object_get(c->root, "target"),
                         "daemon_alive", c->capabilities != NULL);
}

static int run(struct cli *cli, const struct args *args) {
        struct catalogue c __attribute__((cleanup(catalogue_done))) = { 0 };
        const char *nearest = NULL;
        const json_t *kind;
        struct err e = { 0 };

        if (catalogue_load(&cli->node, &c, &e) < 0)
                return cli_fail(cli, &e);
        if (args->n_operands == 0) {
                SCOPED_JSON json_t *all = cli->json ? all_merged(&c) : NULL;

                return cli->json ? cli_print_json(cli, all, EXIT_PASS) : list(cli, &c);
        }

        kind = catalogue_kind(&c, args->operands[0], &nearest);
        if (!kind)
                return cli_usage(cli, &verb_faults, "there is no fault kind '%.60s'%s%s%s", args->operands[0],
                                 nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        if (cli->json) {
                SCOPED_JSON json_t *one = merged(&c, kind);

                return cli_print_json(cli, one, EXIT_PASS);
        }
        return page(cli, &c, kind);
}

const struct verb verb_faults = {
        .name = "faults",
        .args = "[KIND]",
        .summary = "The catalogue of faults: parameters, units, ranges, targets, backends",
        .about = "Works without a daemon; with one, it also says which backend each kind has on this node.",
        .max_args = 1,
        .operand = OPERAND_KIND,
        .examples =
                (const struct verb_example[]){
                        { "faults", "every kind" },
                        { "faults net.delay", "one kind in full" },
                        { NULL },
                },
        .run = run,
};
