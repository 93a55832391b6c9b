#include "faults/sys/launcher/report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

struct call_counts report_sum(const struct supervise_plan *plan, const struct supervise_result *result, size_t rule) {
        struct call_counts sum = { 0 };

        for (size_t c = 0; c < plan->rules[rule].n_calls; c++) {
                sum.matched += result->counts[rule][c].matched;
                sum.injected += result->counts[rule][c].injected;
                sum.passed += result->counts[rule][c].passed;
        }
        return sum;
}

static json_t *counts_to_json(const char *key, const char *name, const struct call_counts *c) {
        return json_pack("{s:s s:I s:I s:I}", key, name, "matched", (json_int_t)c->matched, "injected",
                         (json_int_t)c->injected, "passed", (json_int_t)c->passed);
}

static json_t *rule_to_json(const struct supervise_plan *plan, const struct supervise_result *result, size_t rule) {
        struct call_counts sum = report_sum(plan, result, rule);
        json_t *out = counts_to_json("fault", plan->rules[rule].text, &sum);
        json_t *calls = json_array();

        for (size_t c = 0; c < plan->rules[rule].n_calls; c++)
                if (result->counts[rule][c].matched)
                        (void)json_array_append_new(
                                calls, counts_to_json("syscall", plan->rules[rule].calls[c], &result->counts[rule][c]));
        (void)json_object_set_new(out, "calls", calls);
        return out;
}

/* An argument may be any bytes; JSON is UTF-8. What is not becomes question marks. */
static json_t *argument_to_json(const char *argument) {
        SCOPED_FREE char *plain = NULL;
        json_t *text = json_string(argument);

        if (text)
                return text;

        plain = strdup(argument);
        for (char *p = plain; p && *p; p++)
                if ((unsigned char)*p >= 0x80)
                        *p = '?';
        return json_string(plain ? plain : "");
}

json_t *report_json(char *const *argv, const struct supervise_plan *plan, const struct supervise_result *result) {
        json_t *command = json_array(), *rules = json_array(), *status;
        char seed[24]; /* 64 bits without sign: text, for JSON numbers are not */
        uint64_t hits = 0;

        for (size_t i = 0; argv[i]; i++)
                (void)json_array_append_new(command, argument_to_json(argv[i]));
        for (size_t i = 0; i < plan->n_rules; i++) {
                hits += report_sum(plan, result, i).injected;
                (void)json_array_append_new(rules, rule_to_json(plan, result, i));
        }
        status = WIFSIGNALED(result->wait_status) ? json_pack("{s:i}", "signal", WTERMSIG(result->wait_status))
                                                  : json_pack("{s:i}", "exit", WEXITSTATUS(result->wait_status));
        (void)snprintf(seed, sizeof(seed), "%" PRIu64, plan->seed);
        return json_pack("{s:s s:o s:s s:I s:o s:b s:b s:b s:I s:I s:o}", "schema", "chaosd/exec/v1", "command",
                         command, "seed", seed, "for_us", (json_int_t)plan->for_us, "status", status, "interrupted",
                         result->interrupted, "deadline_passed", result->deadline_passed, "survivors",
                         result->survivors, "calls_asked", (json_int_t)result->asked, "hits", (json_int_t)hits, "rules",
                         rules);
}

static void print_rule(FILE *out, const struct sys_rule *r, const struct call_counts *sum) {
        (void)fprintf(out, "chaos-exec: %s: matched %" PRIu64 " calls", r->text, sum->matched);
        if (!sum->matched)
                (void)fprintf(out, ": nothing was injected\n");
        else if (!sum->injected)
                (void)fprintf(out,
                              ", but injected none: no call was one that when=, probability= and the time picked\n");
        else
                (void)fprintf(out, ", injected %" PRIu64 ", passed %" PRIu64 "\n", sum->injected, sum->passed);
}

void report_lines(FILE *out, bool all, const struct supervise_plan *plan, const struct supervise_result *result) {
        for (size_t i = 0; i < plan->n_rules; i++) {
                struct call_counts sum = report_sum(plan, result, i);

                if (all || !sum.injected)
                        print_rule(out, &plan->rules[i], &sum);
        }
        if (result->survivors)
                (void)fprintf(
                        out, "chaos-exec: the command left processes behind: their calls pass, a guard answers them\n");
}
