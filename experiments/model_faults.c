/* model_faults.c — faults of an experiment against the catalogue of kinds. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/kinds.h"
#include "core/suggest.h"
#include "experiments/model_tables.h"

#define KINDS_MAX 256

static json_t *find_kind(const json_t *catalogue, const char *kind) {
        const json_t *kinds = json_at(catalogue, "kinds");

        for (size_t i = 0; i < json_array_size(kinds); i++)
                if (strcmp(json_text_at(json_array_get(kinds, i), "kind", ""), kind) == 0)
                        return json_array_get(kinds, i);
        return NULL;
}

static int refuse_kind(const json_t *catalogue, const char *kind, struct err *e) {
        const json_t *kinds = json_at(catalogue, "kinds");
        const char *names[KINDS_MAX], *nearest;
        char known[200] = "";
        size_t n = 0, used = 0;

        for (; n < json_array_size(kinds) && n < KINDS_MAX; n++) {
                names[n] = json_text_at(json_array_get(kinds, n), "kind", "");
                if (used < sizeof(known))
                        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", n ? ", " : "", names[n]);
        }
        nearest = suggest_word(kind, names, n);
        (void)err_set(e, -EINVAL, "unknown fault kind '%.40s'%s%s%s; this build knows: %s", kind,
                      nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "",
                      n ? known : "none");
        return err_at(e, "kind");
}

static int check_params(const json_t *kind, const json_t *params, struct err *e) {
        SCOPED_JSON json_t *none = json_object();
        struct param *table = NULL;
        int r;

        r = param_table_from_json(json_at(kind, "params"), &table, e);
        if (r < 0)
                return r;

        r = param_check_object(table, params ? params : none, e);
        param_table_free(table);
        return r < 0 ? err_at(e, "params") : 0;
}

static bool list_has(const json_t *list, const char *word) {
        for (size_t i = 0; i < json_array_size(list); i++)
                if (strcmp(json_string_value(json_array_get(list, i)) ?: "", word) == 0)
                        return true;
        return false;
}

static char *join(const json_t *list, char *buf, size_t size) {
        size_t used = 0;

        buf[0] = 0;
        for (size_t i = 0; i < json_array_size(list) && used < size; i++)
                used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
                                         json_string_value(json_array_get(list, i)) ?: "");
        return buf;
}

/* Only selectors that this kind takes, and one at least of those that it needs. */
static int check_selectors(const json_t *kind, const json_t *target, struct err *e) {
        const json_t *accepted = json_at(kind, "targets"), *required = json_at(kind, "targetRequired");
        bool satisfied = json_array_size(required) == 0 || json_bool_at(kind, "targetOptional", false);
        char list[200];
        const char *key;
        json_t *value;

        json_object_foreach ((json_t *)target, key, value) {
                if (!list_has(accepted, key)) {
                        (void)err_set(e, -EINVAL, "%s does not take the selector '%.40s'; it takes: %s",
                                      json_text_at(kind, "kind", ""), key, join(accepted, list, sizeof(list)));
                        return err_at(e, key);
                }
                satisfied = satisfied || list_has(required, key);
        }
        if (satisfied)
                return 0;
        return err_set(e, -EINVAL, "%s needs a target: one of %s", json_text_at(kind, "kind", ""),
                       join(required, list, sizeof(list)));
}

static int check_target(const json_t *catalogue, const json_t *kind, const json_t *target, struct err *e) {
        SCOPED_JSON json_t *none = json_object();
        struct param *table = NULL;
        int r;

        r = param_table_from_json(json_at(catalogue, "target"), &table, e);
        if (r < 0)
                return r;

        r = param_check_object(table, target ? target : none, e);
        param_table_free(table);
        if (r >= 0)
                r = check_selectors(kind, target ? target : none, e);
        return r < 0 ? err_at(e, "target") : 0;
}

static int check_backend(const json_t *kind, const char *backend, struct err *e) {
        const json_t *backends = json_at(kind, "backends");
        char known[200] = "";
        size_t used = 0;

        for (size_t i = 0; backend && i < json_array_size(backends); i++) {
                const char *name = json_text_at(json_array_get(backends, i), "name", "");

                if (strcmp(name, backend) == 0)
                        return 0;
                if (used < sizeof(known))
                        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", name);
        }
        if (!backend)
                return 0;

        (void)err_set(e, -EINVAL, "%s has no backend '%.40s'; it has: %s", json_text_at(kind, "kind", ""), backend,
                      known);
        return err_at(e, "backend");
}

static int check_fault(const json_t *catalogue, struct experiment *x, struct experiment_fault *f, struct err *e) {
        const json_t *kind = find_kind(catalogue, f->kind);
        int r;

        if (!kind)
                return refuse_kind(catalogue, f->kind, e);
        if (strcmp(f->node, "local") != 0) {
                (void)err_set(e, -EINVAL, "node '%.60s' cannot be reached: this build drives the node 'local' only",
                              f->node);
                return err_at(e, "node");
        }

        f->irreversible = json_bool_at(kind, "irreversible", false);
        if (!PARAM_IS_SET(f, MODEL_FAULT_FOR)) {
                if (!f->irreversible)
                        return err_set(e, -EINVAL, "'for' is missing: %s lasts until it is undone, so say how long",
                                       f->kind);
                f->for_us = x->watch_us;
        }

        r = check_params(kind, f->params, e);
        if (r >= 0)
                r = check_target(catalogue, kind, f->target, e);
        return r < 0 ? r : check_backend(kind, f->backend, e);
}

int model_check_faults(struct experiment *x, struct err *e) {
        SCOPED_JSON json_t *catalogue = NULL;
        int r;

        r = json_parse(kinds_json_text, strlen(kinds_json_text), &catalogue, e);
        if (r < 0)
                return err_wrap(e, r, "catalogue of kinds");

        for (size_t i = 0; i < x->n_faults; i++) {
                struct experiment_fault *f = &x->faults[i];

                if (check_fault(catalogue, x, f, e) < 0) {
                        (void)err_at_index(e, (unsigned)i);
                        (void)err_at(e, "faults");
                        return err_at(e, "spec");
                }
                if (f->after_us + f->for_us > x->fault_us)
                        x->fault_us = f->after_us + f->for_us;
        }
        return 0;
}
