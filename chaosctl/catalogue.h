/* catalogue.h — the fault kinds that this build knows, and what the daemon says of them on this node. */
#pragma once

#include "core/err.h"
#include "core/json.h"
#include "core/node.h"

struct err;

struct catalogue {
        json_t *root;         /* {"kinds": […], "target": […]}: core/kinds.h */
        json_t *capabilities; /* the daemon's answer, or NULL: it was not asked or did not answer */
        struct err why_not;   /* … why */
};

/* catalogue_load — the built-in kinds; with node also the daemon's capabilities, if it answers. A kind that only the
 * daemon knows is added. 0, or -EINVAL when the built-in text is broken. */
int catalogue_load(const struct node *node, struct catalogue *ret, struct err *e);
void catalogue_done(struct catalogue *c);

/* Borrowed. NULL: no such kind; then the nearest name is in ret_nearest (or NULL). */
json_t *catalogue_kind(const struct catalogue *c, const char *name, const char **ret_nearest);

/* What the daemon says of a kind ({"available", "backend", "backends": […]}), or NULL. */
json_t *catalogue_live(const struct catalogue *c, const char *name);
