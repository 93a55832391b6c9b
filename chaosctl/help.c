/* help.c — help texts, printed from the verb tables. */
#include <string.h>

#include "chaosctl/cli.h"
#include "core/version.h"

#define LABEL_WIDTH 26

void help_option(const struct term *t, const struct option_row *row) {
        char label[96], letter[8] = "    ";
        size_t columns;

        if (row->letter)
                (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        (void)snprintf(label, sizeof(label), "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                       row->value ? row->value : "");
        columns = term_columns(label);
        (void)fprintf(t->file, "  %s%s%s%*s %s\n", term_on(t, STYLE_INFO), label, term_off(t),
                      columns < LABEL_WIDTH ? (int)(LABEL_WIDTH - columns) : 0, "", row->help);
}

static void print_options(const struct term *t, const char *title, const struct option_row *rows) {
        if (!rows || !rows->name)
                return;

        (void)fprintf(t->file, "\n%s%s%s\n", term_on(t, STYLE_BOLD), title, term_off(t));
        for (; rows->name; rows++)
                help_option(t, rows);
}

void help_overview(const struct term *t) {
        (void)fprintf(
                t->file,
                "%schaosctl%s %s — break a service on purpose, measure what its users feel, leave nothing behind\n",
                term_on(t, STYLE_BOLD), term_off(t), CHAOS_VERSION);
        (void)fprintf(t->file, "\nUsage: chaosctl [OPTIONS] VERB …\n\n%sVerbs%s\n", term_on(t, STYLE_BOLD),
                      term_off(t));
        for (const struct verb *const *v = verb_table; *v; v++)
                (void)fprintf(t->file, "  %s%-12s%s %s\n", term_on(t, STYLE_INFO), (*v)->name, term_off(t),
                              (*v)->summary);

        print_options(t, "Options of every verb", cli_global_options);
        (void)fprintf(t->file,
                      "\n%sExit codes%s\n  0 pass, 1 fail, 2 usage or invalid file, 3 inconclusive, 4 aborted, 5 "
                      "error, 6 residue left\n",
                      term_on(t, STYLE_BOLD), term_off(t));
        (void)fprintf(t->file, "\nMore of one verb: chaosctl help VERB\n");
}

void help_verb(const struct term *t, const struct verb *verb) {
        (void)fprintf(t->file, "%schaosctl %s%s — %s\n", term_on(t, STYLE_BOLD), verb->name, term_off(t),
                      verb->summary);
        (void)fprintf(t->file, "\nUsage: chaosctl %s%s%s\n", verb->name, *verb->args ? " " : "", verb->args);
        if (verb->about)
                (void)fprintf(t->file, "\n%s\n", verb->about);

        print_options(t, "Options", verb->options);
        if (!verb->run_raw || verb->options) /* exec hands everything over, also these */
                print_options(t, "Options of every verb", cli_global_options);
        if (!verb->examples)
                return;

        (void)fprintf(t->file, "\n%sExamples%s\n", term_on(t, STYLE_BOLD), term_off(t));
        for (const struct verb_example *x = verb->examples; x->command; x++)
                (void)fprintf(t->file, "  %schaosctl %s%s\n      %s\n", term_on(t, STYLE_INFO), x->command, term_off(t),
                              x->what);
}
