/* life_view.c — a fault as others see it: the JSON of docs/api/README.md. */
#include <string.h>

#include "chaosd/life.h"
#include "core/clock.h"

static const char *const state_names[] = {
        [LIFE_INJECTING] = "injecting", [LIFE_ACTIVE] = "active", [LIFE_REVERTING] = "reverting",
        [LIFE_GONE] = "gone",           [LIFE_FAILED] = "failed",
};

static json_t *wall_time(uint64_t wall_us) {
        char text[CLOCK_TEXT_SIZE];

        return wall_us ? json_string(clock_format_utc(wall_us, text, sizeof(text))) : json_null();
}

static json_t *boot_time(uint64_t us) {
        return us ? json_integer((json_int_t)us) : json_null();
}

static json_t *milliseconds(uint64_t us) {
        return json_real((double)us / 1000.0);
}

static json_t *text_or_null(const char *text) {
        return text ? json_string(text) : json_null();
}

static json_t *lines_of(const char *text) {
        json_t *lines = json_array();

        while (text && *text) {
                size_t len = strcspn(text, "\n");

                if (len > 0)
                        (void)json_array_append_new(lines, json_stringn(text, len));
                text += len + (text[len] == '\n');
        }
        return lines;
}

static json_t *describe_evidence(const struct life *l) {
        json_t *counters = json_array();

        for (unsigned i = 0; i < l->evidence.n_counters; i++) {
                const struct evidence_counter *c = &l->evidence.counters[i];

                (void)json_array_append_new(counters, json_pack("{s:s s:s s:I}", "name", c->name, "unit", c->unit,
                                                                "value", (json_int_t)c->value));
        }
        return json_pack("{s:I s:o s:s s:o}", "hits", (json_int_t)l->evidence.hits, "verified",
                         l->verified < 0 ? json_null() : json_boolean(l->verified), "note", l->evidence.note,
                         "counters", counters);
}

static json_t *describe_undo(const struct life *l) {
        if (!l->undo_tried)
                return json_null();
        return json_pack("{s:b s:o s:o}", "ok", l->undo_err.code == 0, "ms", milliseconds(l->undo_took_us), "error",
                         l->undo_err.code ? json_string(l->undo_err.msg) : json_null());
}

json_t *life_describe_about(const struct life *l, const char *backend_reason, const char *plan) {
        const struct request *q = l->request;

        return json_pack("{s:s s:s s:o s:o s:O s:o s:o s:s s:s s:o s:b s:I s:o}", "uid", l->fault.uid, "kind", l->kind,
                         "name", text_or_null(q->name), "experiment", text_or_null(q->experiment), "target",
                         q->target_json, "resolved", target_describe(l->target), "params",
                         param_to_json(l->fault.ops->params, l->fault.params), "backend", l->fault.backend,
                         "backend_reason", backend_reason, "plan", lines_of(plan), "irreversible",
                         l->fault.ops->owner == FAULT_OWNER_IRREVERSIBLE, "seed", (json_int_t)q->seed, "created",
                         wall_time(l->created_wall_us));
}

static json_t *list_warnings(const struct life *l) {
        const struct request *q = l->request;
        json_t *warnings = json_array();

        if (l->fault.ops->owner == FAULT_OWNER_IRREVERSIBLE)
                (void)json_array_append_new(warnings, json_string("irreversible: nothing will undo this"));
        if (q->break_glass)
                (void)json_array_append_new(warnings, json_string("break-glass: protected targets are not spared"));
        if (q->target.set == 0)
                (void)json_array_append_new(warnings, json_string("no target: this acts on the whole node"));
        if (q->detached && l->fault.ops->owner != FAULT_OWNER_IRREVERSIBLE)
                (void)json_array_append_new(warnings, json_string("detached: it lives on without its client"));
        return warnings;
}

json_t *life_describe_plan(const struct life *l) {
        static const char *const shown[] = { "kind",   "backend", "backend_reason", "resolved",
                                             "params", "plan",    "irreversible",   "seed" };
        json_t *plan = json_object();

        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
                (void)json_object_set(plan, shown[i], json_object_get(l->about, shown[i]));
        (void)json_object_set_new(plan, "warnings", list_warnings(l));
        return plan;
}

json_t *life_describe(const struct life *l) {
        uint64_t now_us = clock_boottime_us();
        uint64_t remaining_us = l->state == LIFE_ACTIVE && l->end_us > now_us ? l->end_us - now_us : 0;
        SCOPED_JSON json_t *about = l->about ? json_copy(l->about) : json_object();
        SCOPED_JSON json_t *now = NULL;

        now = json_pack("{s:s s:s s:s s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "uid", l->fault.uid, "kind",
                        l->kind, "state", state_names[l->state], "injected", wall_time(l->injected_wall_us),
                        "injected_us", boot_time(l->injected_us), "inject_ms", milliseconds(l->inject_took_us),
                        "end_us", boot_time(l->end_us), "lease_ms", json_integer((json_int_t)(l->lease_us / 1000)),
                        "deadline_us", boot_time(l->fault.deadline_us), "remaining_ms",
                        json_integer((json_int_t)(remaining_us / 1000)), "evidence", describe_evidence(l), "reverted",
                        wall_time(l->reverted_wall_us), "reverted_us", boot_time(l->reverted_us), "reason",
                        text_or_null(l->reason ? life_reason_name(l->reason) : NULL), "undo", describe_undo(l));
        if (!about || !now || json_object_update(about, now) < 0)
                return NULL;
        return json_incref(about);
}
