#include "chaosd/history.h"

#include <stdio.h>
#include <string.h>

struct history {
        struct {
                char uid[37];
                char *text; /* heap: a tenth of what the parsed object takes */
        } past[HISTORY_MAX];
        unsigned n, next;
        struct history_totals *totals;
        unsigned n_totals;
};

struct history *history_new(void) {
        return calloc(1, sizeof(struct history));
}

void history_free(struct history *h) {
        if (!h)
                return;

        for (unsigned i = 0; i < HISTORY_MAX; i++)
                free(h->past[i].text);
        free(h->totals);
        free(h);
}

void history_add(struct history *h, const char *uid, const json_t *fault) {
        char *text = fault ? json_dumps(fault, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;

        if (!text)
                return;

        free(h->past[h->next].text);
        (void)snprintf(h->past[h->next].uid, sizeof(h->past[0].uid), "%s", uid);
        h->past[h->next].text = text;
        h->next = (h->next + 1) % HISTORY_MAX;
        if (h->n < HISTORY_MAX)
                h->n++;
}

json_t *history_get(const struct history *h, unsigned i) {
        unsigned at = (h->next + HISTORY_MAX - 1 - i) % HISTORY_MAX;

        return i < h->n ? json_loads(h->past[at].text, 0, NULL) : NULL;
}

json_t *history_find(const struct history *h, const char *uid) {
        for (unsigned i = 0; i < h->n; i++)
                if (strcmp(h->past[(h->next + HISTORY_MAX - 1 - i) % HISTORY_MAX].uid, uid) == 0)
                        return history_get(h, i);
        return NULL;
}

struct history_totals *history_totals(struct history *h, const char *kind) {
        struct history_totals *more;

        for (unsigned i = 0; i < h->n_totals; i++)
                if (strcmp(h->totals[i].kind, kind) == 0)
                        return &h->totals[i];

        more = reallocarray(h->totals, h->n_totals + 1, sizeof(*more));
        if (!more)
                return NULL;

        h->totals = more;
        more[h->n_totals] = (struct history_totals){ 0 };
        (void)snprintf(more[h->n_totals].kind, sizeof(more->kind), "%s", kind);
        return &more[h->n_totals++];
}

const struct history_totals *history_totals_at(const struct history *h, unsigned i) {
        return i < h->n_totals ? &h->totals[i] : NULL;
}
