/* kind.h — one kind on the fake host, for its unit test: parse, plan, inject, verify, undo in one line each. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/json.h"
#include "fakes/fake_kernel.h"
#include "fakes/targets.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/undo.h"

struct kind_case {
        struct target_spec spec;
        struct target *target;
        void *params;
        struct undo undo;
        struct fault fault;
        struct fault_env env;
        struct err err;           /* of the last call */
        char *plan;               /* of kind_plan() */
        struct evidence evidence; /* of kind_verify() */
};

static inline int kind_push(struct undo *u, const char *record, struct err *e) {
        (void)e;
        return undo_append(u, record);
}

/* Returns 0 or the error of parsing; params and target are JSON text with ' for ". */
static inline int kind_open(struct kind_case *c, const char *kind, const char *params, const char *target) {
        const struct fault_ops *ops = fault_find(kind);
        int r;

        fake_reset();
        *c = (struct kind_case){ .undo = { .push = kind_push } };
        c->params = calloc(1, ops->params_size);
        c->fault = (struct fault){ .ops = ops,
                                   .uid = "0b9f3c52-7a64-4a1e-9d53-2f1f6f0b7a11",
                                   .params = c->params,
                                   .backend = ops->backends[0].name,
                                   .seed = 7,
                                   .undo = &c->undo,
                                   .holds = holds_new() };
        c->env = (struct fault_env){ .now_us = 1000000000, .runtime_dir = "/run/chaosd", .self_pidfd = -1 };
        for (int i = 0; i < 2; i++) {
                SCOPED_JSON json_t *object = NULL;
                char text[512];
                size_t n = 0;

                for (const char *p = i ? target : params; *p && n < sizeof(text) - 1; p++)
                        text[n++] = *p == '\'' ? '"' : *p;
                r = json_parse(text, n, &object, &c->err);
                if (r == 0)
                        r = param_parse_object(i ? target_params : ops->params, object,
                                               i ? (void *)&c->spec : c->params, &c->err);
                if (r < 0)
                        return r;
        }
        c->target = fake_target(&c->spec, ops->targets);
        c->fault.target = c->target;
        return 0;
}

static inline int kind_validate(struct kind_case *c) {
        c->err = (struct err){ 0 };
        return c->fault.ops->validate(c->params, &c->err);
}

static inline int kind_plan(struct kind_case *c) {
        free(c->plan);
        c->plan = NULL;
        c->err = (struct err){ 0 };
        return c->fault.ops->plan(&c->env, &c->fault, &c->plan, &c->err);
}

static inline int kind_inject(struct kind_case *c) {
        c->err = (struct err){ 0 };
        return c->fault.ops->inject(&c->env, &c->fault, &c->err);
}

static inline int kind_verify(struct kind_case *c) {
        c->err = (struct err){ 0 };
        return c->fault.ops->verify(&c->env, &c->fault, &c->evidence, &c->err);
}

/* Undo, release, free. Returns what the undo said. */
static inline int kind_close(struct kind_case *c) {
        int r;

        c->err = (struct err){ 0 };
        r = fault_undo_all(&c->env, c->fault.ops, &c->undo, &c->err);
        holds_free(c->fault.holds);
        undo_done(&c->undo);
        target_free(c->target);
        param_done(c->fault.ops->params, c->params);
        param_done(target_params, &c->spec);
        free(c->params);
        free(c->plan);
        return r;
}
