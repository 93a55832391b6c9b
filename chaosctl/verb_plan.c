/* chaosctl plan FILE — every target and every change that a run would make. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "chaosctl/cli.h"
#include "chaosctl/fault_view.h"
#include "chaosctl/run_spent.h"
#include "chaosctl/table.h"
#include "experiments/model.h"
#include "experiments/run.h"

static void heading(const struct term *t, const char *text) {
        (void)fprintf(t->file, "\n%s%s%s\n", term_on(t, STYLE_BOLD), text, term_off(t));
}

static void print_slos(struct cli *cli, const json_t *plan) {
        static const char *const headings[] = { "SLO", "OBJECTIVE", "EXPECT", "PROJECTED SPEND", "AT WORST", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        const json_t *slo;
        size_t i;

        json_array_foreach (json_object_get(plan, "slos"), i, slo) {
                double likely = json_number_at(slo, "projected_spend", NAN),
                       worst = json_number_at(slo, "worst_spend", NAN);

                table_cell(t, STYLE_BOLD, "%s", json_text_at(slo, "name", "?"));
                table_cell(t, STYLE_NONE, "%.6g%%", json_number_at(slo, "objective", 0) * 100);
                table_cell(t, STYLE_NONE, "%s", json_text_at(slo, "expect", "met"));
                table_cell(t, STYLE_NONE, isnan(likely) ? "-" : "%.3g%%", likely * 100);
                table_cell(t, STYLE_NONE, isnan(worst) ? "-" : "%.3g%%", worst * 100);
        }
        heading(&cli->out, "SLOs, and how much of their error budget this may cost");
        (void)table_print(t, &cli->out);
}

static size_t print_faults(struct cli *cli, const json_t *plan) {
        const struct term *t = &cli->out;
        size_t i, n_failed = 0;
        const json_t *fault;

        json_array_foreach (json_object_get(plan, "faults"), i, fault) {
                const char *error = json_text_at(fault, "error", "");
                char title[300];

                (void)snprintf(title, sizeof(title), "Fault %s: %s, after %gs, for %gs",
                               json_text_at(fault, "name", "?"), json_text_at(fault, "kind", "?"),
                               json_number_at(fault, "after_s", 0), json_number_at(fault, "for_s", 0));
                heading(t, title);
                if (*error) {
                        n_failed++;
                        (void)fprintf(t->file, "%scannot be planned: %s%s\n", term_on(t, STYLE_BAD), error,
                                      term_off(t));
                        continue;
                }
                fault_view_plan(cli, json_object_get(fault, "plan"));
        }
        return n_failed;
}

static bool print_budget(struct cli *cli, const json_t *plan) {
        bool ok = json_bool_at(plan, "budget/ok", true);
        const struct term *t = &cli->out;
        const json_t *reason;
        size_t i;

        heading(t, "Error budget");
        (void)fprintf(t->file, "%s%s%s\n", term_on(t, ok ? STYLE_GOOD : STYLE_BAD),
                      ok ? "allows this run" : "refuses this run", term_off(t));
        json_array_foreach (json_at(plan, "budget/reasons"), i, reason)
                (void)fprintf(t->file, "  %s\n", json_string_value(reason));
        return ok;
}

static int print_plan(struct cli *cli, const json_t *plan) {
        const struct term *t = &cli->out;
        const json_t *phase;
        size_t i, n_failed;
        bool ok;

        (void)fprintf(t->file, "%s%s%s  service %s\n", term_on(t, STYLE_BOLD), json_text_at(plan, "experiment", "?"),
                      term_off(t), json_text_at(plan, "service", "-"));
        json_array_foreach (json_object_get(plan, "phases"), i, phase)
                (void)fprintf(t->file, "%s%s %gs", i ? " → " : "", json_text_at(phase, "name", "?"),
                              json_number_at(phase, "duration_s", 0));
        (void)fputc('\n', t->file);
        print_slos(cli, plan);
        n_failed = print_faults(cli, plan);
        ok = print_budget(cli, plan);
        (void)fprintf(t->file, "\nNothing was changed.\n");
        return ok && n_failed == 0 ? EXIT_PASS : EXIT_ERROR;
}

static int json_code(const json_t *plan) {
        int code = json_bool_at(plan, "budget/ok", true) ? EXIT_PASS : EXIT_ERROR;
        const json_t *fault;
        size_t i;

        json_array_foreach (json_object_get(plan, "faults"), i, fault)
                if (*json_text_at(fault, "error", ""))
                        code = EXIT_ERROR;
        return code;
}

static int run(struct cli *cli, const struct args *args) {
        SCOPED(run_spent_closep) struct run_spent *spent = NULL;
        SCOPED(experiment_freep) struct experiment *x = NULL;
        SCOPED_JSON json_t *plan = NULL;
        struct run_options o = { .node = &cli->node };
        struct err e = { 0 };

        if (experiment_load(args->operands[0], &x, &e) < 0)
                return cli_fail_as(cli, &e, EXIT_USAGE);
        (void)run_spent_use(&o, &spent, NULL);
        if (run_plan(x, &o, &plan, &e) < 0)
                return cli_fail(cli, &e);
        return cli->json ? cli_print_json(cli, plan, json_code(plan)) : print_plan(cli, plan);
}

const struct verb verb_plan = {
        .name = "plan",
        .args = "FILE",
        .summary = "Every target and every change that an experiment would make; changes nothing",
        .about = "Exit 5 when a fault could not be injected here or the error budget refuses the run.",
        .min_args = 1,
        .max_args = 1,
        .operand = OPERAND_FILE,
        .examples = (const struct verb_example[]){ { "plan slow-upstream.yaml", "before the first run" }, { NULL } },
        .run = run,
};
