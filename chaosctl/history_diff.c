#include "chaosctl/history_diff.h"

#include <stdio.h>
#include <string.h>

#include "chaosctl/table.h"

static char *value_text(const char *what, const json_t *value, char *buf, size_t size) {
        bool share = strcmp(what, "compliance") == 0 || strcmp(what, "spent") == 0;

        if (json_is_number(value))
                (void)snprintf(buf, size, share ? "%.4g %%" : "%.3g s", json_number_value(value) * (share ? 100 : 1));
        else if (json_is_boolean(value))
                (void)snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
        else
                (void)snprintf(buf, size, "%s", json_string_value(value) ?: "-");
        return buf;
}

static const char *row_name(const char *what) {
        return strcmp(what, "time_to_recover_s") == 0 ? "recovered in"
               : strcmp(what, "compliance") == 0      ? "good under fault"
               : strcmp(what, "spent") == 0           ? "budget spent"
                                                      : what;
}

static void say_all(struct cli *cli, const json_t *lines, enum term_style style) {
        const json_t *line;
        size_t i;

        json_array_foreach (lines, i, line)
                term_say(&cli->out, "%s%s%s", term_on(&cli->out, style), json_string_value(line) ?: "",
                         term_off(&cli->out));
}

int history_diff_print(struct cli *cli, const json_t *comparison) {
        static const char *const headings[] = { "SLO", "WHAT", "BEFORE", "AFTER", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        int exit_code = json_array_size(json_at(comparison, "regressions")) ? EXIT_FAIL : EXIT_PASS;
        const json_t *row;
        size_t i;

        if (cli->json)
                return cli_print_json(cli, comparison, exit_code);
        term_say(&cli->out, "%s%s%s  against  %s", term_on(&cli->out, STYLE_BOLD),
                 json_text_at(comparison, "after/id", ""), term_off(&cli->out),
                 json_text_at(comparison, "before/id", ""));
        if (!json_bool_at(comparison, "same_experiment", true))
                term_say(&cli->out, "These are runs of two experiments: compare with care.");

        json_array_foreach (json_at(comparison, "rows"), i, row) {
                const char *what = json_text_at(row, "what", "");
                char before[64], after[64];

                table_cell(t, STYLE_NONE, "%s", json_text_at(row, "slo", ""));
                table_cell(t, STYLE_NONE, "%s", row_name(what));
                table_cell(t, STYLE_NONE, "%s", value_text(what, json_at(row, "before"), before, sizeof(before)));
                table_cell(t, json_bool_at(row, "worse", false) ? STYLE_BAD : STYLE_NONE, "%s",
                           value_text(what, json_at(row, "after"), after, sizeof(after)));
        }
        if (table_print(t, &cli->out) < 0)
                return EXIT_ERROR;
        say_all(cli, json_at(comparison, "regressions"), STYLE_BAD);
        say_all(cli, json_at(comparison, "improvements"), STYLE_GOOD);
        return exit_code;
}
