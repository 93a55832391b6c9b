/* run_faults.c — faults through the daemon: inject, renew, watch, revert. Calls block for milliseconds; the load has
 * threads of its own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/units.h"
#include "experiments/run_internal.h"

#define EVIDENCE_EVERY_US (500 * USEC_PER_MSEC)

json_t *run_fault_request(const struct run *r, size_t i) {
        const struct experiment_fault *f = &r->x->faults[i];
        char text[UNITS_TEXT_SIZE];
        json_t *body = json_pack("{s:s s:s s:s s:I}", "kind", f->kind, "name", f->name, "experiment", r->id, "seed",
                                 (json_int_t)(r->seed + i));

        if (!body)
                return NULL;
        if (f->target)
                (void)json_object_set(body, "target", (json_t *)f->target);
        if (f->params)
                (void)json_object_set(body, "params", (json_t *)f->params);
        if (f->backend)
                (void)json_object_set_new(body, "backend", json_string(f->backend));
        if (f->break_glass)
                (void)json_object_set_new(body, "breakGlass", json_true());
        if (!f->irreversible)
                (void)json_object_set_new(body, "for", json_string(units_format_duration(f->for_us, text)));
        return body;
}

int run_ask_capabilities(struct run *r, struct err *e) {
        return node_call(r->o.node, "GET", "/v1/capabilities", NULL, &r->capabilities, e);
}

int run_plan_faults(struct run *r, struct err *e) {
        for (size_t i = 0; i < r->x->n_faults; i++) {
                SCOPED_JSON json_t *body = run_fault_request(r, i);
                int code = node_call(r->o.node, "POST", "/v1/plan", body, &r->faults[i].plan, e);

                if (code < 0)
                        return err_wrap(e, code, "%s (%s)", r->x->faults[i].name, r->x->faults[i].kind);
        }
        return 0;
}

static void tell(struct run *r, size_t i, const char *what, const char *text) {
        if (r->o.observer.on_fault)
                r->o.observer.on_fault(r->x->faults[i].name, what, r->faults[i].object, text, r->o.observer.arg);
}

/* Take the daemon's newest word on a fault; takes the reference. */
static void take_object(struct run *r, size_t i, json_t *object) {
        struct run_fault *f = &r->faults[i];
        const json_t *verified = json_at(object, "evidence/verified");

        json_decref(f->object);
        f->object = object;
        engine_fault_evidence(r->engine, run_now_us(r), i, (uint64_t)json_int_at(object, "evidence/hits", 0),
                              json_is_true(verified)    ? 1
                              : json_is_false(verified) ? 0
                                                        : -1);
}

void run_inject(struct run *r, size_t i) {
        SCOPED_JSON json_t *body = run_fault_request(r, i);
        struct run_fault *f = &r->faults[i];
        json_t *object = NULL;
        struct err e = { 0 };

        if (node_call(r->o.node, "POST", "/v1/faults", body, &object, &e) < 0) {
                tell(r, i, "failed", e.msg);
                engine_fault_failed(r->engine, run_now_us(r), i, e.msg);
                return;
        }

        (void)snprintf(f->uid, sizeof(f->uid), "%s", json_text_at(object, "uid", ""));
        f->lease_us = (uint64_t)json_int_at(object, "lease_ms", 5000) * USEC_PER_MSEC;
        f->renew_at_us = clock_boottime_us() + f->lease_us / 3;
        engine_fault_injected(r->engine, run_now_us(r), i);
        take_object(r, i, object);
        r->evidence_at_us = clock_boottime_us() + EVIDENCE_EVERY_US;
        tell(r, i, "injected", json_text_at(object, "backend", ""));
}

/* The daemon says that it is over. */
static void over(struct run *r, size_t i, const char *what) {
        struct run_fault *f = &r->faults[i];
        const char *reason = json_text_at(f->object, "reason", "");
        bool undo_ok = json_bool_at(f->object, "undo/ok", true);
        enum engine_over how = ENGINE_OVER_UNDONE;

        if (strcmp(reason, "halt") == 0)
                how = ENGINE_OVER_HALTED;
        else if (strcmp(reason, "lease") == 0 || strcmp(reason, "shutdown") == 0 || strcmp(reason, "recovered") == 0)
                how = ENGINE_OVER_LOST;
        else if (strcmp(reason, "target-gone") == 0)
                run_note(r, "%s: its target went away", r->x->faults[i].name);

        if (!undo_ok)
                (void)snprintf(f->undo_error, sizeof(f->undo_error), "%s",
                               json_text_at(f->object, "undo/error", "no reason given"));
        engine_fault_over(r->engine, run_now_us(r), i, how, undo_ok, undo_ok ? reason : f->undo_error);
        tell(r, i, undo_ok ? what : "failed", undo_ok ? reason : f->undo_error);
}

/* The daemon does not answer, or no longer knows the fault: its lease or its restart ends the fault, unseen by us. */
static void lost(struct run *r, size_t i, const struct err *e) {
        r->faults[i].unknown_end = true;
        engine_fault_over(r->engine, run_now_us(r), i, ENGINE_OVER_LOST, true, e->msg);
        tell(r, i, "failed", e->msg);
}

static int fault_call(struct run *r, size_t i, const char *method, const char *suffix, struct err *e) {
        char path[128];
        json_t *object = NULL;
        int code;

        (void)snprintf(path, sizeof(path), "/v1/faults/%s%s", r->faults[i].uid, suffix);
        code = node_call(r->o.node, method, path, NULL, &object, e);
        if (code >= 0)
                take_object(r, i, object);
        return code;
}

void run_revert(struct run *r, size_t i) {
        struct err e = { 0 };

        if (fault_call(r, i, "DELETE", "", &e) < 0)
                lost(r, i, &e);
        else
                over(r, i, "reverted");
}

/* One that cannot be undone is "over" for the daemon at once; for us it is watched until its time is up. */
static void look_at(struct run *r, size_t i) {
        const char *state = json_text_at(r->faults[i].object, "state", "");

        if (r->engine->faults[i].state != ENGINE_FAULT_ACTIVE || r->x->faults[i].irreversible)
                return;
        if (strcmp(state, "gone") == 0 || strcmp(state, "failed") == 0)
                over(r, i, "ended");
}

void run_renew_due(struct run *r) {
        uint64_t now_us = clock_boottime_us();
        struct err e = { 0 };

        for (size_t i = 0; i < r->x->n_faults; i++) {
                struct run_fault *f = &r->faults[i];
                int code;

                if (r->engine->faults[i].state != ENGINE_FAULT_ACTIVE || r->x->faults[i].irreversible ||
                    f->renew_at_us > now_us)
                        continue;

                f->renew_at_us = now_us + f->lease_us / 3;
                code = fault_call(r, i, "POST", "/renew", &e);
                if (code == -EBUSY) /* over: ask how it ended */
                        code = fault_call(r, i, "GET", "", &e);
                if (code < 0)
                        lost(r, i, &e);
                else
                        look_at(r, i);
        }
}

void run_read_evidence(struct run *r) {
        uint64_t now_us = clock_boottime_us();
        struct err e = { 0 };

        if (r->evidence_at_us == 0 || now_us < r->evidence_at_us)
                return;

        r->evidence_at_us = 0;
        for (size_t i = 0; i < r->x->n_faults; i++) {
                if (r->engine->faults[i].state != ENGINE_FAULT_ACTIVE)
                        continue;

                r->evidence_at_us = now_us + EVIDENCE_EVERY_US;
                if (fault_call(r, i, "GET", "", &e) < 0)
                        lost(r, i, &e);
                else
                        look_at(r, i);
        }
}

uint64_t run_faults_deadline_us(const struct run *r) {
        uint64_t due = r->evidence_at_us ? r->evidence_at_us : UINT64_MAX;

        for (size_t i = 0; i < r->x->n_faults; i++)
                if (r->engine->faults[i].state == ENGINE_FAULT_ACTIVE && !r->x->faults[i].irreversible &&
                    r->faults[i].renew_at_us < due)
                        due = r->faults[i].renew_at_us;
        return due;
}

/* What is left: undos that failed, and whatever the daemon still lists as ours. */
json_t *run_residue(struct run *r) {
        SCOPED_JSON json_t *answer = NULL;
        json_t *left = json_array(), *clean;
        bool unknown = false, any = false;
        const json_t *list;

        for (size_t i = 0; i < r->x->n_faults; i++) {
                const struct run_fault *f = &r->faults[i];

                any = any || f->uid[0];
                if (f->undo_error[0])
                        (void)json_array_append_new(left, json_sprintf("%s: %s", r->x->faults[i].name, f->undo_error));
                unknown = unknown || f->unknown_end;
        }
        if (any && node_call(r->o.node, "GET", "/v1/faults", NULL, &answer, NULL) < 0)
                unknown = true;

        list = json_at(answer, "faults");
        for (size_t k = 0; k < json_array_size(list); k++) {
                const json_t *f = json_array_get(list, k);

                if (strcmp(json_text_at(f, "experiment", ""), r->id) == 0 &&
                    strcmp(json_text_at(f, "state", ""), "gone") != 0)
                        (void)json_array_append_new(
                                left, json_sprintf("%s (%s): still %s", json_text_at(f, "name", "?"),
                                                   json_text_at(f, "uid", "?"), json_text_at(f, "state", "?")));
        }
        /* A daemon that answers now and lists none of ours has reverted what it found at its start. */
        clean = json_array_size(left) ? json_false() : unknown && !answer ? json_null() : json_true();
        return json_pack("{s:o s:o}", "clean", clean, "left", left);
}
