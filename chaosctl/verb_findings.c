/* chaosctl findings — what runs found, who mends it until when, and which risks were accepted. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chaosctl/cli.h"
#include "chaosctl/run_history.h"
#include "chaosctl/table.h"
#include "core/clock.h"
#include "core/suggest.h"
#include "core/units.h"
#include "scorecards/findings.h"

enum { OPT_SERVICE, OPT_ALL, OPT_REASON, OPT_UNTIL };

static const struct option_row options[] = {
        [OPT_SERVICE] = { "service", 's', "NAME", "list: only this service" },
        [OPT_ALL] = { "all", 'a', NULL, "list: closed ones too" },
        [OPT_REASON] = { "reason", 'r', "TEXT", "accept: why the risk is taken" },
        [OPT_UNTIL] = { "until", 'u', "DAY|DURATION", "accept: 2026-12-31, or 90d from now; at most 400 days" },
        { NULL },
};

#define ACCEPT_DAYS_MAX 400

struct context {
        struct cli *cli;
        const struct args *args;
        struct run_history *history;
        json_t *findings, *notes;
};

static int load(struct context *c, struct err *e) {
        SCOPED_JSON json_t *records = json_array();
        int r;

        r = run_history_open(NULL, &c->history, e);
        if (r == 0)
                r = run_history_digests(c->history, records, e);
        if (r == 0)
                r = run_history_notes(c->history, &c->notes, e);
        return r < 0 ? r : findings_compute(records, c->notes, clock_realtime_us(), &c->findings, e);
}

/* A finding by its id, or by the only id that has this text in it. */
static int find(const struct context *c, const char *text, json_t **ret, struct err *e) {
        json_t *f, *found = NULL;
        size_t i, n = 0;

        json_array_foreach (c->findings, i, f) {
                const char *id = json_text_at(f, "id", "");

                if (strcmp(id, text) == 0) {
                        *ret = f;
                        return 0;
                }
                if (strstr(id, text)) {
                        found = f;
                        n++;
                }
        }
        if (n != 1)
                return err_set(e, n ? -ENOTUNIQ : -ENOENT,
                               n ? "'%.100s' fits %zu findings; give more of the id" : "no finding fits '%.100s' (%zu)",
                               text, n);
        *ret = found;
        return 0;
}

static enum term_style severity_style(const char *severity) {
        return findings_rank(severity) < 2 ? STYLE_BAD : STYLE_WARN;
}

static bool is_wanted(const struct context *c, const json_t *f) {
        const char *service = c->args->value[OPT_SERVICE];

        if (service && strcmp(service, json_text_at(f, "service", "")) != 0)
                return false;
        return ARGS_HAS(c->args, OPT_ALL) || strcmp(json_text_at(f, "status", ""), "closed") != 0;
}

static int do_list(struct context *c, struct err *e) {
        static const char *const headings[] = { "FINDING", "SEVERITY", "STATUS", "OWNER", "DUE", "WHAT", NULL };
        SCOPED_TABLE struct table *t = table_new(headings);
        SCOPED_JSON json_t *wanted = json_array();
        json_t *f;
        size_t i;

        (void)e;
        json_array_foreach (c->findings, i, f)
                if (is_wanted(c, f))
                        (void)json_array_append(wanted, f);
        if (c->cli->json) {
                SCOPED_JSON json_t *result = json_pack("{s:O}", "findings", wanted);

                return cli_print_json(c->cli, result, EXIT_PASS);
        }
        if (json_array_size(wanted) == 0) {
                term_say(&c->cli->out, "No findings are open. Runs open them, and only passing runs close them.");
                return EXIT_PASS;
        }

        json_array_foreach (wanted, i, f) {
                const char *severity = json_text_at(f, "severity", "?"), *status = json_text_at(f, "status", "?");
                bool overdue = json_bool_at(f, "overdue", false);

                table_cell(t, STYLE_BOLD, "%s", json_text_at(f, "id", "?"));
                table_cell(t, severity_style(severity), "%s", severity);
                table_cell(t, STYLE_NONE, "%s", overdue ? "overdue" : status);
                table_cell(t, STYLE_NONE, "%s", json_text_at(f, "owner", "-"));
                table_cell(t, overdue ? STYLE_BAD : STYLE_NONE, "%.10s", json_text_at(f, "due", "-"));
                table_cell(t, STYLE_NONE, "%s", json_text_at(f, "summary", ""));
        }
        return table_print(t, &c->cli->out) < 0 ? EXIT_ERROR : EXIT_PASS;
}

static void say_line(struct context *c, const char *what, const char *text) {
        if (text && *text)
                term_say(&c->cli->out, "  %-15s %s", what, text);
}

static int show(struct context *c, const json_t *f) {
        static const char *const rows[][2] = {
                { "severity", "severity" },
                { "status", "status" },
                { "what", "summary" },
                { "evidence", "evidence" },
                { "what to do", "recommendation" },
                { "background", "docs" },
                { "owner", "owner" },
                { "due", "due" },
                { "opened", "opened" },
                { "last seen", "last_seen" },
                { "last run", "last_run" },
                { "closed", "closed" },
                { "closed by", "closed_by" },
                { "retest", "retest" },
                { "accepted", "accepted/reason" },
                { "until", "accepted/until" },
                { "by", "accepted/by" },
        };

        if (c->cli->json)
                return cli_print_json(c->cli, f, EXIT_PASS);
        term_say(&c->cli->out, "%s%s%s%s", term_on(&c->cli->out, STYLE_BOLD), json_text_at(f, "id", ""),
                 term_off(&c->cli->out), json_bool_at(f, "reopened", false) ? " (came back after it was closed)" : "");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                say_line(c, rows[i][0], json_text_at(f, rows[i][1], NULL));
        return EXIT_PASS;
}

static int do_show(struct context *c, struct err *e) {
        json_t *f = NULL;
        int r = find(c, c->args->operands[1], &f, e);

        return r < 0 ? r : show(c, f);
}

/* Puts one member into the note of a finding and shows the finding as it is now. Takes value. */
static int change(struct context *c, const json_t *f, const char *key, json_t *value, struct err *e) {
        const char *id = json_text_at(f, "id", "");
        SCOPED_JSON json_t *note =
                json_object_get(c->notes, id) ? json_copy(json_object_get(c->notes, id)) : json_object();
        SCOPED_JSON json_t *notes = json_object();
        SCOPED_JSON json_t *list = json_pack("[O]", f);
        int r;

        if (json_is_null(value))
                (void)json_object_del(note, key);
        (void)json_object_set_new(note, key, value);
        if (json_is_null(json_object_get(note, key)))
                (void)json_object_del(note, key);
        r = run_history_note(c->history, id, note, e);
        if (r < 0)
                return r;

        (void)json_object_set(notes, id, note);
        findings_overlay(list, notes, clock_realtime_us());
        return show(c, f);
}

static int find_open(struct context *c, json_t **ret, struct err *e) {
        int r = find(c, c->args->operands[1], ret, e);

        if (r == 0 && strcmp(json_text_at(*ret, "status", ""), "closed") == 0)
                return err_set(e, -EINVAL, "finding %s is closed: run %s closed it", json_text_at(*ret, "id", ""),
                               json_text_at(*ret, "closed_by", "?"));
        return r;
}

static int do_assign(struct context *c, struct err *e) {
        json_t *f = NULL;
        int r = find_open(c, &f, e);

        return r < 0 ? r : change(c, f, "owner", json_string(c->args->operands[2]), e);
}

/* "2026-12-31", or a duration from now, as a day. */
static int parse_day(const char *text, char ret[CLOCK_TEXT_SIZE], struct err *e) {
        uint64_t us;
        unsigned y, m, d;
        char rest;

        if (strlen(text) == 10 && sscanf(text, "%4u-%2u-%2u%c", &y, &m, &d, &rest) == 3 && m >= 1 && m <= 12 &&
            d >= 1 && d <= 31) {
                (void)snprintf(ret, CLOCK_TEXT_SIZE, "%s", text);
                return 0;
        }
        if (units_parse_duration(text, &us, NULL) < 0)
                return err_set(e, -EINVAL, "'%.40s' is neither a day (2026-12-31) nor a duration (90d)", text);
        (void)clock_format_utc(clock_realtime_us() + us, ret, CLOCK_TEXT_SIZE);
        ret[10] = 0;
        return 0;
}

static int do_due(struct context *c, struct err *e) {
        char day[CLOCK_TEXT_SIZE];
        json_t *f = NULL;
        int r;

        r = parse_day(c->args->operands[2], day, e);
        if (r == 0)
                r = find_open(c, &f, e);
        return r < 0 ? r : change(c, f, "due", json_string(day), e);
}

/* The account's name, or its number. */
static char *who(char ret[64]) {
        const struct passwd *p = getpwuid(getuid());

        if (p)
                (void)snprintf(ret, 64, "%.60s", p->pw_name);
        else
                (void)snprintf(ret, 64, "uid %u", (unsigned)getuid());
        return ret;
}

/* No risk is accepted for ever, nor without a reason, nor by nobody. */
static int do_accept(struct context *c, struct err *e) {
        const char *reason = c->args->value[OPT_REASON], *until = c->args->value[OPT_UNTIL];
        char day[CLOCK_TEXT_SIZE], now[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
        char name[64];
        json_t *f = NULL;
        int r;

        if (!reason || strlen(reason) < 3 || !until)
                return err_set(e, -EINVAL, "accepting a risk needs --reason TEXT and --until DAY|DURATION");
        r = parse_day(until, day, e);
        if (r < 0)
                return r;
        (void)clock_format_utc(clock_realtime_us(), now, sizeof(now));
        (void)clock_format_utc(clock_realtime_us() + ACCEPT_DAYS_MAX * 86400ULL * USEC_PER_SEC, last, sizeof(last));
        if (strncmp(day, now, 10) < 0 || strncmp(day, last, 10) > 0)
                return err_set(e, -ERANGE, "a risk is accepted until a day between %.10s and %.10s", now, last);

        r = find_open(c, &f, e);
        if (r < 0)
                return r;
        return change(c, f, "accepted",
                      json_pack("{s:s s:s s:s s:s}", "reason", reason, "until", day, "by", who(name), "at", now), e);
}

static int do_reopen(struct context *c, struct err *e) {
        json_t *f = NULL;
        int r = find_open(c, &f, e);

        if (r < 0)
                return r;
        (void)json_object_del(f, "accepted");
        (void)json_object_set_new(f, "status", json_string("open"));
        return change(c, f, "accepted", json_null(), e);
}

static const struct action {
        const char *name;
        unsigned args; /* behind the action's name */
        const char *takes;
        int (*run)(struct context *c, struct err *e);
} actions[] = {
        { "list", 0, "no arguments", do_list },
        { "show", 1, "a finding", do_show },
        { "assign", 2, "a finding and an owner", do_assign },
        { "due", 2, "a finding and a day or duration", do_due },
        { "accept", 1, "a finding, --reason and --until", do_accept },
        { "reopen", 1, "a finding whose risk was accepted", do_reopen },
};

static const char *const words[] = { "list", "show", "assign", "due", "accept", "reopen", NULL };

static void context_done(struct context *c) {
        run_history_close(c->history);
        json_decref(c->findings);
        json_decref(c->notes);
}

static int run(struct cli *cli, const struct args *args) {
        const char *name = args->n_operands ? args->operands[0] : "list", *nearest;
        SCOPED(context_done) struct context c = { .cli = cli, .args = args };
        const struct action *action = NULL;
        struct err e = { 0 };
        size_t n = args->n_operands ? args->n_operands - 1 : 0;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
                if (strcmp(actions[i].name, name) == 0)
                        action = &actions[i];
        nearest = suggest_word(name, words, ARRAY_SIZE(words) - 1);
        if (!action)
                return cli_usage(cli, &verb_findings, "findings cannot '%.40s'%s%s%s", name,
                                 nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        if (n != action->args)
                return cli_usage(cli, &verb_findings, "findings %s takes %s", name, action->takes);

        r = load(&c, &e);
        if (r == 0)
                r = action->run(&c, &e);
        return r < 0 ? cli_fail(cli, &e) : r;
}

const struct verb verb_findings = {
        .name = "findings",
        .args = "[list | show ID | assign ID OWNER | due ID DAY | accept ID | reopen ID]",
        .summary = "What runs found: who mends it until when, and which risks were accepted",
        .about = "Runs open findings, and only a passing run of the same experiment closes one. A finding is named by "
                 "any part of its\n"
                 "id that fits no other. An accepted risk stays in every list until its day has passed, and is open "
                 "again then;\n"
                 "it changes no grade.",
        .options = options,
        .max_args = 3,
        .operand = OPERAND_WORD,
        .words = words,
        .examples =
                (const struct verb_example[]){
                        { "findings", "what is open" },
                        { "findings show shop/shop-latency/slow-upstream", "everything about one" },
                        { "findings assign slow-upstream ana", "ana mends it" },
                        { "findings due slow-upstream 30d", "within thirty days" },
                        { "findings accept slow-upstream --reason 'replaced in March' --until 2027-03-31",
                          "live with it for a while" },
                        { NULL },
                },
        .run = run,
};
