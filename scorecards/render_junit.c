/* render_junit.c — run records as JUnit XML: one test suite for each run, one test case for each SLO and one for the
 * verdict. docs/scorecards.md says what becomes failure, error and skipped, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scorecards/render.h"

/* XML 1.0 has no form for most control characters: they are dropped. */
static void put(const char *text, FILE *out) {
        static const char *const escapes[128] = {
                ['&'] = "&amp;",   ['<'] = "&lt;",   ['>'] = "&gt;",  ['"'] = "&quot;",
                ['\''] = "&apos;", ['\n'] = "&#10;", ['\t'] = "&#9;",
        };

        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c < 128 && escapes[c])
                        (void)fputs(escapes[c], out);
                else if (c >= ' ' && c != 127)
                        (void)fputc(c, out);
        }
}

static void put_attribute(const char *name, const char *value, FILE *out) {
        (void)fprintf(out, " %s=\"", name);
        put(value, out);
        (void)fputc('"', out);
}

enum outcome { PASSED, FAILED, BROKEN, SKIPPED };

static const char *const outcome_elements[] = { [FAILED] = "failure", [BROKEN] = "error", [SKIPPED] = "skipped" };

/* An SLO that nobody could judge is skipped: the verdict's case is red for it, once for the run. */
static enum outcome slo_outcome(const json_t *record, const json_t *slo) {
        const char *verdict = json_text_at(record, "verdict/result", "");
        bool held = json_bool_at(slo, "held", false), conclusive = json_bool_at(slo, "conclusive", false);

        if (!conclusive || strcmp(verdict, "inconclusive") == 0 || strcmp(verdict, "error") == 0)
                return SKIPPED;
        if (!held)
                return FAILED;
        return strcmp(verdict, "aborted") == 0 ? SKIPPED : PASSED;
}

static enum outcome verdict_outcome(const char *verdict) {
        if (strcmp(verdict, "pass") == 0)
                return PASSED;
        return strcmp(verdict, "fail") == 0 || strcmp(verdict, "aborted") == 0 ? FAILED : BROKEN;
}

static void put_case(const json_t *record, const char *name, double time_s, enum outcome outcome, const char *type,
                     const char *message, FILE *out) {
        (void)fputs("    <testcase", out);
        put_attribute("name", name, out);
        (void)fputs(" classname=\"", out);
        put(json_text_at(record, "experiment/service", ""), out);
        (void)fputc('.', out);
        put(json_text_at(record, "experiment/name", ""), out);
        (void)fprintf(out, "\" time=\"%.3f\"", time_s);
        if (outcome == PASSED) {
                (void)fputs("/>\n", out);
                return;
        }
        (void)fprintf(out, ">\n      <%s", outcome_elements[outcome]);
        put_attribute("message", message, out);
        if (outcome != SKIPPED)
                put_attribute("type", type, out);
        (void)fputs("/>\n    </testcase>\n", out);
}

static void put_slo(const json_t *record, const json_t *slo, FILE *out) {
        enum outcome outcome = slo_outcome(record, slo);
        char name[256], message[400];

        (void)snprintf(name, sizeof(name), "SLO %s: %s", json_text_at(slo, "name", ""),
                       json_text_at(slo, "expect", "met"));
        (void)snprintf(message, sizeof(message), "%s%s", outcome == SKIPPED ? "not judged: " : "",
                       outcome != SKIPPED                        ? json_text_at(slo, "reason", "did not hold")
                       : !json_bool_at(slo, "conclusive", false) ? json_text_at(slo, "reason", "too few samples")
                                                                 : json_text_at(record, "verdict/reasons/0", ""));
        put_case(record, name, json_number_at(record, "duration_s", 0), outcome, "slo", message, out);
}

static void put_verdict(const json_t *record, FILE *out) {
        const char *verdict = json_text_at(record, "verdict/result", "error");
        char message[600] = "";
        const json_t *reason;
        size_t used = 0, i;

        json_array_foreach (json_at(record, "verdict/reasons"), i, reason) {
                int n = snprintf(message + used, sizeof(message) - used, "%s%s", i ? "; " : "",
                                 json_string_value(reason) ?: "");

                if (n < 0 || (size_t)n >= sizeof(message) - used)
                        break;
                used += (size_t)n;
        }
        put_case(record, "verdict", json_number_at(record, "duration_s", 0), verdict_outcome(verdict), verdict, message,
                 out);
}

static void put_properties(const json_t *record, FILE *out) {
        static const char *const texts[][2] = {
                { "run", "id" },
                { "service", "experiment/service" },
                { "owner", "experiment/owner" },
                { "file", "experiment/file" },
                { "verdict", "verdict/result" },
        };

        (void)fputs("    <properties>\n", out);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                (void)fprintf(out, "      <property name=\"%s\"", texts[i][0]);
                put_attribute("value", json_text_at(record, texts[i][1], ""), out);
                (void)fputs("/>\n", out);
        }
        (void)fprintf(out, "      <property name=\"evidence_hits\" value=\"%" PRId64 "\"/>\n    </properties>\n",
                      json_int_at(record, "verdict/evidence_hits", 0));
}

struct counts {
        unsigned tests, of[SKIPPED + 1];
};

static void count(struct counts *c, enum outcome outcome) {
        c->tests++;
        c->of[outcome]++;
}

static struct counts count_run(const json_t *record) {
        struct counts c = { 0 };
        const json_t *slo;
        size_t i;

        json_array_foreach (json_at(record, "slos"), i, slo)
                count(&c, slo_outcome(record, slo));
        count(&c, verdict_outcome(json_text_at(record, "verdict/result", "error")));
        return c;
}

static void put_counts(const struct counts *c, double time_s, FILE *out) {
        (void)fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\"", c->tests,
                      c->of[FAILED], c->of[BROKEN], c->of[SKIPPED], time_s);
}

static void put_suite(const json_t *record, FILE *out) {
        struct counts c = count_run(record);
        char started[20];
        const json_t *slo;
        size_t i;

        /* JUnit's time stamps have neither zone nor fraction. */
        (void)snprintf(started, sizeof(started), "%.19s", json_text_at(record, "started", "1970-01-01T00:00:00"));
        (void)fputs("  <testsuite", out);
        put_attribute("name", json_text_at(record, "experiment/name", ""), out);
        put_counts(&c, json_number_at(record, "duration_s", 0), out);
        put_attribute("timestamp", started, out);
        put_attribute("hostname", json_text_at(record, "nodes/0/hostname", "localhost"), out);
        (void)fputs(">\n", out);
        put_properties(record, out);
        json_array_foreach (json_at(record, "slos"), i, slo)
                put_slo(record, slo, out);
        put_verdict(record, out);
        (void)fputs("  </testsuite>\n", out);
}

void render_junit(const json_t *records, FILE *out) {
        struct counts all = { 0 };
        double time_s = 0;
        const json_t *record;
        size_t i;

        json_array_foreach (records, i, record) {
                struct counts c = count_run(record);

                all.tests += c.tests;
                for (size_t k = 0; k < ARRAY_SIZE(c.of); k++)
                        all.of[k] += c.of[k];
                time_s += json_number_at(record, "duration_s", 0);
        }
        (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"chaosctl\"", out);
        put_counts(&all, time_s, out);
        (void)fputs(">\n", out);
        json_array_foreach (records, i, record)
                put_suite(record, out);
        (void)fputs("</testsuites>\n", out);
}
