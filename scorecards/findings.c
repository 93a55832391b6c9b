#include "scorecards/findings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "scorecards/score_internal.h"

static const char *const severities[] = { "critical", "high", "medium", "low" };

unsigned findings_rank(const char *severity) {
        unsigned i;

        for (i = 0; i < ARRAY_SIZE(severities) && strcmp(severities[i], severity) != 0; i++)
                ;
        return i;
}

static bool is_open(const json_t *finding) {
        return strcmp(json_text_at(finding, "status", ""), "closed") != 0;
}

/* Only a passing retest of the same experiment on the same service closes a finding. */
static void close_retested(json_t *all, const struct score_run *run) {
        const char *experiment = json_text_at(run->record, "experiment/name", "");
        const char *id;
        json_t *f;

        json_object_foreach (all, id, f) {
                if (!is_open(f) || strcmp(json_text_at(f, "experiment", ""), experiment) != 0 ||
                    strcmp(json_text_at(f, "service", ""), run->service) != 0)
                        continue;
                (void)json_object_set_new(f, "status", json_string("closed"));
                (void)json_object_set_new(f, "closed", json_string(json_text_at(run->record, "started", "")));
                (void)json_object_set_new(f, "closed_by", json_string(json_text_at(run->record, "id", "")));
        }
}

/* The kinds that acted, and the page of the first of them. */
static void add_kinds(json_t *f, const json_t *record) {
        json_t *kinds = json_array();
        const json_t *fault;
        size_t i;

        json_array_foreach (json_object_get(record, "faults"), i, fault)
                if (score_fault_acted(fault))
                        (void)json_array_append_new(kinds, json_string(json_text_at(fault, "fault/kind", "")));
        (void)json_object_set_new(
                f, "docs",
                json_array_size(kinds) ? json_sprintf("docs/faults/%s.md", json_text_at(kinds, "0", "")) : json_null());
        (void)json_object_set_new(f, "kinds", kinds);
}

/* The newest failure describes the finding; what was promised at its opening (the day it is due) stays. */
static void open_or_reopen(json_t *all, const json_t *finding, const struct score_run *run) {
        const char *id = json_text_at(finding, "id", "");
        const json_t *before = json_object_get(all, id);
        json_t *f = json_copy((json_t *)finding);

        add_kinds(f, run->record);
        (void)json_object_set_new(f, "status", json_string("open"));
        (void)json_object_set_new(f, "seen", json_integer(json_int_at(before, "seen", 0) + 1));
        (void)json_object_set_new(f, "last_run", json_string(json_text_at(run->record, "id", "")));
        (void)json_object_set_new(f, "last_seen", json_string(json_text_at(run->record, "started", "")));
        (void)json_object_set_new(
                f, "reopened", json_boolean(before && (!is_open(before) || json_bool_at(before, "reopened", false))));
        if (before && is_open(before)) {
                (void)json_object_set(f, "opened", json_object_get(before, "opened"));
                (void)json_object_set(f, "due", json_object_get(before, "due"));
        }
        (void)json_object_set_new(all, id, f);
}

static json_t *follow(const struct score_runs *runs) {
        json_t *all = json_object();

        for (size_t i = 0; i < runs->n; i++) {
                const struct score_run *run = &runs->runs[i];
                const json_t *finding;
                size_t k;

                if (run->verdict == RUN_PASS)
                        close_retested(all, run);
                json_array_foreach (json_object_get(run->record, "findings"), k, finding)
                        if (*json_text_at(finding, "id", ""))
                                open_or_reopen(all, finding, run);
        }
        return all;
}

static int worst_first(const void *a, const void *b) {
        const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
        unsigned rx = findings_rank(json_text_at(x, "severity", "")),
                 ry = findings_rank(json_text_at(y, "severity", ""));
        int newer = strcmp(json_text_at(y, "opened", ""), json_text_at(x, "opened", ""));

        if (is_open(x) != is_open(y))
                return is_open(x) ? -1 : 1;
        if (rx != ry)
                return rx < ry ? -1 : 1;
        return newer ? newer : strcmp(json_text_at(x, "id", ""), json_text_at(y, "id", ""));
}

/* Drops its reference to all. */
static json_t *sorted(json_t *all, bool closed_too) {
        SCOPED_JSON json_t *object = all;
        SCOPED_FREE json_t **list = calloc(json_object_size(all) + 1, sizeof(*list));
        json_t *array = json_array(), *f;
        const char *id;
        size_t n = 0;

        if (!list)
                return array;
        json_object_foreach (object, id, f)
                if (closed_too || is_open(f))
                        list[n++] = f;
        qsort(list, n, sizeof(*list), worst_first);
        for (size_t i = 0; i < n; i++)
                (void)json_array_append(array, list[i]);
        return array;
}

json_t *findings_open(const struct score_runs *runs) {
        return sorted(follow(runs), false);
}

/* An acceptance that was given before the finding opened (again) is about something else. */
static void overlay_acceptance(json_t *f, const json_t *accepted, const char *today) {
        if (!json_is_object(accepted) || !is_open(f) ||
            strcmp(json_text_at(accepted, "at", ""), json_text_at(f, "opened", "")) < 0)
                return;

        (void)json_object_set(f, "accepted", (json_t *)accepted);
        if (strncmp(json_text_at(accepted, "until", ""), today, 10) >= 0)
                (void)json_object_set_new(f, "status", json_string("accepted"));
        else
                (void)json_object_set_new(f, "acceptance_expired", json_true());
}

void findings_overlay(json_t *findings, const json_t *overlays, uint64_t now_us) {
        char today[CLOCK_TEXT_SIZE];
        json_t *f;
        size_t i;

        (void)clock_format_utc(now_us, today, sizeof(today));
        today[10] = 0;
        json_array_foreach (findings, i, f) {
                const json_t *o = json_object_get(overlays, json_text_at(f, "id", ""));

                if (json_is_string(json_object_get(o, "owner")))
                        (void)json_object_set(f, "owner", json_object_get(o, "owner"));
                if (json_is_string(json_object_get(o, "due")))
                        (void)json_object_set(f, "due", json_object_get(o, "due"));
                overlay_acceptance(f, json_object_get(o, "accepted"), today);
                (void)json_object_set_new(f, "overdue",
                                          json_boolean(strcmp(json_text_at(f, "status", ""), "open") == 0 &&
                                                       *json_text_at(f, "due", "") &&
                                                       strcmp(json_text_at(f, "due", ""), today) < 0));
        }
}

int findings_compute(const json_t *records, const json_t *overlays, uint64_t now_us, json_t **ret, struct err *e) {
        struct score_runs runs = { 0 };
        json_t *findings;
        int r;

        r = score_runs_read(NULL, records, (struct score_subject){ 0 }, &runs, e);
        if (r < 0 && r != -ENOENT)
                return r;

        findings = sorted(follow(&runs), true);
        score_runs_done(&runs);
        findings_overlay(findings, overlays, now_us);
        *ret = findings;
        return 0;
}
