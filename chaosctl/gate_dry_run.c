/* gate_dry_run.c — what a gate would run. The files alone say phases, faults and worst spend; only a daemon knows
 * targets and changes. */
#include "chaosctl/fault_view.h"
#include "chaosctl/gate.h"
#include "chaosctl/run_spent.h"
#include "core/units.h"
#include "experiments/model.h"
#include "experiments/run.h"

static bool daemon_answers(struct cli *cli) {
        struct err e = { 0 };
        int r = node_call(&cli->node, "GET", "/v1/capabilities", NULL, NULL, &e);

        if (r < 0 && !cli->quiet)
                term_say(&cli->log, "%s", e.msg);
        return r >= 0;
}

static void print_fault(struct cli *cli, const json_t *fault, bool has_daemon) {
        const char *error = json_text_at(fault, "error", "");

        (void)fprintf(cli->out.file, "  fault %s: %s, after %gs, for %gs%s\n", json_text_at(fault, "name", "?"),
                      json_text_at(fault, "kind", "?"), json_number_at(fault, "after_s", 0),
                      json_number_at(fault, "for_s", 0),
                      json_bool_at(fault, "irreversible", false) ? ", irreversible" : "");
        if (has_daemon && *error)
                (void)fprintf(cli->out.file, "    cannot be injected here: %s\n", error);
        else if (has_daemon)
                fault_view_plan(cli, json_object_get(fault, "plan"));
}

static void print_plan(struct cli *cli, const struct gate_file *f, const json_t *plan, bool has_daemon) {
        const json_t *item;
        size_t i;

        (void)fprintf(cli->out.file, "%s  service %s  (%s)\n ", f->x->name, f->x->service, f->path);
        json_array_foreach (json_object_get(plan, "phases"), i, item)
                (void)fprintf(cli->out.file, " %s %gs", json_text_at(item, "name", "?"),
                              json_number_at(item, "duration_s", 0));
        (void)fputc('\n', cli->out.file);
        json_array_foreach (json_object_get(plan, "slos"), i, item)
                (void)fprintf(cli->out.file, "  SLO %s: objective %.6g%%, expected %s, at worst %.3g%% of its budget\n",
                              json_text_at(item, "name", "?"), json_number_at(item, "objective", 0) * 100,
                              json_text_at(item, "expect", "met"), json_number_at(item, "worst_spend", 0) * 100);
        json_array_foreach (json_object_get(plan, "faults"), i, item)
                print_fault(cli, item, has_daemon);
        json_array_foreach (json_at(plan, "budget/reasons"), i, item)
                (void)fprintf(cli->out.file, "  budget: %s\n", json_string_value(item));
}

static bool is_refused(const json_t *plan, bool has_daemon) {
        const json_t *fault;
        size_t i;

        json_array_foreach (json_object_get(plan, "faults"), i, fault)
                if (has_daemon && *json_text_at(fault, "error", ""))
                        return true;
        return !json_bool_at(plan, "budget/ok", true);
}

/* Without a daemon each fault's error says only that there is none: that is said once. */
static void forget_errors(const json_t *plan) {
        const json_t *fault;
        size_t i;

        json_array_foreach (json_object_get(plan, "faults"), i, fault)
                (void)json_object_set_new((json_t *)fault, "error", json_null());
}

int gate_dry_run(struct cli *cli, const struct gate_files *files) {
        SCOPED(run_spent_closep) struct run_spent *spent = NULL;
        SCOPED_JSON json_t *plans = json_array(), *result = NULL;
        struct run_options o = { .node = &cli->node };
        bool has_daemon = daemon_answers(cli);
        char planned[UNITS_TEXT_SIZE];
        int code = EXIT_PASS;

        (void)run_spent_use(&o, &spent, NULL);
        for (size_t i = 0; i < files->n; i++) {
                json_t *plan = NULL;
                struct err e = { 0 };

                if (run_plan(files->files[i].x, &o, &plan, &e) < 0)
                        return cli_fail(cli, &e);
                if (is_refused(plan, has_daemon))
                        code = EXIT_ERROR;
                if (!has_daemon)
                        forget_errors(plan);
                (void)json_object_set_new(plan, "file", json_string(files->files[i].path));
                (void)json_array_append_new(plans, plan);
                if (!cli->json)
                        print_plan(cli, &files->files[i], plan, has_daemon);
        }
        if (cli->json) {
                result = json_pack("{s:b s:b s:f s:O}", "dry_run", 1, "targets_resolved", has_daemon, "planned_s",
                                   (double)gate_planned_us(files) / 1e6, "plans", plans);
                return cli_print_json(cli, result, code);
        }

        (void)fprintf(cli->out.file, "\n%zu experiment%s, planned for %s. ", files->n, files->n == 1 ? "" : "s",
                      units_format_duration(gate_planned_us(files), planned));
        (void)fprintf(cli->out.file,
                      has_daemon ? "Targets were resolved by the daemon. Nothing was changed.\n"
                                 : "No daemon was asked: targets are NOT resolved, and whether each fault can be "
                                   "injected is not known. Nothing was changed.\n");
        return code;
}
