#include "chaosctl/fault_view.h"

#include <inttypes.h>
#include <string.h>

#include "chaosctl/table.h"

static size_t append(char *buf, size_t size, size_t used, const char *text) {
        int n;

        if (used >= size)
                return used;
        n = snprintf(buf + used, size - used, "%s", text);
        return n < 0 ? used : used + (size_t)n < size ? used + (size_t)n : size - 1;
}

static size_t append_value(char *buf, size_t size, size_t used, const json_t *value);

static bool says_nothing(const json_t *value) {
        return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
               (json_is_object(value) && json_object_size(value) == 0);
}

/* "key value, key value"; of a resolved object its type comes first: "interface netns shop-front, name up0". */
static size_t append_object(char *buf, size_t size, size_t used, const json_t *value) {
        const json_t *type = json_object_get(value, "type");
        const char *key, *gap = "";
        json_t *item;

        if (json_is_string(type)) {
                used = append(buf, size, used, json_string_value(type));
                gap = " ";
        }
        json_object_foreach ((json_t *)value, key, item) {
                if (item == type || says_nothing(item))
                        continue;
                used = append(buf, size, used, gap);
                used = append(buf, size, used, key);
                used = append(buf, size, used, " ");
                used = append_value(buf, size, used, item);
                gap = ", ";
        }
        return used;
}

/* Depth-first: "key value" for scalars, "key a,b" for lists, the members of objects behind their name. */
static size_t append_value(char *buf, size_t size, size_t used, const json_t *value) {
        char number[40];
        json_t *item;
        size_t i;

        switch (json_typeof(value)) {
        case JSON_STRING:
                return append(buf, size, used, json_string_value(value));
        case JSON_INTEGER:
                (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
                return append(buf, size, used, number);
        case JSON_REAL:
                (void)snprintf(number, sizeof(number), "%g", json_real_value(value));
                return append(buf, size, used, number);
        case JSON_TRUE:
                return append(buf, size, used, "yes");
        case JSON_FALSE:
                return append(buf, size, used, "no");
        case JSON_ARRAY:
                json_array_foreach ((json_t *)value, i, item) {
                        used = append(buf, size, used, i ? "," : "");
                        used = append_value(buf, size, used, item);
                }
                return used;
        case JSON_OBJECT:
                return append_object(buf, size, used, value);
        case JSON_NULL:
                break;
        }
        return used;
}

static char *describe(const json_t *fault, const char *key, char *buf, size_t size) {
        const json_t *value = json_object_get(fault, key);

        buf[0] = 0;
        if (value)
                (void)append_value(buf, size, 0, value);
        if (!buf[0])
                (void)snprintf(buf, size, "-");
        return buf;
}

char *fault_view_target(const json_t *fault, char *buf, size_t size) {
        return describe(fault, "target", buf, size);
}

char *fault_view_params(const json_t *fault, char *buf, size_t size) {
        return describe(fault, "params", buf, size);
}

char *fault_view_span(double ms, char *buf, size_t size) {
        unsigned long s = (unsigned long)(ms / 1000 + 0.5);

        if (ms < 0)
                ms = 0;
        if (ms < 10000)
                (void)snprintf(buf, size, "%.1fs", ms / 1000);
        else if (s < 60)
                (void)snprintf(buf, size, "%lus", s);
        else if (s < 3600)
                (void)snprintf(buf, size, "%lum%02lus", s / 60, s % 60);
        else
                (void)snprintf(buf, size, "%luh%02lum", s / 3600, s % 3600 / 60);
        return buf;
}

enum term_style fault_view_state_style(const char *state) {
        static const struct {
                const char *state;
                enum term_style style;
        } styles[] = {
                { "active", STYLE_WARN }, { "injecting", STYLE_INFO }, { "reverting", STYLE_INFO },
                { "gone", STYLE_DIM },    { "failed", STYLE_BAD },
        };

        for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
                if (strcmp(styles[i].state, state) == 0)
                        return styles[i].style;
        return STYLE_NONE;
}

bool fault_view_is_over(const json_t *fault) {
        const char *state = json_text_at(fault, "state", "");

        return strcmp(state, "gone") == 0 || strcmp(state, "failed") == 0;
}

int fault_view_list(struct cli *cli, const json_t *faults) {
        static const char *const headings[] = { "UID", "KIND", "STATE", "LEFT", "HITS", "BACKEND", "TARGET", NULL };
        SCOPED_TABLE struct table *t = NULL;
        const json_t *fault;
        size_t i;

        if (json_array_size(faults) == 0) {
                term_say(&cli->out, "No faults.");
                return EXIT_PASS;
        }

        t = table_new(headings);
        json_array_foreach ((json_t *)faults, i, fault) {
                const char *state = json_text_at(fault, "state", "?");
                char target[512], left[32] = "-";

                if (!fault_view_is_over(fault))
                        (void)fault_view_span(json_number_at(fault, "remaining_ms", 0), left, sizeof(left));
                table_cell(t, STYLE_NONE, "%s", json_text_at(fault, "uid", "?"));
                table_cell(t, STYLE_BOLD, "%s", json_text_at(fault, "kind", "?"));
                table_cell(t, fault_view_state_style(state), "%s", state);
                table_cell(t, STYLE_NONE, "%s", left);
                table_cell(t, STYLE_NONE, "%" PRId64, json_int_at(fault, "evidence/hits", 0));
                table_cell(t, STYLE_NONE, "%s", json_text_at(fault, "backend", "-"));
                table_cell(t, STYLE_NONE, "%s", fault_view_target(fault, target, sizeof(target)));
        }
        return table_print(t, &cli->out) < 0 ? EXIT_ERROR : EXIT_PASS;
}

/* Names of programs and files come from the processes that were found: no terminal tricks. */
static void line(const struct term *t, const char *label, const char *text) {
        (void)fprintf(t->file, "%s%-12s%s ", term_on(t, STYLE_DIM), label, term_off(t));
        for (; *text; text++)
                (void)fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, t->file);
        (void)fputc('\n', t->file);
}

static void print_list(const struct term *t, const char *label, const json_t *list) {
        const json_t *item;
        size_t i;

        json_array_foreach ((json_t *)list, i, item) {
                char text[512] = "";

                (void)append_value(text, sizeof(text), 0, item);
                line(t, i ? "" : label, text);
        }
}

static void print_evidence(const struct term *t, const json_t *fault) {
        const json_t *verified = json_at(fault, "evidence/verified");
        const json_t *counter;
        char text[256];
        size_t i;

        (void)snprintf(text, sizeof(text), "%" PRId64 " hits, %s", json_int_at(fault, "evidence/hits", 0),
                       json_is_true(verified)    ? "verified"
                       : json_is_false(verified) ? "NOT verified"
                                                 : "cannot be verified");
        line(t, "evidence", text);
        json_array_foreach (json_at(fault, "evidence/counters"), i, counter) {
                const char *name = json_text_at(counter, "name", "?"), *unit = json_text_at(counter, "unit", "");

                (void)snprintf(text, sizeof(text), "  %-24s %10" PRId64 " %s", name, json_int_at(counter, "value", 0),
                               strcmp(name, unit) == 0 ? "" : unit);
                line(t, "", text);
        }
        if (*json_text_at(fault, "evidence/note", ""))
                line(t, "", json_text_at(fault, "evidence/note", ""));
}

void fault_view_whole(struct cli *cli, const json_t *fault) {
        static const char *const keys[][2] = {
                { "kind", "kind" },
                { "name", "name" },
                { "experiment", "experiment" },
                { "backend", "backend" },
                { "because", "backend_reason" },
                { "created", "created" },
                { "injected", "injected" },
                { "reverted", "reverted" },
                { "reason", "reason" },
        };
        const struct term *t = &cli->out;
        const char *state = json_text_at(fault, "state", "?");
        char text[1024];

        (void)fprintf(t->file, "%s%s%s  %s%s%s\n", term_on(t, STYLE_BOLD), json_text_at(fault, "uid", "?"), term_off(t),
                      term_on(t, fault_view_state_style(state)), state, term_off(t));
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (*json_text_at(fault, keys[i][1], ""))
                        line(t, keys[i][0], json_text_at(fault, keys[i][1], ""));
        line(t, "target", fault_view_target(fault, text, sizeof(text)));
        print_list(t, "resolved", json_object_get(fault, "resolved"));
        line(t, "params", fault_view_params(fault, text, sizeof(text)));
        print_list(t, "plan", json_object_get(fault, "plan"));
        if (json_bool_at(fault, "irreversible", false))
                line(t, "irreversible", "nothing can be undone");
        if (!fault_view_is_over(fault))
                line(t, "left", fault_view_span(json_number_at(fault, "remaining_ms", 0), text, sizeof(text)));
        print_evidence(t, fault);
        if (json_is_object(json_object_get(fault, "undo"))) {
                (void)snprintf(text, sizeof(text), "%s in %.1f ms%s%s",
                               json_bool_at(fault, "undo/ok", false) ? "done" : "FAILED",
                               json_number_at(fault, "undo/ms", 0), *json_text_at(fault, "undo/error", "") ? ": " : "",
                               json_text_at(fault, "undo/error", ""));
                line(t, "undo", text);
        }
}

void fault_view_plan(struct cli *cli, const json_t *plan) {
        const struct term *t = &cli->out;
        char text[1024];

        line(t, "kind", json_text_at(plan, "kind", "?"));
        (void)snprintf(text, sizeof(text), "%s%s%s", json_text_at(plan, "backend", "?"),
                       *json_text_at(plan, "backend_reason", "") ? ": " : "", json_text_at(plan, "backend_reason", ""));
        line(t, "backend", text);
        print_list(t, "resolved", json_object_get(plan, "resolved"));
        line(t, "params", fault_view_params(plan, text, sizeof(text)));
        print_list(t, "would do", json_object_get(plan, "plan"));
        if (json_bool_at(plan, "irreversible", false))
                line(t, "irreversible", "nothing of it can be undone");
}

int fault_view_verdict(const json_t *fault, const char **ret_word) {
        static const char *const early[] = { "halt", "shutdown", "requested", "recovered", "lease" };
        const char *reason = json_text_at(fault, "reason", "");
        int code = EXIT_PASS;

        *ret_word = "done";
        if (json_int_at(fault, "evidence/hits", 0) == 0 || json_is_false(json_at(fault, "evidence/verified"))) {
                *ret_word = "inconclusive";
                code = EXIT_INCONCLUSIVE;
        }
        for (size_t i = 0; i < ARRAY_SIZE(early); i++)
                if (strcmp(reason, early[i]) == 0) {
                        *ret_word = "aborted";
                        code = EXIT_ABORTED;
                }
        if (strcmp(json_text_at(fault, "state", ""), "failed") == 0 ||
            (json_is_object(json_object_get(fault, "undo")) && !json_bool_at(fault, "undo/ok", false))) {
                *ret_word = "residue";
                code = EXIT_RESIDUE;
        }
        return code;
}

static void say_undo(struct term *t, const json_t *fault) {
        const char *word;

        if (json_bool_at(fault, "irreversible", false) && fault_view_verdict(fault, &word) != EXIT_RESIDUE)
                term_say(t, "Irreversible: there was nothing to undo.");
        else if (json_bool_at(fault, "undo/ok", false))
                term_say(t, "Undone in %.1f ms (%s).", json_number_at(fault, "undo/ms", 0),
                         json_text_at(fault, "reason", "ended"));
        else
                term_say(t,
                         "%sRESIDUE: the undo failed: %s%s. chaosd tries again every second; see `chaosctl status %s`.",
                         term_on(t, STYLE_BAD), json_text_at(fault, "undo/error", "no reason given"), term_off(t),
                         json_text_at(fault, "uid", ""));
}

void fault_view_ending(struct term *t, const json_t *fault) {
        const json_t *verified = json_at(fault, "evidence/verified");
        int64_t hits = json_int_at(fault, "evidence/hits", 0);
        const char *note = json_text_at(fault, "evidence/note", "");

        term_say(t, "%s%s%s: %s%" PRId64 " %s%s%s%s", term_on(t, STYLE_BOLD), json_text_at(fault, "kind", "?"),
                 term_off(t), term_on(t, hits > 0 ? STYLE_GOOD : STYLE_WARN), hits, hits == 1 ? "hit" : "hits",
                 term_off(t),
                 json_is_true(verified)    ? ", verified"
                 : json_is_false(verified) ? ", NOT verified"
                                           : "",
                 json_bool_at(fault, "irreversible", false) ? ", irreversible" : "");
        if (hits == 0 || json_is_false(verified))
                term_say(t, "%sINCONCLUSIVE: %s%s%s%s", term_on(t, STYLE_WARN),
                         hits == 0 ? "nothing met the fault" : "the effect was not there at the end", term_off(t),
                         *note ? ": " : ".", note);
        say_undo(t, fault);
}
