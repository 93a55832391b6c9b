#include "chaosd/request.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/err.h"
#include "core/suggest.h"
#include "core/units.h"

#define NAME_MAX_BYTES 200
#define SEED_MAX       ((1ULL << 53) - 1) /* survives readers that keep numbers as doubles */

enum request_row { ROW_KIND, ROW_NAME, ROW_EXPERIMENT, ROW_FOR, ROW_LEASE, ROW_BACKEND, ROW_SEED, ROW_BREAK_GLASS };

static const struct param request_params[] = {
        [ROW_KIND] = { .name = "kind",
                       .type = PARAM_STRING,
                       .required = true,
                       .offset = offsetof(struct request, kind),
                       .help = "which fault" },
        [ROW_NAME] = { .name = "name",
                       .type = PARAM_STRING,
                       .offset = offsetof(struct request, name),
                       .help = "the client's name for it" },
        [ROW_EXPERIMENT] = { .name = "experiment",
                             .type = PARAM_STRING,
                             .offset = offsetof(struct request, experiment),
                             .help = "the run that it belongs to" },
        [ROW_FOR] = { .name = "for",
                      .type = PARAM_DURATION,
                      .offset = offsetof(struct request, for_us),
                      .min = REQUEST_FOR_MIN_US,
                      .help = "how long it lives" },
        [ROW_LEASE] = { .name = "lease",
                        .type = PARAM_STRING,
                        .offset = offsetof(struct request, lease),
                        .help = "gone when not renewed for this long; \"none\": lives for its whole time" },
        [ROW_BACKEND] = { .name = "backend",
                          .type = PARAM_STRING,
                          .offset = offsetof(struct request, backend),
                          .help = "force one" },
        [ROW_SEED] = { .name = "seed",
                       .type = PARAM_UINT,
                       .offset = offsetof(struct request, seed),
                       .max = SEED_MAX,
                       .help = "same seed, same choices" },
        [ROW_BREAK_GLASS] = { .name = "breakGlass",
                              .type = PARAM_BOOL,
                              .offset = offsetof(struct request, break_glass),
                              .fallback = "false",
                              .help = "insist on a protected target" },
        { 0 },
};

static int find_kind(const char *name, const struct fault_ops *const *kinds, const struct fault_ops **ret,
                     struct err *e) {
        const char *names[128];
        const char *nearest;
        size_t n = 0;

        for (const struct fault_ops *const *k = kinds; *k; k++) {
                if (strcmp((*k)->name, name) == 0) {
                        *ret = *k;
                        return 0;
                }
                if (n < ARRAY_SIZE(names))
                        names[n++] = (*k)->name;
        }

        nearest = suggest_word(name, names, n);
        (void)err_set(e, -EINVAL, "unknown fault kind '%.60s'%s%s%s", name, nearest ? ", did you mean '" : "",
                      nearest ? nearest : "", nearest ? "'?" : "");
        return err_at(e, "kind");
}

static int check_text(const char *text, const char *key, struct err *e) {
        if (!text)
                return 0;

        if (strlen(text) > NAME_MAX_BYTES) {
                (void)err_set(e, -ERANGE, "over %d bytes", NAME_MAX_BYTES);
                return err_at(e, key);
        }
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f) {
                        (void)err_set(e, -EINVAL, "control characters");
                        return err_at(e, key);
                }
        return 0;
}

int request_parse_lease(const char *text, uint64_t *ret_us, bool *ret_detached, struct err *e) {
        uint64_t us;
        int r;

        if (strcmp(text, "none") == 0) {
                *ret_detached = true;
                *ret_us = 0;
                return 0;
        }

        r = units_parse_duration(text, &us, e);
        if (r == 0 && us < REQUEST_LEASE_MIN_US)
                r = err_set(e, -ERANGE, "a lease under 100ms cannot be renewed in time");
        if (r < 0)
                return err_at(e, "lease");

        *ret_us = us;
        *ret_detached = false;
        return 0;
}

/* The envelope's own rows: target and params are other tables' business. */
static int parse_envelope(const json_t *body, const struct fault_ops *const *kinds, struct request *q, struct err *e) {
        SCOPED_JSON json_t *envelope = json_copy((json_t *)body);
        bool irreversible;
        int r;

        if (!envelope)
                return err_set(e, -ENOMEM, "no memory");

        (void)json_object_del(envelope, "target");
        (void)json_object_del(envelope, "params");
        r = param_parse_object(request_params, envelope, q, e);
        if (r < 0)
                return r;

        r = find_kind(q->kind, kinds, &q->ops, e);
        if (r < 0)
                return r;

        r = check_text(q->name, "name", e);
        if (r == 0)
                r = check_text(q->experiment, "experiment", e);
        if (r == 0 && q->lease)
                r = request_parse_lease(q->lease, &q->lease_us, &q->detached, e);
        if (r < 0)
                return r;

        irreversible = q->ops->owner == FAULT_OWNER_IRREVERSIBLE;
        if (!PARAM_IS_SET(q, ROW_FOR)) {
                if (!irreversible) {
                        (void)err_set(e, -EINVAL, "'for' is missing: a fault must say how long it lives");
                        return err_at(e, "for");
                }
                q->for_us = REQUEST_WATCH_US;
        }
        if (irreversible && !q->lease)
                q->detached = true;
        return 0;
}

static int parse_parts(const json_t *body, struct request *q, struct err *e) {
        SCOPED_JSON json_t *empty = json_object();
        const json_t *params = json_object_get(body, "params");
        json_t *target = json_object_get(body, "target");
        int r;

        q->target_json = json_incref(target ? target : empty);
        q->params = calloc(1, q->ops->params_size ? q->ops->params_size : sizeof(uint64_t));
        if (!q->params || !empty)
                return err_set(e, -ENOMEM, "no memory");

        r = param_parse_object(target_params, q->target_json, &q->target, e);
        if (r < 0)
                return err_at(e, "target");

        r = param_parse_object(q->ops->params, params ? params : empty, q->params, e);
        if (r == 0 && q->ops->validate)
                r = q->ops->validate(q->params, e);
        if (r < 0) {
                (void)err_at(e, "params");
                return r;
        }
        return 0;
}

int request_parse(const json_t *body, const struct fault_ops *const *kinds, struct request **ret, struct err *e) {
        SCOPED(request_freep) struct request *q = calloc(1, sizeof(*q));
        int r;

        if (!q)
                return err_set(e, -ENOMEM, "no memory");
        if (!json_is_object(body))
                return err_set(e, -EINVAL, "the body must be a JSON object");

        r = parse_envelope(body, kinds, q, e);
        if (r < 0)
                return r;

        r = parse_parts(body, q, e);
        if (r < 0)
                return r;

        if (!PARAM_IS_SET(q, ROW_SEED)) {
                if (getrandom(&q->seed, sizeof(q->seed), 0) != sizeof(q->seed))
                        return err_errno(e, "cannot draw a seed");
                q->seed &= SEED_MAX;
        }

        *ret = TAKE_PTR(q);
        return 0;
}

void request_free(struct request *q) {
        if (!q)
                return;

        if (q->params && q->ops->params)
                param_done(q->ops->params, q->params);
        free(q->params);
        param_done(target_params, &q->target);
        param_done(request_params, q);
        json_decref(q->target_json);
        free(q);
}
