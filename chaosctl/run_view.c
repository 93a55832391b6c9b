#include "chaosctl/run_view.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "chaosctl/fault_view.h"
#include "chaosctl/table.h"

#define SAY_EVERY_S 5.0 /* where there is no terminal */
#define LIVE_SPARK  16
#define FINAL_SPARK 40

/* 99.95 % stays readable, 100 % is only what is exactly that. */
static char *percent(double share, char *buf, size_t size) {
        if (isnan(share))
                (void)snprintf(buf, size, "no data");
        else if (share >= 1)
                (void)snprintf(buf, size, "100%%");
        else
                (void)snprintf(buf, size, share > 0.99 ? "%.2f%%" : "%.1f%%", floor(share * 1e5) / 1e3);
        return buf;
}

static char *latency(double us, char *buf, size_t size) {
        if (isnan(us))
                (void)snprintf(buf, size, "-");
        else if (us < 1000)
                (void)snprintf(buf, size, "%.0fus", us);
        else if (us < 1e6)
                (void)snprintf(buf, size, us < 1e4 ? "%.1fms" : "%.0fms", us / 1000);
        else
                (void)snprintf(buf, size, "%.2fs", us / 1e6);
        return buf;
}

static const char *spark(struct run_view *v, size_t i, size_t width, char *buf, size_t size) {
        return term_sparkline(&v->cli->log, v->slos[i].sli, v->slos[i].n, width, 0, 1, buf, size);
}

void run_view_phase_end(struct run_view *v) {
        struct term *t = &v->cli->log;

        if (!v->phase[0] || v->cli->quiet)
                return;
        for (size_t i = 0; i < v->n_slos; i++) {
                char sli[24], line[FINAL_SPARK * 4 + 1];

                term_say(t, "  %-24s %s%8s%s  %s", v->slos[i].name,
                         term_on(t, v->slos[i].inside ? STYLE_GOOD : STYLE_BAD),
                         percent(v->slos[i].phase_sli, sli, sizeof(sli)), term_off(t),
                         spark(v, i, FINAL_SPARK, line, sizeof(line)));
        }
        v->phase[0] = 0;
}

static void on_phase(const char *phase, double t_s, double planned_s, void *arg) {
        struct run_view *v = arg;
        struct term *t = &v->cli->log;

        run_view_phase_end(v);
        (void)snprintf(v->phase, sizeof(v->phase), "%s", phase);
        v->planned_s = planned_s;
        v->began_s = v->last_said_s = t_s;
        v->n_slos = 0;
        if (!v->cli->quiet)
                term_say(t, "%s%s%s  %s%.1f s%s", term_on(t, STYLE_BOLD), phase, term_off(t), term_on(t, STYLE_DIM),
                         planned_s, term_off(t));
}

static void keep(struct run_view *v, const struct run_now *now) {
        bool whole = now->t_s - v->began_s >= 0.99; /* else the last second began in the phase before */

        v->hits = now->hits;
        for (size_t i = 0; i < now->n_slos && i < RUN_VIEW_SLOS; i++) {
                const struct run_slo_now *slo = &now->slos[i];

                if (i >= v->n_slos) {
                        v->slos[i].n = 0;
                        (void)snprintf(v->slos[i].name, sizeof(v->slos[i].name), "%s", slo->name);
                        v->n_slos = i + 1;
                }
                if (whole && v->slos[i].n == RUN_VIEW_SECONDS) {
                        memmove(v->slos[i].sli, v->slos[i].sli + 1, (RUN_VIEW_SECONDS - 1) * sizeof(double));
                        v->slos[i].n--;
                }
                if (whole)
                        v->slos[i].sli[v->slos[i].n++] = slo->second_sli;
                v->slos[i].phase_sli = slo->phase_sli;
                v->slos[i].burn = slo->burn;
                v->slos[i].objective = slo->objective;
                v->slos[i].inside = slo->inside;
        }
}

/* "shop-latency 12.3% burn 88 ▇▁▁" for each SLO. */
static char *slo_text(struct run_view *v, bool with_spark, char *buf, size_t size) {
        const struct term *t = &v->cli->log;
        size_t used = 0;

        buf[0] = 0;
        for (size_t i = 0; i < v->n_slos && used < size; i++) {
                char sli[24], burn[24] = "", line[LIVE_SPARK * 4 + 1] = "";

                if (!isnan(v->slos[i].burn))
                        (void)snprintf(burn, sizeof(burn), " burn %.*f", v->slos[i].burn < 10 ? 1 : 0, v->slos[i].burn);
                used += (size_t)snprintf(buf + used, size - used, "  %s %s%s%s%s%s%s", v->slos[i].name,
                                         term_on(t, v->slos[i].inside ? STYLE_GOOD : STYLE_BAD),
                                         percent(v->slos[i].phase_sli, sli, sizeof(sli)), term_off(t), burn,
                                         with_spark ? " " : "",
                                         with_spark ? spark(v, i, LIVE_SPARK, line, sizeof(line)) : "");
        }
        return buf;
}

static void on_second(const struct run_now *now, void *arg) {
        struct run_view *v = arg;
        struct term *t = &v->cli->log;
        char slos[700], left[24], p99[24], hits[40] = "";

        keep(v, now);
        if (v->cli->quiet)
                return;
        (void)fault_view_span(now->phase_left_s * 1000, left, sizeof(left));
        (void)latency(now->p99_us, p99, sizeof(p99));
        if (now->faults_active || now->hits)
                (void)snprintf(hits, sizeof(hits), "  %" PRIu64 " hits", now->hits);
        if (t->is_tty) {
                term_live(t, "  %s left%s%s  %.0f/s p99 %s", left, slo_text(v, true, slos, sizeof(slos)), hits,
                          now->requests_per_s, p99);
        } else if (now->t_s - v->last_said_s >= SAY_EVERY_S) {
                v->last_said_s = now->t_s;
                term_say(t, "  %s left%s%s  %.0f/s p99 %s", left, slo_text(v, false, slos, sizeof(slos)), hits,
                         now->requests_per_s, p99);
        }
}

static void on_fault(const char *name, const char *what, const json_t *fault, const char *text, void *arg) {
        struct run_view *v = arg;
        struct term *t = &v->cli->log;
        bool bad = strcmp(what, "failed") == 0;
        char more[300] = "";

        if (v->cli->quiet && !bad)
                return;
        if (text && strcmp(text, json_text_at(fault, "backend", "")) == 0)
                text = NULL; /* said below */
        if (!bad && strcmp(what, "injected") != 0 && json_bool_at(fault, "irreversible", false)) {
                what = "is over"; /* nobody asked for it to be undone, whatever the daemon calls its end */
                text = NULL;
        }
        if (fault && strcmp(what, "injected") == 0)
                (void)snprintf(more, sizeof(more), " %s by %s in %.1f ms", json_text_at(fault, "kind", "?"),
                               json_text_at(fault, "backend", "?"), json_number_at(fault, "inject_ms", 0));
        else if (fault)
                (void)snprintf(more, sizeof(more), " after %" PRId64 " hits%s", json_int_at(fault, "evidence/hits", 0),
                               json_bool_at(fault, "irreversible", false)        ? ", irreversible"
                               : !json_is_object(json_object_get(fault, "undo")) ? ""
                               : json_bool_at(fault, "undo/ok", false)           ? ", undone"
                                                                                 : ", UNDO FAILED");
        term_say(t, "  %sfault %s %s%s%s%s%s", term_on(t, bad ? STYLE_BAD : STYLE_WARN), name, what, term_off(t), more,
                 text && *text ? ": " : "", text ? text : "");
}

static void on_abort(const char *reason, double t_s, void *arg) {
        struct run_view *v = arg;
        struct term *t = &v->cli->log;

        term_say(t, "%sABORT at %.1f s: %s%s", term_on(t, STYLE_BAD), t_s, reason, term_off(t));
}

static void on_note(const char *text, void *arg) {
        struct run_view *v = arg;
        struct term *t = &v->cli->log;

        term_say(t, "  %snote: %s%s", term_on(t, STYLE_WARN), text, term_off(t));
}

void run_view_init(struct run_view *v, struct cli *cli, struct run_observer *ret) {
        *v = (struct run_view){ .cli = cli };
        *ret = (struct run_observer){
                .arg = v,
                .on_phase = on_phase,
                .on_second = on_second,
                .on_fault = on_fault,
                .on_abort = on_abort,
                .on_note = on_note,
        };
}

static void phase_cell(struct table *t, const json_t *slo, const char *phase) {
        char path[64], text[24];
        double compliance, objective = json_number_at(slo, "objective", 1);

        (void)snprintf(path, sizeof(path), "phases/%s/compliance", phase);
        compliance = json_number_at(slo, path, NAN);
        table_cell(t,
                   isnan(compliance)         ? STYLE_DIM
                   : compliance >= objective ? STYLE_GOOD
                                             : STYLE_BAD,
                   "%s", percent(compliance, text, sizeof(text)));
}

static void print_slos(struct cli *cli, const json_t *record) {
        static const char *const headings[] = { "SLO",          "OBJECTIVE", "EXPECT",    "BASELINE",
                                                "FAULT",        "RECOVERY",  "PEAK BURN", "BUDGET SPENT",
                                                "RECOVERED IN", "HELD",      NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        const json_t *slo;
        size_t i;

        json_array_foreach (json_object_get(record, "slos"), i, slo) {
                double burn = json_number_at(slo, "burn/peak", NAN), spent = json_number_at(slo, "budget/spent", NAN);
                double recovered = json_number_at(slo, "time_to_recover_s", NAN);
                bool conclusive = json_bool_at(slo, "conclusive", false), held = json_bool_at(slo, "held", false);

                table_cell(t, STYLE_BOLD, "%s", json_text_at(slo, "name", "?"));
                table_cell(t, STYLE_NONE, "%.6g%%", json_number_at(slo, "objective", 0) * 100);
                table_cell(t, STYLE_NONE, "%s", json_text_at(slo, "expect", "met"));
                phase_cell(t, slo, "baseline");
                phase_cell(t, slo, "fault");
                phase_cell(t, slo, "recovery");
                table_cell(t, STYLE_NONE, isnan(burn) ? "-" : "%.1f", burn);
                table_cell(t, STYLE_NONE, isnan(spent) ? "-" : "%.3g%%", spent * 100);
                table_cell(t, STYLE_NONE, isnan(recovered) ? "-" : "%.1fs", recovered);
                table_cell(t,
                           !conclusive ? STYLE_WARN
                           : held      ? STYLE_GOOD
                                       : STYLE_BAD,
                           "%s",
                           !conclusive ? "unclear"
                           : held      ? "yes"
                                       : "no");
        }
        (void)fputc('\n', cli->out.file);
        (void)table_print(t, &cli->out);
}

static void print_faults(struct cli *cli, const json_t *record) {
        static const char *const headings[] = { "FAULT", "KIND", "BACKEND", "FROM", "TO", "HITS", "UNDO", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        const json_t *entry;
        size_t i;

        if (json_array_size(json_object_get(record, "faults")) == 0)
                return;
        json_array_foreach (json_object_get(record, "faults"), i, entry) {
                const json_t *fault = json_object_get(entry, "fault");
                double from = json_number_at(entry, "injected_s", NAN), to = json_number_at(entry, "reverted_s", NAN);
                int64_t hits = json_int_at(fault, "evidence/hits", 0);
                bool irreversible = json_bool_at(fault, "irreversible", false);
                bool has_undo = json_is_object(json_object_get(fault, "undo"));
                bool ok = json_bool_at(fault, "undo/ok", false);

                table_cell(t, STYLE_BOLD, "%s", json_text_at(entry, "name", "?"));
                table_cell(t, STYLE_NONE, "%s", json_text_at(fault, "kind", "?"));
                table_cell(t, STYLE_NONE, "%s", json_text_at(fault, "backend", "-"));
                table_cell(t, STYLE_NONE, isnan(from) ? "never" : "%.1fs", from);
                table_cell(t, STYLE_NONE, isnan(to) ? "-" : "%.1fs", to);
                table_cell(t, hits ? STYLE_GOOD : STYLE_WARN, "%" PRId64, hits);
                if (has_undo && !ok)
                        table_cell(t, STYLE_BAD, "%s", json_text_at(fault, "undo/error", "failed"));
                else if (has_undo && !irreversible)
                        table_cell(t, STYLE_GOOD, "%.1f ms", json_number_at(fault, "undo/ms", 0));
                else
                        table_cell(t, STYLE_DIM, irreversible ? "irreversible" : "-");
        }
        (void)fputc('\n', cli->out.file);
        (void)table_print(t, &cli->out);
}

void run_view_record(struct cli *cli, const json_t *record) {
        static const struct {
                const char *verdict;
                enum term_style style;
                const char *word;
        } words[] = {
                { "pass", STYLE_GOOD, "PASS" },
                { "fail", STYLE_BAD, "FAIL" },
                { "inconclusive", STYLE_WARN, "INCONCLUSIVE" },
                { "aborted", STYLE_BAD, "ABORTED" },
                { "error", STYLE_BAD, "ERROR" },
        };
        const char *verdict = json_text_at(record, "verdict/result", "?"), *word = verdict;
        const struct term *t = &cli->out;
        enum term_style style = STYLE_NONE;
        const json_t *item;
        size_t i;

        for (i = 0; i < ARRAY_SIZE(words); i++)
                if (strcmp(words[i].verdict, verdict) == 0) {
                        style = words[i].style;
                        word = words[i].word;
                }
        print_slos(cli, record);
        print_faults(cli, record);
        (void)fprintf(t->file, "\n%s%s%s%s  %s\n", term_on(t, STYLE_BOLD), term_on(t, style), word, term_off(t),
                      json_text_at(record, "experiment/name", "?"));
        json_array_foreach (json_at(record, "verdict/reasons"), i, item)
                (void)fprintf(t->file, "  %s\n", json_string_value(item));
        json_array_foreach (json_object_get(record, "findings"), i, item)
                (void)fprintf(t->file, "  finding (%s): %s\n", json_text_at(item, "severity", "?"),
                              json_text_at(item, "summary", "?"));
        if (!json_bool_at(record, "residue/clean", true)) {
                (void)fprintf(t->file, "%sRESIDUE LEFT%s\n", term_on(t, STYLE_BAD), term_off(t));
                json_array_foreach (json_at(record, "residue/left"), i, item)
                        (void)fprintf(t->file, "  %s\n",
                                      json_is_string(item) ? json_string_value(item) : json_text_at(item, "uid", "?"));
        }
}
