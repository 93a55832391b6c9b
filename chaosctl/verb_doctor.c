/* chaosctl doctor — what this node can break, by which backend, and why not. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "chaosctl/cli.h"
#include "chaosctl/sibling.h"
#include "chaosctl/table.h"

/* The daemon is dead: root can ask the program itself, which tries the same things without serving. */
static int ask_program(json_t **ret, struct err *e) {
        char *argv[] = { (char *)"chaosd", (char *)"--capabilities", NULL };
        SCOPED_FREE char *text = NULL;
        size_t len;
        int status, r;

        r = sibling_read("chaosd", argv, &text, &len, &status, e);
        if (r < 0)
                return r;
        if (status != 0)
                return err_set(e, -EIO, "chaosd --capabilities ended with status %d", status);

        r = json_parse(text, len, ret, e);
        return r < 0 ? err_wrap(e, -EPROTO, "chaosd --capabilities") : 0;
}

static int ask(struct cli *cli, json_t **ret, bool *ret_alive, struct err *e) {
        struct err first, second = { 0 };
        int r;

        r = node_call(&cli->node, "GET", "/v1/capabilities", NULL, ret, e);
        *ret_alive = r == 0;
        if (r != -ECONNREFUSED)
                return r;
        if (geteuid() != 0)
                return err_wrap(e, r, "only root can look without the daemon");

        first = *e;
        r = ask_program(ret, &second);
        return r < 0 ? err_set(e, r, "%.180s; and without it: %.180s", first.msg, second.msg) : 0;
}

static void add_rows(struct table *t, const json_t *kind, size_t *n_available) {
        const char *chosen = json_text_at(kind, "backend", "");
        const json_t *backend;
        size_t i;

        if (json_bool_at(kind, "available", false))
                ++*n_available;
        json_array_foreach(json_object_get(kind, "backends"), i, backend) {
                const char *name = json_text_at(backend, "name", "?");
                bool available = json_bool_at(backend, "available", false);
                bool is_chosen = available && strcmp(name, chosen) == 0;

                table_cell(t, STYLE_BOLD, "%s", i == 0 ? json_text_at(kind, "kind", "?") : "");
                table_cell(t, is_chosen ? STYLE_GOOD : STYLE_NONE, "%s", name);
                table_cell(t,
                           !available  ? STYLE_BAD
                           : is_chosen ? STYLE_GOOD
                                       : STYLE_NONE,
                           "%s",
                           !available  ? "no"
                           : is_chosen ? "chosen"
                                       : "yes");
                table_cell(t, STYLE_NONE, "%s",
                           available ? json_text_at(backend, "reaches", "")
                                     : json_text_at(backend, "reason", "no reason given"));
        }
}

static void print_node(struct cli *cli, const json_t *c, bool alive) {
        const struct term *t = &cli->out;

        (void)fprintf(t->file, "%s%s%s  kernel %s  %s  chaosd %s%s\n", term_on(t, STYLE_BOLD),
                      json_text_at(c, "hostname", "this node"), term_off(t), json_text_at(c, "kernel", "?"),
                      json_text_at(c, "arch", ""), json_text_at(c, "version", "?"),
                      json_bool_at(c, "halted", false) ? "  HALTED" : "");
        if (!alive)
                (void)fprintf(t->file, "%sThe daemon does not run; this is what it would be able to do.%s\n",
                              term_on(t, STYLE_WARN), term_off(t));
        (void)fputc('\n', t->file);
}

static int run(struct cli *cli, const struct args *args) {
        static const char *const headings[] = { "KIND", "BACKEND", "AVAILABLE", "REACHES, OR WHY NOT", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        SCOPED_JSON json_t *answer = NULL;
        struct err e = { 0 };
        size_t n_available = 0, n_kinds, i;
        const json_t *kind;
        bool alive;
        int code;

        (void)args;
        if (ask(cli, &answer, &alive, &e) < 0)
                return cli_fail(cli, &e);

        json_array_foreach(json_object_get(answer, "kinds"), i, kind)
                add_rows(t, kind, &n_available);
        n_kinds = json_array_size(json_object_get(answer, "kinds"));
        code = n_available > 0 ? EXIT_PASS : EXIT_ERROR;
        if (cli->json) {
                (void)json_object_set_new(answer, "daemon_alive", json_boolean(alive));
                return cli_print_json(cli, answer, code);
        }

        print_node(cli, answer, alive);
        if (table_print(t, &cli->out) < 0)
                return EXIT_ERROR;
        term_say(&cli->out, "\n%zu of %zu kinds can act on this node.", n_available, n_kinds);
        return code;
}

const struct verb verb_doctor = {
        .name = "doctor",
        .args = "",
        .summary = "What this node can break, by which backend, and why not",
        .about = "Found by trying, never by version. Without a daemon, root can still ask: the program chaosd is run "
                 "for it.\n"
                 "Exit code 0 when one kind at least is possible, otherwise 5.",
        .examples =
                (const struct verb_example[]){
                        { "doctor", "before the first experiment on a host" },
                        { "doctor --json | jq '.kinds[] | select(.available) | .kind'",
                          "the possible kinds, for scripts" },
                        { NULL },
                },
        .run = run,
};
