/* chaosctl completion SHELL — made from the verb tables and the catalogue of faults. */
#include <stdint.h>
#include <string.h>

#include "chaosctl/catalogue.h"
#include "chaosctl/cli.h"
#include "chaosctl/kind_flags.h"

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

/* Texts go into single quotes of a shell. */
static void put_quoted(const char *text) {
        for (; *text; text++)
                if (*text == '\'')
                        (void)fputs("'\\''", stdout);
                else
                        (void)putchar(*text);
}

static void put_flags(const struct option_row *rows, size_t n_max) {
        for (size_t i = 0; rows && rows[i].name && i < n_max; i++)
                (void)printf(" --%s", rows[i].name);
}

static void each_kind(const struct catalogue *c,
                      void (*put)(const char *kind, const struct option_row *rows, size_t n)) {
        const json_t *kind;
        size_t i;

        json_array_foreach(json_object_get(c->root, "kinds"), i, kind) {
                struct kind_flags *flags __attribute__((cleanup(kind_flags_freep))) = NULL;
                size_t n;

                if (kind_flags_new(kind, json_object_get(c->root, "target"), &flags, NULL) == 0) {
                        const struct option_row *rows = kind_flags_rows(flags, &n);

                        put(json_text_at(kind, "kind", ""), rows, n);
                }
        }
}

static void put_kind_name(const char *kind, const struct option_row *rows, size_t n) {
        (void)rows;
        (void)n;
        (void)printf(" %s", kind);
}

static void put_bash_kind(const char *kind, const struct option_row *rows, size_t n) {
        (void)printf("        %s) words+='", kind);
        put_flags(rows, n);
        (void)printf("' ;;\n");
}

/* What completes the operands of a verb, as a bash word list (evaluated when completing). */
static void put_bash_operands(const struct verb *v, const struct catalogue *c) {
        switch (v->operand) {
        case OPERAND_KIND:
                each_kind(c, put_kind_name);
                break;
        case OPERAND_UID:
                (void)printf(" $(chaosctl status -q 2>/dev/null)");
                break;
        case OPERAND_VERB:
                for (const struct verb *const *other = verb_table; *other; other++)
                        (void)printf(" %s", (*other)->name);
                break;
        case OPERAND_WORD:
                for (const char *const *w = v->words; *w; w++)
                        (void)printf(" %s", *w);
                break;
        case OPERAND_FILE:
        case OPERAND_NONE:
                break;
        }
}

static void put_bash_function(const struct catalogue *c) {
        (void)printf("_chaosctl() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words= verb= w i\n    COMPREPLY=()\n"
                     "    for ((i = 1; i < COMP_CWORD; i++)); do\n        w=${COMP_WORDS[i]}\n"
                     "        case $w in --socket) ((i++)) ;; -*) ;; *) verb=$w; break ;; esac\n    done\n"
                     "    case $verb in\n    '') words='");
        for (const struct verb *const *v = verb_table; *v; v++)
                (void)printf(" %s", (*v)->name);
        (void)printf("' ;;\n");
        for (const struct verb *const *v = verb_table; *v; v++) {
                (void)printf("    %s) words=\"", (*v)->name);
                put_bash_operands(*v, c);
                put_flags((*v)->options, SIZE_MAX);
                (void)printf("\" ;;\n");
        }
        (void)printf(
                "    esac\n    if [[ $verb = inject ]]; then\n        for w in \"${COMP_WORDS[@]}\"; do case $w in\n");
        each_kind(c, put_bash_kind);
        (void)printf("        esac; done\n    fi\n    words+='");
        put_flags(cli_global_options, SIZE_MAX);
        (void)printf("'\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "    [[ ${#COMPREPLY[@]} -gt 0 || $cur = -* ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n");
}

static void print_bash(const struct catalogue *c) {
        (void)printf("# bash completion of chaosctl: eval \"$(chaosctl completion bash)\"\n");
        put_bash_function(c);
        (void)printf("complete -o filenames -F _chaosctl chaosctl\n");
}

/* zsh runs the same function by its own emulation of bash's completion. */
static void print_zsh(const struct catalogue *c) {
        (void)printf("#compdef chaosctl\n# zsh completion of chaosctl: eval \"$(chaosctl completion zsh)\"\n"
                     "autoload -U +X compinit && compinit -i\nautoload -U +X bashcompinit && bashcompinit\n");
        put_bash_function(c);
        (void)printf("complete -o filenames -F _chaosctl chaosctl\n");
}

static void put_fish_option(const char *condition, const struct option_row *row) {
        (void)printf("complete -c chaosctl -n '%s' -l %s", condition, row->name);
        if (row->letter)
                (void)printf(" -s %c", row->letter);
        if (row->value)
                (void)printf(" -r");
        (void)printf(" -d '");
        put_quoted(row->help);
        (void)printf("'\n");
}

static void put_fish_kind(const char *kind, const struct option_row *rows, size_t n) {
        char condition[160];

        (void)printf("complete -c chaosctl -f -n '__fish_seen_subcommand_from inject faults' -a %s\n", kind);
        (void)snprintf(condition, sizeof(condition),
                       "__fish_seen_subcommand_from inject; and __fish_seen_subcommand_from %s", kind);
        for (size_t i = 0; i < n; i++)
                put_fish_option(condition, &rows[i]);
}

static void print_fish(const struct catalogue *c) {
        (void)printf("# fish completion of chaosctl: chaosctl completion fish | source\n");
        for (const struct verb *const *v = verb_table; *v; v++) {
                char condition[160];

                (void)printf("complete -c chaosctl -f -n __fish_use_subcommand -a %s -d '", (*v)->name);
                put_quoted((*v)->summary);
                (void)printf("'\n");
                (void)snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", (*v)->name);
                for (const struct option_row *row = (*v)->options; row && row->name; row++)
                        put_fish_option(condition, row);
                if ((*v)->operand == OPERAND_UID)
                        (void)printf("complete -c chaosctl -f -n '%s' -a '(chaosctl status -q 2>/dev/null)'\n",
                                     condition);
                for (const char *const *w = (*v)->words; w && *w; w++)
                        (void)printf("complete -c chaosctl -f -n '%s' -a %s\n", condition, *w);
        }
        for (const struct option_row *row = cli_global_options; row->name; row++)
                put_fish_option("true", row);
        each_kind(c, put_fish_kind);
}

static int run(struct cli *cli, const struct args *args) {
        static void (*const print[])(const struct catalogue *c) = { print_bash, print_zsh, print_fish };
        struct catalogue c __attribute__((cleanup(catalogue_done))) = { 0 };
        struct err e = { 0 };

        if (catalogue_load(NULL, &c, &e) < 0)
                return cli_fail(cli, &e);
        for (size_t i = 0; shells[i]; i++)
                if (strcmp(args->operands[0], shells[i]) == 0) {
                        print[i](&c);
                        return EXIT_PASS;
                }
        return cli_usage(cli, &verb_completion, "no completion for '%.40s': bash, zsh or fish", args->operands[0]);
}

const struct verb verb_completion = {
        .name = "completion",
        .args = "bash|zsh|fish",
        .summary = "Completion for a shell, made from the same tables as this help",
        .min_args = 1,
        .max_args = 1,
        .operand = OPERAND_WORD,
        .words = shells,
        .examples =
                (const struct verb_example[]){
                        { "completion bash > /etc/bash_completion.d/chaosctl", "for everybody on this host" },
                        { "completion fish | source", "for this shell" },
                        { NULL },
                },
        .run = run,
};
