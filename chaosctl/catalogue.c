#include "chaosctl/catalogue.h"

#include <errno.h>
#include <string.h>

#include "core/kinds.h"
#include "core/suggest.h"

#define KINDS_MAX 256

static json_t *find_kind(const json_t *kinds, const char *name) {
        json_t *kind;
        size_t i;

        json_array_foreach ((json_t *)kinds, i, kind)
                if (strcmp(json_text_at(kind, "kind", ""), name) == 0)
                        return kind;
        return NULL;
}

static void add_daemon_kinds(struct catalogue *c) {
        json_t *known = json_object_get(c->root, "kinds");
        json_t *kind;
        size_t i;

        json_array_foreach (json_object_get(c->capabilities, "kinds"), i, kind)
                if (!find_kind(known, json_text_at(kind, "kind", "")))
                        (void)json_array_append(known, kind);
}

int catalogue_load(const struct node *node, struct catalogue *ret, struct err *e) {
        struct catalogue c = { 0 };
        int r;

        r = json_parse(kinds_json_text, strlen(kinds_json_text), &c.root, e);
        if (r < 0)
                return err_wrap(e, r, "the built-in catalogue of faults");
        if (!json_is_array(json_object_get(c.root, "kinds"))) {
                json_decref(c.root);
                return err_set(e, -EINVAL, "the built-in catalogue of faults has no kinds");
        }

        if (node && node_call(node, "GET", "/v1/capabilities", NULL, &c.capabilities, &c.why_not) == 0)
                add_daemon_kinds(&c);
        *ret = c;
        return 0;
}

void catalogue_done(struct catalogue *c) {
        json_decref(c->root);
        json_decref(c->capabilities);
        *c = (struct catalogue){ 0 };
}

json_t *catalogue_kind(const struct catalogue *c, const char *name, const char **ret_nearest) {
        const json_t *kinds = json_object_get(c->root, "kinds");
        json_t *kind = find_kind(kinds, name);
        const char *names[KINDS_MAX];
        size_t n = 0;

        if (kind || !ret_nearest)
                return kind;

        for (; n < json_array_size(kinds) && n < KINDS_MAX; n++)
                names[n] = json_text_at(json_array_get(kinds, n), "kind", "");
        *ret_nearest = suggest_word(name, names, n);
        return NULL;
}

json_t *catalogue_live(const struct catalogue *c, const char *name) {
        return c->capabilities ? find_kind(json_object_get(c->capabilities, "kinds"), name) : NULL;
}
