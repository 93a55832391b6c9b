/* Every renderer against a file in tests/golden, byte by byte, from tests/data/two-services.json. What changed on
 * purpose is written anew with CHAOS_GOLDEN_WRITE=1; look at the difference before it is committed. */
#include <stdlib.h>

#include "core/err.h"
#include "core/version.h"
#include "lib/check.h"
#include "scorecards/findings.h"
#include "scorecards/gate.h"
#include "scorecards/render.h"
#include "scorecards/report.h"
#include "scorecards/score.h"

#define NOW_US 1795478400000000ULL /* 2026-11-24T00:00:00Z */

struct world {
        struct score_profile *profile;
        json_t *records, *notes, *cards, *report;
};

static void text(const struct world *w, FILE *out) {
        render_text(w->cards, false, out);
}
static void explain(const struct world *w, FILE *out) {
        render_explain(w->cards, out);
}
static void markdown(const struct world *w, FILE *out) {
        render_markdown(w->cards, out);
}
static void html(const struct world *w, FILE *out) {
        render_html(w->cards, out);
}
static void badge(const struct world *w, FILE *out) {
        render_badge(w->cards, out);
}
static void junit(const struct world *w, FILE *out) {
        render_junit(w->records, out);
}
static void sarif(const struct world *w, FILE *out) {
        render_sarif(w->records, out);
}
static void summary(const struct world *w, FILE *out) {
        render_summary(w->records, out);
}
static void report_text(const struct world *w, FILE *out) {
        render_report_text(w->report, out);
}
static void report_markdown(const struct world *w, FILE *out) {
        render_report_markdown(w->report, out);
}
static void report_html(const struct world *w, FILE *out) {
        render_report_html(w->report, out);
}

/* All records are this gate's, one experiment did not run, and the same records are the baseline. */
static void gate(const struct world *w, FILE *out) {
        struct gate_rules rules = { .limits = compare_defaults, .min_score = 0.9, .min_coverage = 0.5 };
        SCOPED_JSON json_t *runs = json_array(), *decision = NULL, *reports = NULL;
        const json_t *record;
        struct err e = { 0 };
        size_t i;

        json_array_foreach (w->records, i, record)
                (void)json_array_append_new(
                        runs, json_pack("{s:s s:s s:s s:O}", "file", json_text_at(record, "experiment/file", ""),
                                        "experiment", json_text_at(record, "experiment/name", ""), "service",
                                        json_text_at(record, "experiment/service", ""), "record", record));
        (void)json_array_append_new(runs, json_pack("{s:s s:s s:s s:n s:i s:s}", "file", "last.yaml", "experiment",
                                                    "last", "service", "shop", "record", "exit_code", 4, "why",
                                                    "the time limit has passed"));
        CHECK(gate_judge(&rules, w->profile, runs, NULL, w->records, NOW_US, &decision, &e) == 0, "%s", e.msg);
        reports = gate_reports(decision, runs, false);
        render_gate_markdown(decision, reports, out);
}

static const struct {
        const char *file;
        void (*render)(const struct world *w, FILE *out);
} forms[] = {
        { "scorecard.txt", text },        { "explain.txt", explain },     { "scorecard.md", markdown },
        { "scorecard.html", html },       { "badge.svg", badge },         { "junit.xml", junit },
        { "results.sarif", sarif },       { "summary.md", summary },      { "report.txt", report_text },
        { "report.md", report_markdown }, { "report.html", report_html }, { "gate.md", gate },
};

static void world_make(struct world *w) {
        struct score_profile *p = NULL;
        static const char *const services[] = { "chat", "shop" };
        struct err e = { 0 };

        CHECK(score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e) == 0, "%s", e.msg);
        CHECK(json_load_path(CHAOS_SOURCE_DIR "/tests/data/two-services.json", &w->records, &e) == 0, "%s", e.msg);
        w->profile = p;
        w->notes = json_pack("{s:{s:s s:{s:s s:s s:s s:s}}}", "shop/shop-latency/slow-upstream", "owner", "ana",
                             "accepted", "reason", "replaced in March", "until", "2027-03-31", "by", "ben", "at",
                             "2026-11-01T00:00:00.000Z");
        w->cards = json_array();
        for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
                json_t *card = NULL;

                CHECK(score_compute(p, w->records, SCORE_BY_SERVICE, services[i], NOW_US, &card, &e) == 0, "%s", e.msg);
                findings_overlay(json_at(card, "findings"), w->notes, NOW_US);
                (void)json_array_append_new(w->cards, card);
        }
        CHECK(report_compute(p, w->records, w->notes, (struct report_quarter){ 2026, 4 }, NOW_US, &w->report, &e) == 0,
              "%s", e.msg);
}

static void world_done(struct world *w) {
        score_profile_free(w->profile);
        json_decref(w->records);
        json_decref(w->notes);
        json_decref(w->cards);
        json_decref(w->report);
}

/* A new version is no new form. Takes the text. */
static char *hide_version(char *t) {
        static const char quoted[] = "\"" CHAOS_VERSION "\"";
        char *at = strstr(t, quoted), *hidden = NULL;

        if (!at || asprintf(&hidden, "%.*s\"VERSION\"%s", (int)(at - t), t, at + strlen(quoted)) < 0)
                return t;
        free(t);
        return hidden;
}

static char *read_file(const char *path) {
        FILE *in = fopen(path, "re");
        char *content = NULL;
        size_t size = 0;

        if (!in)
                return NULL;
        if (getdelim(&content, &size, 0, in) < 0) {
                free(content);
                content = NULL;
        }
        (void)fclose(in);
        return content;
}

/* Where two texts part: the line, and both of them from there. */
static void check_same(const char *file, const char *got, const char *want) {
        size_t i = 0, line = 1, start = 0;

        for (; got[i] && got[i] == want[i]; i++)
                if (got[i] == '\n') {
                        line++;
                        start = i + 1;
                }
        CHECK(got[i] == want[i], "tests/golden/%s:%zu: got \"%.100s\", want \"%.100s\"", file, line, got + start,
              want + start);
}

static void check_form(const struct world *w, size_t index) {
        SCOPED_FREE char *got = NULL, *want = NULL;
        char path[400];
        size_t size;
        FILE *out = open_memstream(&got, &size);

        forms[index].render(w, out);
        (void)fclose(out);
        got = hide_version(got);
        (void)snprintf(path, sizeof(path), "%s/tests/golden/%s", CHAOS_SOURCE_DIR, forms[index].file);
        if (getenv("CHAOS_GOLDEN_WRITE")) {
                out = fopen(path, "we");
                CHECK(out && fputs(got, out) >= 0 && fclose(out) == 0, "cannot write %s", path);
                return;
        }

        want = read_file(path);
        CHECK(want, "%s is missing; CHAOS_GOLDEN_WRITE=1 writes it", path);
        if (want)
                check_same(forms[index].file, got, want);
}

int main(void) {
        SCOPED(world_done) struct world w = { 0 };

        world_make(&w);
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
                check_form(&w, i);
        return check_result();
}
