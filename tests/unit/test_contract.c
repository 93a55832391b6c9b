/* The contract, for every kind of this build and each of its backends, on a host in memory (tests/fakes):
 * whichever kernel call fails, whichever record cannot be written, and whether the daemon lives or not, undoing
 * every record twice leaves the host as it was. A kind's parameters and target: tests/fakes/samples/<kind>.json. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/json.h"
#include "fakes/fake_kernel.h"
#include "fakes/targets.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/undo.h"
#include "lib/check.h"

#define STEPS_MAX 400 /* a kind that makes more kernel calls than this is stuck in a loop */
#define NOW_US    1000000000ULL
#define UID       "0b9f3c52-7a64-4a1e-9d53-2f1f6f0b7a11"

/* What is being tested: one kind, one sample, one backend. */
struct subject {
        const struct fault_ops *ops;
        const json_t *sample;
        const char *backend;
        char name[96]; /* for messages */
};

/* One fault of it on a fresh host. */
struct trial {
        const struct subject *subject;
        struct target_spec spec;
        struct target *target;
        void *params;
        struct undo undo;
        struct fault fault;
        struct fault_env env;
        char *before;
        unsigned pushes, push_fails_at;
        char *at_failed_push;
};

static int push(struct undo *u, const char *record, struct err *e) {
        struct trial *t = u->owner;

        if (++t->pushes == t->push_fails_at) {
                t->at_failed_push = fake_snapshot();
                return err_set(e, -ENOSPC, "push: injected failure");
        }
        return undo_append(u, record);
}

static void trial_init(struct trial *t, const struct subject *s) {
        struct err e = { 0 };
        int r;

        fake_reset();
        *t = (struct trial){ .subject = s, .undo = { .push = push, .owner = t } };
        t->params = calloc(1, s->ops->params_size);
        r = param_parse_object(target_params, json_at((json_t *)s->sample, "target"), &t->spec, &e);
        CHECK(r == 0, "%s: target: %s%s", s->name, e.msg, e.path);
        r = param_parse_object(s->ops->params, json_at((json_t *)s->sample, "params"), t->params, &e);
        CHECK(r == 0, "%s: params: %s%s", s->name, e.msg, e.path);

        t->target = fake_target(&t->spec, s->ops->targets);
        t->env = (struct fault_env){ .now_us = NOW_US, .runtime_dir = "/run/chaosd" };
        t->env.self_pidfd = fake_fd("daemon", "alive");
        t->fault = (struct fault){
                .ops = s->ops,
                .uid = UID,
                .target = t->target,
                .params = t->params,
                .backend = s->backend,
                .seed = 7,
                .deadline_us = NOW_US + 10000000,
                .undo = &t->undo,
                .holds = holds_new(),
        };
        t->before = fake_snapshot();
}

static void trial_done(struct trial *t) {
        holds_free(t->fault.holds);
        undo_done(&t->undo);
        target_free(t->target);
        (void)close(t->env.self_pidfd);
        param_done(t->subject->ops->params, t->params);
        param_done(target_params, &t->spec);
        free(t->params);
        free(t->before);
        free(t->at_failed_push);
}

static int inject(struct trial *t, struct err *e) {
        return t->subject->ops->inject(&t->env, &t->fault, e);
}

static void release(struct trial *t) {
        holds_free(t->fault.holds);
        t->fault.holds = NULL;
        t->fault.state = NULL;
}

static void check_is_as_before(const struct trial *t, const char *when, unsigned n) {
        char *now = fake_snapshot();

        CHECK(strcmp(now, t->before) == 0, "%s, %s %u: the host was\n%s---- and is\n%s", t->subject->name, when, n,
              t->before, now);
        free(now);
}

static bool is_irreversible(const struct trial *t) {
        return t->subject->ops->owner == FAULT_OWNER_IRREVERSIBLE;
}

static void revert_each_twice(struct trial *t, const char *when, unsigned n) {
        for (size_t i = t->undo.n; i > 0; i--)
                for (int again = 0; again < 2; again++) {
                        struct err e = { 0 };
                        int r = t->subject->ops->revert(&t->env, t->undo.records[i - 1], &e);

                        CHECK(r == 0, "%s, %s %u: undo%s of '%s': %s", t->subject->name, when, n, again ? " again" : "",
                              t->undo.records[i - 1], e.msg);
                }
}

/* The two ends: by the daemon that injected, or by the next one after the first was killed. */
static void check_undo(struct trial *t, bool killed, const char *when, unsigned n) {
        fake_fail_at(0);
        if (killed)
                release(t);
        revert_each_twice(t, when, n);
        if (!killed)
                release(t);
        /* What cannot be undone stays done, but nothing of ours may stay. */
        if (!is_irreversible(t))
                check_is_as_before(t, when, n);
}

/* No line of later that was not in earlier. */
static bool has_nothing_new(const char *earlier, const char *later) {
        for (const char *line = later; *line; line = strchr(line, '\n') + 1) {
                size_t len = (size_t)(strchr(line, '\n') + 1 - line);
                const char *at = earlier;

                while ((at = memmem(at, strlen(at), line, len)) && at != earlier && at[-1] != '\n')
                        at++;
                if (!at)
                        return false;
        }
        return true;
}

static void test_reading_changes_nothing(const struct subject *s) {
        for (unsigned n = 0; n < STEPS_MAX; n++) {
                struct err e = { 0 };
                char *text = NULL;
                struct trial t;
                bool reached;
                int r;

                trial_init(&t, s);
                t.fault.undo = NULL;
                fake_fail_at(n);
                r = s->ops->probe(&t.env, s->backend, &e);
                CHECK(r == 0 || n > 0, "%s: probe: %s", s->name, e.msg);
                r = s->ops->validate(t.params, &e);
                CHECK(r == 0, "%s: validate: %s", s->name, e.msg);
                holds_free(t.fault.holds);
                t.fault.holds = NULL;
                r = s->ops->plan(&t.env, &t.fault, &text, &e);
                CHECK(n > 0 || (r == 0 && text && text[0]), "%s: plan: %s", s->name, e.msg);
                CHECK(r == 0 || !text, "%s, n=%u: a failed plan has a text", s->name, n);
                CHECK(n > 0 || !is_irreversible(&t) || strstr(text, "irreversible"),
                      "%s: the plan must say irreversible", s->name);
                check_is_as_before(&t, "probe and plan, failing call", n);
                reached = n == 0 || fake_failed()[0];
                free(text);
                trial_done(&t);
                if (!reached)
                        break;
        }
}

static void check_verify(struct trial *t) {
        struct evidence ev = { 0 };
        struct err e = { 0 };
        int r = t->subject->ops->verify(&t->env, &t->fault, &ev, &e);

        CHECK(r == 1, "%s: verify says %d: %s%s", t->subject->name, r, e.msg, ev.note);
        CHECK(ev.hits > 0, "%s: no evidence on a host where all goes well", t->subject->name);
        CHECK(ev.n_counters > 0, "%s: no counters", t->subject->name);
}

static void check_renew(struct trial *t) {
        struct err e = { 0 };
        int r;

        if (!t->subject->ops->renew)
                return;
        t->fault.deadline_us += 5000000;
        r = t->subject->ops->renew(&t->env, &t->fault, &e);
        CHECK(r == 0, "%s: renew: %s", t->subject->name, e.msg);
}

static void test_all_goes_well(const struct subject *s, bool killed) {
        struct err e = { 0 };
        struct trial t;
        int r;

        trial_init(&t, s);
        r = inject(&t, &e);
        CHECK(r == 0, "%s: inject: %s", s->name, e.msg);
        if (r == 0) {
                check_verify(&t);
                check_renew(&t);
        }
        check_undo(&t, killed, killed ? "killed after inject" : "after inject", 0);
        trial_done(&t);
}

static void test_every_call_fails(const struct subject *s, bool killed) {
        for (unsigned n = 1; n < STEPS_MAX; n++) {
                struct err e = { 0 };
                struct trial t;
                bool reached;
                int r;

                trial_init(&t, s);
                fake_fail_at(n);
                r = inject(&t, &e);
                reached = fake_failed()[0];
                CHECK(r == 0 || e.msg[0], "%s, n=%u: a failure without words", s->name, n);
                CHECK(r == 0 || reached, "%s: inject fails by itself after %u calls: %s", s->name, n, e.msg);
                check_undo(&t, killed, killed ? "killed at call" : "failing call", n);
                trial_done(&t);
                if (!reached)
                        return;
        }
        CHECK(false, "%s: over %d kernel calls", s->name, STEPS_MAX);
}

static void test_every_push_fails(const struct subject *s) {
        for (unsigned n = 1; n < UNDO_MAX; n++) {
                struct err e = { 0 };
                struct trial t;
                bool reached;
                char *now;
                int r;

                trial_init(&t, s);
                t.push_fails_at = n;
                r = inject(&t, &e);
                reached = t.at_failed_push;
                if (reached) {
                        CHECK(r < 0, "%s: injected without its record %u", s->name, n);
                        now = fake_snapshot();
                        CHECK(has_nothing_new(t.at_failed_push, now),
                              "%s: a change without record %u: was\n%s---- is\n%s", s->name, n, t.at_failed_push, now);
                        free(now);
                }
                CHECK(is_irreversible(&t) || t.pushes > 0, "%s: injects without any record", s->name);
                check_undo(&t, false, "failing push", n);
                trial_done(&t);
                if (!reached)
                        return;
        }
}

/* An undo that fails half-way is tried again: it must not have forgotten or broken anything. */
static void test_every_undo_fails(const struct subject *s) {
        for (unsigned n = 1; n < STEPS_MAX; n++) {
                struct err e = { 0 };
                struct trial t;
                bool reached;

                trial_init(&t, s);
                (void)inject(&t, &e);
                fake_fail_at(n);
                (void)fault_undo_all(&t.env, s->ops, &t.undo, &e);
                reached = fake_failed()[0];
                check_undo(&t, n % 2, "failing call in undo", n);
                trial_done(&t);
                if (!reached)
                        return;
        }
}

static void test_every_look_fails(const struct subject *s) {
        for (unsigned n = 1; n < STEPS_MAX; n++) {
                struct evidence ev = { 0 };
                struct err e = { 0 };
                struct trial t;
                bool reached;

                trial_init(&t, s);
                (void)inject(&t, &e);
                fake_fail_at(n);
                (void)s->ops->verify(&t.env, &t.fault, &ev, &e);
                if (s->ops->renew)
                        (void)s->ops->renew(&t.env, &t.fault, &e);
                reached = fake_failed()[0];
                check_undo(&t, false, "failing call in verify and renew", n);
                trial_done(&t);
                if (!reached)
                        return;
        }
}

static void count_found(void *arg, const char *what) {
        CHECK(what && what[0], "found something without a name");
        ++*(unsigned *)arg;
}

/* Killed, and the journal lost as well: what carries our mark is found, and only told when that is all we ask. */
static void test_sweep(const struct subject *s) {
        unsigned found = 0, removed = 0, left = 0;
        struct err e = { 0 };
        struct trial t;
        char *now;
        int r;

        if (!s->ops->sweep)
                return;

        trial_init(&t, s);
        (void)inject(&t, &e);
        release(&t);
        now = fake_snapshot();
        r = s->ops->sweep(&t.env, true, count_found, &found, &e);
        CHECK(r >= 0, "%s: sweep: %s", s->name, e.msg);
        free(t.before);
        t.before = now;
        check_is_as_before(&t, "dry sweep", 0);
        r = s->ops->sweep(&t.env, false, count_found, &removed, &e);
        CHECK(r >= 0 && removed == found, "%s: sweep found %u, removed %u: %s", s->name, found, removed, e.msg);
        r = s->ops->sweep(&t.env, true, count_found, &left, &e);
        CHECK(r >= 0 && left == 0, "%s: sweep left %u", s->name, left);
        trial_done(&t);
}

static void test_subject(const struct subject *s) {
        test_reading_changes_nothing(s);
        for (int killed = 0; killed < 2; killed++) {
                test_all_goes_well(s, killed);
                test_every_call_fails(s, killed);
        }
        test_every_push_fails(s);
        test_every_undo_fails(s);
        test_every_look_fails(s);
        test_sweep(s);
}

/* A sample may name one backend; else it is for all of them. */
static void test_sample(const struct fault_ops *ops, const json_t *sample, size_t index) {
        const char *only = json_text_at(sample, "backend", NULL);

        for (const struct fault_backend *b = ops->backends; b->name; b++) {
                struct subject s = { .ops = ops, .sample = sample, .backend = b->name };

                if (only && strcmp(only, b->name) != 0)
                        continue;
                (void)snprintf(s.name, sizeof(s.name), "%s by %s, sample %zu", ops->name, b->name, index + 1);
                test_subject(&s);
        }
}

static void test_kind(const struct fault_ops *ops) {
        SCOPED_JSON json_t *samples = NULL;
        struct err e = { 0 };
        char path[512];
        int r;

        (void)snprintf(path, sizeof(path), "%s/tests/fakes/samples/%s.json", CHAOS_SOURCE_DIR, ops->name);
        r = json_load_path(path, &samples, &e);
        CHECK(r == 0, "%s has no sample: %s", ops->name, e.msg);
        CHECK(ops->backends && ops->backends[0].name, "%s has no backend", ops->name);
        if (r < 0)
                return;

        if (!json_is_array(samples))
                test_sample(ops, samples, 0);
        for (size_t i = 0; i < json_array_size(samples); i++)
                test_sample(ops, json_array_get(samples, i), i);
}

int main(void) {
        const char *previous = "";

        for (const struct fault_ops *const *f = fault_table; *f; f++) {
                CHECK(strcmp(previous, (*f)->name) < 0, "%s is out of order or twice", (*f)->name);
                test_kind(*f);
                previous = (*f)->name;
        }
        return check_result();
}
