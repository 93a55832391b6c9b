/* contract.c — what is the same for every kind: describing it, undoing it. */
#include <errno.h>
#include <stdio.h>

#include "core/err.h"
#include "faults/fault.h"
#include "faults/target/target.h"
#include "faults/undo.h"

static const char *const owner_names[] = {
        [FAULT_OWNER_LINK] = "bpf-link",       [FAULT_OWNER_DEADLINE] = "kernel-deadline",
        [FAULT_OWNER_CHILD] = "child-process", [FAULT_OWNER_FD] = "file-descriptor",
        [FAULT_OWNER_GUARD] = "guard-process", [FAULT_OWNER_IRREVERSIBLE] = "none-irreversible",
};

void evidence_add(struct evidence *ev, const char *name, const char *unit, uint64_t value) {
        struct evidence_counter *c;

        if (ev->n_counters == EVIDENCE_MAX)
                return;

        c = &ev->counters[ev->n_counters++];
        (void)snprintf(c->name, sizeof(c->name), "%s", name);
        (void)snprintf(c->unit, sizeof(c->unit), "%s", unit);
        c->value = value;
}

json_t *fault_describe(const struct fault_ops *ops) {
        SCOPED_JSON json_t *backends = json_array();

        for (const struct fault_backend *b = ops->backends; b->name; b++)
                (void)json_array_append_new(backends, json_pack("{s:s s:s s:s}", "name", b->name, "needs", b->needs,
                                                                "reaches", b->reaches));
        return json_pack("{s:s s:s s:s s:b s:O s:o s:o s:b s:o}", "kind", ops->name, "summary", ops->summary, "owner",
                         owner_names[ops->owner], "irreversible", ops->owner == FAULT_OWNER_IRREVERSIBLE, "backends",
                         backends, "targets", target_describe_bits(ops->targets), "targetRequired",
                         target_describe_bits(ops->target_required), "targetOptional", ops->target_optional, "params",
                         param_describe(ops->params));
}

int fault_undo_all(struct fault_env *env, const struct fault_ops *ops, struct undo *u, struct err *e) {
        int first = 0;

        for (size_t i = u->n; i > 0; i--) {
                struct err err = { 0 };
                int r = ops->revert(env, u->records[i - 1], &err);

                if (r < 0 && first == 0) {
                        first = r;
                        (void)err_set(e, r, "undo '%.120s' of %s: %s", u->records[i - 1], ops->name, err.msg);
                }
        }
        if (first == 0)
                undo_done(u);
        return first;
}
