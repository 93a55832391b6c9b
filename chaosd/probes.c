#include "chaosd/probes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/text.h"

#define BACKENDS_MAX    8
#define REFUSAL_KEPT_US (30 * USEC_PER_SEC)

struct probes {
        const struct fault_ops *const *kinds;
        size_t n_kinds;
        struct probe_result results[][BACKENDS_MAX]; /* kind's index, backend's index */
};

struct probes *probes_new(const struct fault_ops *const *kinds) {
        struct probes *p;
        size_t n = 0;

        while (kinds[n])
                n++;
        p = calloc(1, sizeof(*p) + n * sizeof(p->results[0]));
        if (p) {
                p->kinds = kinds;
                p->n_kinds = n;
        }
        return p;
}

void probes_free(struct probes *p) {
        free(p);
}

void probes_forget(struct probes *p) {
        memset(p->results, 0, p->n_kinds * sizeof(p->results[0]));
}

static struct probe_result *find_slot(struct probes *p, const struct fault_ops *ops,
                                      const struct fault_backend *backend) {
        size_t column = (size_t)(backend - ops->backends);

        for (size_t i = 0; i < p->n_kinds && column < BACKENDS_MAX; i++)
                if (p->kinds[i] == ops)
                        return &p->results[i][column];
        return NULL;
}

const struct probe_result *probes_ask(struct probes *p, struct fault_env *env, const struct fault_ops *ops,
                                      const struct fault_backend *backend) {
        static const struct probe_result no_slot = { .known = true, .why = "over 8 backends in one kind" };
        struct probe_result *slot = find_slot(p, ops, backend);
        struct err e = { 0 };
        int r;

        if (!slot)
                return &no_slot;
        if (slot->known)
                return slot;

        slot->at_us = clock_boottime_us();
        r = ops->probe ? ops->probe(env, backend->name, &e) : 0;
        slot->known = true;
        slot->works = r >= 0;
        slot->why[0] = 0;
        if (r < 0) {
                (void)snprintf(slot->why, sizeof(slot->why), "%.299s", e.msg[0] ? e.msg : strerror(-r));
                (void)text_clean(slot->why);
                memcpy(slot->extack, e.extack, sizeof(slot->extack));
        }
        return slot;
}

bool probes_are_known(struct probes *p, const struct fault_ops *ops) {
        uint64_t now_us = clock_boottime_us();

        for (size_t i = 0; i < p->n_kinds; i++) {
                const struct fault_ops *kind = p->kinds[i];
                bool known = true, works = false, stale = false;

                if (ops && ops != kind)
                        continue;
                for (size_t k = 0; k < BACKENDS_MAX && kind->backends[k].name; k++) {
                        const struct probe_result *result = &p->results[i][k];

                        known &= result->known;
                        works |= result->works;
                        stale |= now_us - result->at_us > REFUSAL_KEPT_US;
                }
                if (known && !works && stale) {
                        memset(p->results[i], 0, sizeof(p->results[i]));
                        known = false;
                }
                if (!known)
                        return false;
        }
        return true;
}

void probes_learn(struct probes *p, unsigned kind, unsigned backend, const struct probe_result *result) {
        if (kind < p->n_kinds && backend < BACKENDS_MAX)
                p->results[kind][backend] = *result;
}

void probes_give_up(struct probes *p, const struct fault_ops *ops, const char *why) {
        for (const struct fault_backend *b = ops->backends; b->name; b++) {
                struct probe_result *slot = find_slot(p, ops, b);

                if (!slot || slot->known)
                        continue;
                *slot = (struct probe_result){ .known = true, .at_us = clock_boottime_us() };
                (void)snprintf(slot->why, sizeof(slot->why), "%s", why);
        }
}

static int add_reason(char **reason, const struct fault_backend *b, const char *why) {
        char *longer;

        if (asprintf(&longer, "%s%s%s: %s", *reason ? *reason : "", *reason ? "; " : "", b->name, why) < 0)
                return -ENOMEM;

        free(*reason);
        *reason = longer;
        return 0;
}

/* The first that works, of those wanted; NULL when none does. *reason collects why the others do not. */
static const struct fault_backend *first_working(struct probes *p, struct fault_env *env, const struct fault_ops *ops,
                                                 const char *wanted, char **reason) {
        for (const struct fault_backend *b = ops->backends; b->name; b++) {
                const struct probe_result *result;

                if (wanted && strcmp(wanted, b->name) != 0)
                        continue;
                result = probes_ask(p, env, ops, b);
                if (result->works)
                        return b;
                (void)add_reason(reason, b, result->why);
        }
        return NULL;
}

static int refuse_all(struct probes *p, struct fault_env *env, const struct fault_ops *ops, const char *wanted,
                      const char *reason, struct err *e) {
        int r = err_set(e, -EOPNOTSUPP, "%s is not possible on this node: %s", ops->name, reason);

        for (const struct fault_backend *b = ops->backends; b->name; b++) {
                const struct probe_result *result = probes_ask(p, env, ops, b);

                if (e && !e->extack[0] && (!wanted || strcmp(wanted, b->name) == 0))
                        memcpy(e->extack, result->extack, sizeof(e->extack));
        }
        return r;
}

static int refuse_name(const struct fault_ops *ops, const char *wanted, struct err *e) {
        char known[200] = "";
        size_t used = 0;

        for (const struct fault_backend *b = ops->backends; b->name && used < sizeof(known); b++)
                used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", b->name);
        (void)err_set(e, -EINVAL, "%s has no backend '%.60s'; it has: %s", ops->name, wanted, known);
        return err_at(e, "backend");
}

static bool has_backend(const struct fault_ops *ops, const char *name) {
        for (const struct fault_backend *b = ops->backends; b->name; b++)
                if (strcmp(b->name, name) == 0)
                        return true;
        return false;
}

int probes_choose(struct probes *p, struct fault_env *env, const struct fault_ops *ops, const char *wanted,
                  const char **ret_backend, char **ret_reason, struct err *e) {
        SCOPED_FREE char *reason = NULL;
        const struct fault_backend *b;

        if (wanted && !has_backend(ops, wanted)) {
                (void)refuse_name(ops, wanted, e);
                return -EINVAL;
        }

        b = first_working(p, env, ops, wanted, &reason);
        if (!b)
                return refuse_all(p, env, ops, wanted, reason ? reason : "no backend", e);
        if (!reason)
                reason = strdup("");
        if (!reason)
                return err_set(e, -ENOMEM, "no memory");

        *ret_backend = b->name;
        *ret_reason = TAKE_PTR(reason);
        return 0;
}

json_t *probes_describe(struct probes *p, struct fault_env *env, const struct fault_ops *ops) {
        json_t *kind = fault_describe(ops);
        json_t *backends = json_object_get(kind, "backends");
        const char *chosen = NULL;

        for (size_t i = 0; i < json_array_size(backends); i++) {
                const struct probe_result *result = probes_ask(p, env, ops, &ops->backends[i]);
                json_t *row = json_array_get(backends, i);

                (void)json_object_set_new(row, "available", json_boolean(result->works));
                (void)json_object_set_new(row, "reason", json_string(result->why));
                if (result->works && !chosen)
                        chosen = ops->backends[i].name;
        }
        (void)json_object_set_new(kind, "available", json_boolean(chosen != NULL));
        (void)json_object_set_new(kind, "backend", chosen ? json_string(chosen) : json_null());
        return kind;
}
