#include "chaosctl/live.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "chaosctl/fault_view.h"
#include "core/clock.h"

#define LOOK_TTY_MS      250 /* a live line should move */
#define LOOK_PLAIN_MS    1000
#define PLAIN_EVERY_US   (5 * USEC_PER_SEC) /* a log should not */
#define HISTORY_MAX      40
#define LEASE_DEFAULT_MS 5000

struct live {
        struct cli *cli;
        char uid[40];
        char path[64], renew_path[80];
        json_t *fault; /* last known state */
        uint64_t lease_us, renewed_us, seen_us, said_us;
        bool detached; /* lease as long as the fault: nothing to renew */
        double hits_per_s[HISTORY_MAX];
        size_t n_history;
        uint64_t sampled_us;
        int64_t sampled_hits;
        struct err lost; /* why the daemon does not answer */
};

static void keep(struct live *l, json_t *answer) {
        json_decref(l->fault);
        l->fault = answer;
        l->seen_us = clock_boottime_us();
}

/* One rate a second for the sparkline. */
static void sample(struct live *l) {
        uint64_t now = clock_boottime_us();
        int64_t hits = json_int_at(l->fault, "evidence/hits", 0);

        if (now - l->sampled_us < USEC_PER_SEC)
                return;
        if (l->n_history == HISTORY_MAX) {
                memmove(l->hits_per_s, l->hits_per_s + 1, (HISTORY_MAX - 1) * sizeof(l->hits_per_s[0]));
                l->n_history--;
        }
        l->hits_per_s[l->n_history++] = (double)(hits - l->sampled_hits) * USEC_PER_SEC / (double)(now - l->sampled_us);
        l->sampled_us = now;
        l->sampled_hits = hits;
}

static void show(struct live *l) {
        struct term *t = &l->cli->log;
        const char *kind = json_text_at(l->fault, "kind", "?");
        int64_t hits = json_int_at(l->fault, "evidence/hits", 0);
        uint64_t now = clock_boottime_us();
        char left[32], spark[HISTORY_MAX * 4 + 1];

        if (l->cli->quiet)
                return;
        (void)fault_view_span(json_number_at(l->fault, "remaining_ms", 0), left, sizeof(left));
        if (t->is_tty) {
                term_live(t, "%s%s%s  %s left  %s%" PRId64 " hits%s  %s", term_on(t, STYLE_BOLD), kind, term_off(t),
                          left, term_on(t, hits ? STYLE_GOOD : STYLE_WARN), hits, term_off(t),
                          term_sparkline(t, l->hits_per_s, l->n_history, HISTORY_MAX, 0, 0, spark, sizeof(spark)));
                return;
        }
        if (now - l->said_us >= PLAIN_EVERY_US) {
                term_say(t, "%s: %s left, %" PRId64 " hits", kind, left, hits);
                l->said_us = now;
        }
}

/* Renewing answers with the fault's state, so one request does both. */
static int look(struct live *l) {
        uint64_t now = clock_boottime_us();
        bool renew = !l->detached && now - l->renewed_us >= l->lease_us / 3;
        SCOPED_JSON json_t *empty = json_object();
        json_t *answer = NULL;
        int r;

        r = renew ? node_call(&l->cli->node, "POST", l->renew_path, empty, &answer, &l->lost)
                  : node_call(&l->cli->node, "GET", l->path, NULL, &answer, &l->lost);
        if (r == -EBUSY && renew) /* over in the meantime: its last state can still be read */
                r = node_call(&l->cli->node, "GET", l->path, NULL, &answer, &l->lost);
        if (r < 0)
                return r;

        if (renew)
                l->renewed_us = now;
        keep(l, answer);
        sample(l);
        return 0;
}

static int revert(struct live *l, struct interrupt *interrupt) {
        struct term *t = &l->cli->log;
        json_t *answer = NULL;
        struct err e = { 0 };
        const char *word;
        int r;

        if (interrupt->signal)
                term_say(t, "%s: reverting %s …", interrupt_name(interrupt), json_text_at(l->fault, "kind", "?"));
        r = node_call(&l->cli->node, "DELETE", l->path, NULL, &answer, &e);
        if (r < 0) {
                term_say(t, "%sThe revert got no answer: %s%s", term_on(t, STYLE_BAD), e.msg, term_off(t));
                term_say(t, "The node reverts by itself within %.1f s, when the lease lapses.",
                         (double)l->lease_us / USEC_PER_SEC);
                return EXIT_ABORTED;
        }

        keep(l, answer);
        fault_view_ending(t, l->fault);
        return fault_view_verdict(l->fault, &word) == EXIT_RESIDUE ? EXIT_RESIDUE : EXIT_ABORTED;
}

/* True when there is no more hope: the lease has lapsed without us. */
static bool is_lost(const struct live *l) {
        return clock_boottime_us() - l->seen_us > l->lease_us + USEC_PER_SEC;
}

static int watch(struct live *l, struct interrupt *interrupt) {
        struct term *t = &l->cli->log;
        const char *word;

        while (!fault_view_is_over(l->fault)) {
                double left_ms = json_number_at(l->fault, "remaining_ms", 0);
                int pause = t->is_tty ? LOOK_TTY_MS : LOOK_PLAIN_MS;
                int r;

                if (!l->detached && (uint64_t)pause * USEC_PER_MSEC > l->lease_us / 3)
                        pause = (int)(l->lease_us / 3 / USEC_PER_MSEC);
                if (left_ms > 0 && left_ms + 20 < pause) /* no second of silence at the end */
                        pause = (int)left_ms + 20;
                show(l);
                if (interrupt_wait(interrupt, pause))
                        return revert(l, interrupt);

                r = look(l);
                if (r == -ENOENT || (r < 0 && is_lost(l))) {
                        term_say(t, "%sLost sight of the fault: %s%s", term_on(t, STYLE_BAD), l->lost.msg, term_off(t));
                        term_say(t, "If chaosd died, `chaosctl reap` removes what is left.");
                        return EXIT_ERROR;
                }
        }
        fault_view_ending(t, l->fault);
        return fault_view_verdict(l->fault, &word);
}

int live_watch(struct cli *cli, struct interrupt *interrupt, const json_t *fault, json_t **ret_last) {
        double lease_ms = json_number_at(fault, "lease_ms", LEASE_DEFAULT_MS);
        uint64_t now = clock_boottime_us();
        struct live l = {
                .cli = cli,
                .fault = json_incref((json_t *)fault),
                .lease_us = (uint64_t)((lease_ms > 0 ? lease_ms : LEASE_DEFAULT_MS) * USEC_PER_MSEC),
                .renewed_us = now,
                .seen_us = now,
                .said_us = now,
                .sampled_us = now,
                /* An irreversible fault is only watched. */
                .detached = json_bool_at(fault, "irreversible", false),
        };
        int code;

        (void)snprintf(l.uid, sizeof(l.uid), "%.36s", json_text_at(fault, "uid", ""));
        (void)snprintf(l.path, sizeof(l.path), "/v1/faults/%s", l.uid);
        (void)snprintf(l.renew_path, sizeof(l.renew_path), "%s/renew", l.path);
        code = watch(&l, interrupt);
        term_live_clear(&cli->log);
        *ret_last = l.fault;
        return code;
}
