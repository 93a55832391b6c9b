#include "chaosd/life.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "chaosd/daemon.h"
#include "chaosd/events.h"
#include "chaosd/history.h"
#include "chaosd/log.h"
#include "chaosd/policy.h"
#include "chaosd/presence.h"
#include "chaosd/probes.h"
#include "core/clock.h"
#include "core/text.h"
#include "faults/holds.h"

static void link_life(struct life *l) {
        l->next = l->daemon->lives;
        l->daemon->lives = l;
}

void life_free(struct life *l) {
        if (!l)
                return;

        for (struct life **at = &l->daemon->lives; *at; at = &(*at)->next)
                if (*at == l) {
                        *at = l->next;
                        break;
                }

        lease_disarm(l);
        holds_free(l->fault.holds);
        journal_entry_done(&l->journal);
        target_free(l->target);
        request_free(l->request);
        json_decref(l->about);
        free(l);
}
DEFINE_SCOPED(struct life, life_free)

struct life *life_find(const struct daemon *d, const char *uid) {
        for (struct life *l = d->lives; l; l = l->next)
                if (strcmp(l->fault.uid, uid) == 0)
                        return l;
        return NULL;
}

static int draw_uid(char uid[static JOURNAL_UID_SIZE], struct err *e) {
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return err_set(e, r, "cannot draw a UID: %s", strerror(-r));

        (void)sd_id128_to_uuid_string(id, uid);
        return 0;
}

static int resolve(struct life *l, const struct request *q, struct err *e) {
        const struct daemon *d = l->daemon;
        const struct target_policy policy = {
                .break_glass = q->break_glass,
                .daemon = getpid(),
                .client = q->client,
                .protected_comms = (const char *const *)d->config->protected_comms,
        };
        int r;

        r = target_resolve(&q->target, q->ops->targets, q->ops->target_required, q->ops->target_optional, &policy,
                           q->seed, &l->target, e);
        if (r < 0) {
                (void)err_at(e, "target");
                return r;
        }

        return policy_admit_target(d, l->target, e);
}

/* For plan and inject: what this request may do. */
static struct fault_env *life_env(struct life *l, const struct request *q) {
        struct fault_env *env = daemon_env(l->daemon);

        env->break_glass = q->break_glass;
        return env;
}

/* The first backend could not act on this target (why): is there one that can? Adds to *reason why not the first. */
static int plan_with_another(struct life *l, const struct request *q, char **reason, char **ret_plan, struct err *why) {
        struct daemon *d = l->daemon;
        const char *first = l->fault.backend;

        for (const struct fault_backend *b = q->ops->backends; b->name; b++) {
                SCOPED_FREE char *others = NULL;
                struct err e = { 0 };
                char *longer;
                int r;

                if (strcmp(b->name, first) == 0 ||
                    probes_choose(d->probes, daemon_env(d), q->ops, b->name, &l->fault.backend, &others, NULL) < 0)
                        continue;
                r = q->ops->plan(life_env(l, q), &l->fault, ret_plan, &e);
                if (r == -EOPNOTSUPP)
                        continue;
                if (r < 0) {
                        *why = e;
                        return r;
                }
                if (asprintf(&longer, "%s%s%s: %s", *reason, **reason ? "; " : "", first, why->msg) < 0)
                        return err_set(why, -ENOMEM, "no memory");
                free(*reason);
                *reason = longer;
                return 0;
        }
        return -EOPNOTSUPP;
}

/* The first backend that works on this node and can act on this target: plan() answers -EOPNOTSUPP where it cannot.
 * One that was asked for by name is the only one tried. */
static int choose_and_plan(struct life *l, const struct request *q, char **ret_reason, char **ret_plan, struct err *e) {
        struct daemon *d = l->daemon;
        SCOPED_FREE char *reason = NULL, *plan = NULL;
        struct err why = { 0 };
        int r;

        r = probes_choose(d->probes, daemon_env(d), q->ops, q->backend, &l->fault.backend, &reason, e);
        if (r < 0)
                return r;

        r = q->ops->plan(life_env(l, q), &l->fault, &plan, &why);
        if (r == -EOPNOTSUPP && !q->backend)
                r = plan_with_another(l, q, &reason, &plan, &why);
        if (r < 0) {
                (void)err_wrap(&why, r, "plan %s", q->ops->name);
                if (e)
                        *e = why;
                return r;
        }

        *ret_reason = TAKE_PTR(reason);
        *ret_plan = TAKE_PTR(plan);
        return 0;
}

/* Everything that comes before the first change. q stays the caller's. */
static int prepare(struct daemon *d, struct request *q, struct life **ret, struct err *e) {
        SCOPED(life_freep) struct life *l = calloc(1, sizeof(*l));
        SCOPED_FREE char *reason = NULL, *plan = NULL;
        int r;

        if (!l)
                return err_set(e, -ENOMEM, "no memory");

        l->daemon = d;
        l->created_wall_us = clock_realtime_us();
        l->lease_us = q->detached ? q->for_us : q->lease_us ? q->lease_us : d->config->limits.default_lease_us;
        l->verified = -1;
        (void)snprintf(l->kind, sizeof(l->kind), "%s", q->ops->name);
        l->fault = (struct fault){ .ops = q->ops, .params = q->params, .seed = q->seed };

        r = policy_admit(d, q, e);
        if (r < 0)
                return r;

        r = draw_uid(l->fault.uid, e);
        if (r < 0)
                return r;

        r = resolve(l, q, e);
        if (r < 0)
                return r;

        l->fault.target = l->target;
        l->fault.deadline_us = daemon_env(d)->now_us + (l->lease_us < q->for_us ? l->lease_us : q->for_us);
        r = choose_and_plan(l, q, &reason, &plan, e);
        if (r < 0)
                return r;

        l->request = q; /* borrowed until the caller hands it over */
        l->about = life_describe_about(l, reason, plan);
        l->request = NULL;
        if (!l->about)
                return err_set(e, -ENOMEM, "no memory for the plan");

        *ret = TAKE_PTR(l);
        return 0;
}

int life_plan(struct daemon *d, struct request *q, json_t **ret_plan, struct err *e) {
        SCOPED(life_freep) struct life *l = NULL;
        json_t *plan;
        int r;

        r = prepare(d, q, &l, e);
        if (r < 0)
                return r;

        l->request = q;
        plan = life_describe_plan(l);
        l->request = NULL;
        if (!plan)
                return err_set(e, -ENOMEM, "no memory for the plan");

        *ret_plan = plan;
        return 0;
}

void life_read_evidence(struct life *l) {
        const struct fault_ops *ops = l->fault.ops;
        struct fault_env *env = daemon_env(l->daemon);
        struct evidence evidence = { 0 };
        struct err e = { 0 };
        int r;

        if (l->state != LIFE_ACTIVE || !ops || !ops->verify)
                return;

        /* Timers come a little late, and then a kind whose kernel side knows the deadline is over already: what counts
         * is whether it was there until then. */
        if (env->now_us >= l->fault.deadline_us)
                env->now_us = l->fault.deadline_us - 1;
        r = ops->verify(env, &l->fault, &evidence, &e);
        if (r < 0) { /* the counters that were read before stay */
                l->verified = -1;
                (void)snprintf(l->evidence.note, sizeof(l->evidence.note), "cannot tell: %.180s", e.msg);
                (void)text_clean(l->evidence.note);
                return;
        }
        (void)text_clean(evidence.note);
        l->evidence = evidence;
        l->verified = r > 0;
}

static void audit_life(const struct life *l, const char *action, const struct audit_peer *peer, const char *result,
                       const char *detail) {
        const struct audit_event event = {
                .action = action,
                .peer = peer,
                .uid = l->fault.uid,
                .kind = l->kind,
                .result = result,
                .detail = detail,
        };

        (void)daemon_audit(l->daemon, &event, NULL);
}

static void publish(struct life *l, const char *type) {
        SCOPED_JSON json_t *fault = life_describe(l);

        events_publish(l->daemon, type, "fault", fault);
}

/* One undo, for every end that a fault can have. */
static int undo(struct life *l, struct err *e) {
        uint64_t started_us = clock_boottime_us();
        int r;

        l->state = LIFE_REVERTING;
        if (l->fault.ops)
                r = fault_undo_all(daemon_env(l->daemon), l->fault.ops, &l->journal.undo, e);
        else
                r = err_set(e, -EOPNOTSUPP, "this build does not know the kind %s: undo it with the build that made it",
                            l->kind);

        /* Also after a failure: what dies with us shall not wait for what does not. */
        holds_free(TAKE_PTR(l->fault.holds));
        l->fault.state = NULL;
        if (r == 0)
                r = journal_drop(&l->journal, e);
        l->undo_took_us = clock_boottime_us() - started_us;
        return r;
}

static int remember_failure(struct life *l, const struct audit_peer *peer, const struct err *why) {
        bool first = !l->undo_tried;
        struct err e = { 0 };

        l->undo_tried = true;
        l->undo_err = *why;
        (void)text_clean(l->undo_err.msg);
        l->state = LIFE_FAILED;
        l->daemon->undo_failures++;
        if (lease_arm_retry(l, &e) < 0)
                log_error("%s %s: %s", l->kind, l->fault.uid, e.msg);
        if (first) {
                log_error("undo of %s %s failed, trying again every second: %s", l->kind, l->fault.uid, why->msg);
                audit_life(l, "revert", peer, "failed", why->msg);
                publish(l, "failed");
        }
        daemon_publish_status(l->daemon);
        return why->code;
}

static const char *const reason_names[] = {
        [LIFE_REASON_ENDED] = "ended",         [LIFE_REASON_REQUESTED] = "requested",
        [LIFE_REASON_LEASE] = "lease",         [LIFE_REASON_HALT] = "halt",
        [LIFE_REASON_SHUTDOWN] = "shutdown",   [LIFE_REASON_TARGET_GONE] = "target-gone",
        [LIFE_REASON_RECOVERED] = "recovered", [LIFE_REASON_INJECT] = "inject-failed",
};

const char *life_reason_name(enum life_reason reason) {
        return reason_names[reason];
}

int life_end(struct life *l, enum life_reason reason, const struct audit_peer *peer, struct err *e) {
        struct daemon *d = l->daemon;
        struct history_totals *totals;
        struct err why = { 0 };

        if (l->reason == LIFE_REASON_NONE)
                l->reason = reason;

        lease_disarm(l);
        life_read_evidence(l);
        if (undo(l, &why) < 0) {
                (void)remember_failure(l, peer, &why);
                return err_set(e, why.code, "%s", why.msg);
        }

        l->state = LIFE_GONE;
        l->undo_tried = true;
        l->undo_err = (struct err){ 0 };
        l->reverted_us = clock_boottime_us();
        l->reverted_wall_us = clock_realtime_us();
        totals = history_totals(d->history, l->kind);
        if (totals)
                totals->hits += l->evidence.hits;

        audit_life(l, "revert", peer, "ok", life_reason_name(l->reason));
        publish(l, "reverted");
        {
                SCOPED_JSON json_t *final = life_describe(l);

                history_add(d->history, l->fault.uid, final);
        }
        life_free(l);
        daemon_publish_status(d);
        return 0;
}

void life_end_all(struct daemon *d, enum life_reason reason, const struct audit_peer *peer, json_t **ret_reverted,
                  json_t **ret_failed) {
        struct life *next;

        *ret_reverted = json_array();
        *ret_failed = json_array();
        for (struct life *l = d->lives; l; l = next) {
                json_t *uid = json_string(l->fault.uid);

                next = l->next;
                (void)json_array_append_new(life_end(l, reason, peer, NULL) < 0 ? *ret_failed : *ret_reverted, uid);
        }
}

/* inject() failed at some step, or what follows it did: undo what was applied. */
static int give_up(struct life *l, const struct audit_peer *peer, struct life_failure *how, struct err *e) {
        size_t applied = l->journal.undo.n;
        struct err why = { 0 };

        how->changing = true;
        lease_disarm(l);
        if (undo(l, &why) == 0) {
                audit_life(l, "inject", peer, "failed", e->msg);
                daemon_publish_status(l->daemon);
                life_free(l);
                return err_wrap(e, e->code, "inject failed after %zu undo record%s, all undone", applied,
                                applied == 1 ? "" : "s");
        }

        l->reason = LIFE_REASON_INJECT;
        audit_life(l, "inject", peer, "failed", e->msg);
        link_life(l);
        (void)snprintf(how->residue, sizeof(how->residue), "%s", l->fault.uid);
        (void)remember_failure(l, peer, &why);
        return err_wrap(e, e->code, "inject failed after %zu undo records, and the undo failed too (%.120s)", applied,
                        why.msg);
}

static int inject(struct life *l, struct err *e) {
        uint64_t started_us = clock_boottime_us();
        int r;

        l->fault.holds = holds_new();
        if (!l->fault.holds)
                return err_set(e, -ENOMEM, "no memory");

        l->fault.undo = &l->journal.undo;
        l->end_us = started_us + l->request->for_us;
        l->fault.deadline_us = started_us + l->lease_us < l->end_us ? started_us + l->lease_us : l->end_us;
        r = l->fault.ops->inject(life_env(l, l->request), &l->fault, e);
        if (r < 0)
                return err_wrap(e, r, "%s by %s", l->kind, l->fault.backend);

        r = journal_store(&l->journal, "active", e);
        if (r < 0)
                return r;

        r = lease_arm(l, e);
        if (r < 0)
                return r;

        r = lease_watch_target(l, e);
        if (r < 0)
                return r;

        l->state = LIFE_ACTIVE;
        l->injected_us = clock_boottime_us();
        l->injected_wall_us = clock_realtime_us();
        l->inject_took_us = l->injected_us - started_us;
        return 0;
}

int life_start(struct daemon *d, struct request **q, const struct audit_peer *peer, struct life **ret,
               struct life_failure *how, struct err *e) {
        SCOPED(life_freep) struct life *l = NULL;
        struct history_totals *totals;
        int r;

        r = prepare(d, *q, &l, e);
        if (r < 0)
                return r;

        l->request = TAKE_PTR(*q);
        journal_entry_init(&l->journal, &d->journal, l->fault.uid, l->kind, l->about);
        {
                const struct audit_event asked = { .action = "inject",
                                                   .peer = peer,
                                                   .uid = l->fault.uid,
                                                   .kind = l->kind,
                                                   .result = "asked",
                                                   .detail = l->request->experiment };

                r = daemon_audit(d, &asked, e);
                if (r < 0)
                        return r;
        }

        presence_set(&d->presence, 1);
        r = journal_store(&l->journal, "intent", e);
        if (r < 0)
                return r;

        r = inject(l, e);
        if (r < 0)
                return give_up(TAKE_PTR(l), peer, how, e);

        totals = history_totals(d->history, l->kind);
        if (totals)
                totals->injected++;
        link_life(l);
        life_read_evidence(l);
        audit_life(l, "inject", peer, "ok", l->fault.backend);
        publish(l, "injected");
        daemon_publish_status(d);
        *ret = TAKE_PTR(l);
        return 0;
}

int life_renew(struct life *l, uint64_t lease_us, struct err *e) {
        struct fault_env *env = daemon_env(l->daemon);
        uint64_t old_us = l->fault.deadline_us;
        uint64_t deadline_us;
        int r;

        if (l->state != LIFE_ACTIVE)
                return err_set(e, -EBUSY, "the fault is over");

        if (lease_us == 0)
                lease_us = l->lease_us;
        deadline_us = env->now_us + lease_us < l->end_us ? env->now_us + lease_us : l->end_us;

        l->fault.deadline_us = deadline_us;
        r = l->fault.ops->renew ? l->fault.ops->renew(env, &l->fault, e) : 0;
        if (r == 0)
                r = lease_arm(l, e);
        if (r < 0) {
                l->fault.deadline_us = old_us;
                return r;
        }

        l->lease_us = lease_us;
        publish(l, "renewed");
        return 0;
}

int life_adopt(struct daemon *d, struct journal_entry *entry, const struct err *why, struct err *e) {
        struct life *l = calloc(1, sizeof(*l));

        if (!l) {
                journal_entry_free(entry);
                return err_set(e, -ENOMEM, "no memory");
        }

        l->daemon = d;
        l->verified = -1;
        l->reason = LIFE_REASON_RECOVERED;
        l->fault.ops = daemon_find_kind(d, entry->kind);
        (void)snprintf(l->kind, sizeof(l->kind), "%s", entry->kind);
        (void)snprintf(l->fault.uid, sizeof(l->fault.uid), "%s", entry->uid);
        journal_entry_init(&l->journal, &d->journal, entry->uid, entry->kind, NULL);
        l->about = json_incref(entry->about);
        l->journal.about = l->about;
        l->journal.undo.n = entry->undo.n; /* the records move over */
        memcpy(l->journal.undo.records, entry->undo.records, sizeof(entry->undo.records));
        entry->undo.n = 0;
        journal_entry_free(entry);

        link_life(l);
        (void)remember_failure(l, NULL, why);
        return 0;
}
