#include "chaosd/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "chaosd/daemon.h"
#include "chaosd/events.h"
#include "chaosd/history.h"
#include "chaosd/life.h"
#include "chaosd/log.h"
#include "chaosd/metrics.h"
#include "chaosd/prober.h"
#include "chaosd/probes.h"
#include "core/err.h"
#include "core/units.h"
#include "core/version.h"

#define PROBLEM_TYPE "application/problem+json"

void call_done(struct call *c) {
        json_decref(c->json);
        free(c->text);
        c->json = NULL;
        c->text = NULL;
}

static int answer(struct call *c, unsigned status, json_t *json, struct err *e) {
        if (!json)
                return err_set(e, -ENOMEM, "no memory for the answer");

        c->status = status;
        c->json = json;
        return 0;
}

static int answer_text(struct call *c, unsigned status, char *text, const char *type, struct err *e) {
        if (!text)
                return err_set(e, -ENOMEM, "no memory for the answer");

        c->status = status;
        c->text = text;
        c->content_type = type;
        return 0;
}

/* The body as an object; no body is an empty one. */
static int parse_body(const struct call *c, json_t **ret, struct err *e) {
        json_t *body = NULL;
        int r;

        if (c->body_len == 0) {
                *ret = json_object();
                return *ret ? 0 : err_set(e, -ENOMEM, "no memory");
        }

        r = json_parse(c->body, c->body_len, &body, e);
        if (r < 0)
                return r;

        if (!json_is_object(body)) {
                json_decref(body);
                return err_set(e, -EINVAL, "the body must be a JSON object");
        }
        *ret = body;
        return 0;
}

static int parse_request(struct daemon *d, const struct call *c, struct request **ret, struct err *e) {
        SCOPED_JSON json_t *body = NULL;
        int r;

        r = parse_body(c, &body, e);
        if (r < 0)
                return r;

        r = request_parse(body, d->kinds, ret, e);
        if (r == 0)
                (*ret)->client = c->peer.pid;
        return r;
}

static json_t *describe_limits(const struct config *config) {
        char ttl[UNITS_TEXT_SIZE], lease[UNITS_TEXT_SIZE];

        return json_pack("{s:I s:I s:s s:s}", "max_faults", (json_int_t)config->limits.max_faults,
                         "max_faults_per_target", (json_int_t)config->limits.max_faults_per_target, "max_ttl",
                         units_format_duration(config->limits.max_ttl_us, ttl), "default_lease",
                         units_format_duration(config->limits.default_lease_us, lease));
}

json_t *api_describe_capabilities(struct daemon *d) {
        json_t *kinds = json_array();
        struct utsname uts;

        (void)uname(&uts);
        for (const struct fault_ops *const *k = d->kinds; *k; k++)
                (void)json_array_append_new(kinds, probes_describe(d->probes, daemon_env(d), *k));
        return json_pack("{s:s s:s s:s s:s s:s s:b s:s? s:s s:o s:{s:b s:b} s:o}", "version", CHAOS_VERSION, "api",
                         CHAOS_API_VERSION, "hostname", uts.nodename, "kernel", uts.release, "arch", uts.machine,
                         "halted", d->halted, "halt_reason", d->halted ? d->halt_reason : NULL, "boot_id",
                         d->journal.boot_id, "limits", describe_limits(d->config), "policy", "break_glass_allowed",
                         d->config->policy.break_glass, "whole_node_allowed", d->config->policy.whole_node, "kinds",
                         kinds);
}

static int get_capabilities(struct daemon *d, struct call *c, struct err *e) {
        return answer(c, 200, api_describe_capabilities(d), e);
}

static int post_plan(struct daemon *d, struct call *c, struct err *e) {
        SCOPED(request_freep) struct request *q = NULL;
        json_t *plan = NULL;
        int r;

        r = parse_request(d, c, &q, e);
        if (r < 0)
                return r;

        r = life_plan(d, q, &plan, e);
        if (r < 0)
                return r;

        return answer(c, 200, plan, e);
}

static void audit_refusal(struct daemon *d, const struct call *c, const char *action, const char *kind,
                          const struct err *e) {
        const struct audit_event event = {
                .action = action,
                .peer = &c->peer,
                .kind = kind,
                .result = "refused",
                .detail = e->msg,
        };

        (void)daemon_audit(d, &event, NULL);
}

static int post_fault(struct daemon *d, struct call *c, struct err *e) {
        SCOPED(request_freep) struct request *q = NULL;
        struct life_failure how = { 0 };
        const struct fault_ops *ops;
        struct life *life = NULL;
        int r;

        r = parse_request(d, c, &q, e);
        if (r < 0)
                return r;

        ops = q->ops;
        r = life_start(d, &q, &c->peer, &life, &how, e);
        if (r < 0) {
                if (!how.changing)
                        audit_refusal(d, c, "inject", ops->name, e);
                c->problem.changing = how.changing;
                if (how.residue[0]) {
                        (void)snprintf(c->uid, sizeof(c->uid), "%s", how.residue);
                        c->problem.residue = c->uid;
                }
                return r;
        }

        return answer(c, 201, life_describe(life), e);
}

static int list_faults(struct daemon *d, struct call *c, struct err *e) {
        json_t *faults = json_array();
        json_t *past;

        for (struct life *l = d->lives; l; l = l->next) {
                life_read_evidence(l);
                (void)json_array_append_new(faults, life_describe(l));
        }
        for (unsigned i = 0; c->all && (past = history_get(d->history, i)); i++)
                (void)json_array_append_new(faults, past);
        return answer(c, 200,
                      json_pack("{s:o s:b s:s?}", "faults", faults, "halted", d->halted, "halt_reason",
                                d->halted ? d->halt_reason : NULL),
                      e);
}

static int refuse_uid(const struct call *c, struct err *e) {
        return err_set(e, -ENOENT, "no fault has the UID %s", c->uid);
}

/* 200 with the last state of a fault that is over, 404 when nobody knows it. */
static int answer_past(struct daemon *d, struct call *c, struct err *e) {
        json_t *past = history_find(d->history, c->uid);

        return past ? answer(c, 200, past, e) : refuse_uid(c, e);
}

static int get_fault(struct daemon *d, struct call *c, struct err *e) {
        struct life *l = life_find(d, c->uid);

        if (!l)
                return answer_past(d, c, e);

        life_read_evidence(l);
        return answer(c, 200, life_describe(l), e);
}

static int renew_fault(struct daemon *d, struct call *c, struct err *e) {
        SCOPED_JSON json_t *body = NULL, *past = NULL;
        struct life *l = life_find(d, c->uid);
        const json_t *lease, *value;
        const char *key;
        uint64_t lease_us = 0;
        bool detached = false;
        int r;

        r = parse_body(c, &body, e);
        if (r < 0)
                return r;

        json_object_foreach (body, key, value)
                if (strcmp(key, "lease") != 0) {
                        (void)err_set(e, -EINVAL, "unknown key '%.60s'; known: lease", key);
                        return err_at(e, key);
                }

        lease = json_object_get(body, "lease");
        if (lease && !json_is_string(lease)) {
                (void)err_set(e, -EINVAL, "a lease is text with a unit, such as \"5s\"");
                return err_at(e, "lease");
        }
        if (lease) {
                r = request_parse_lease(json_string_value(lease), &lease_us, &detached, e);
                if (r < 0)
                        return r;
        }

        if (!l) {
                past = history_find(d->history, c->uid);
                return past ? err_set(e, -EBUSY, "the fault is over: %s", json_text_at(past, "reason", "gone"))
                            : refuse_uid(c, e);
        }

        r = life_renew(l, detached ? UINT64_MAX / 4 : lease_us, e);
        if (r < 0)
                return r;

        life_read_evidence(l);
        return answer(c, 200, life_describe(l), e);
}

static int delete_fault(struct daemon *d, struct call *c, struct err *e) {
        struct life *l = life_find(d, c->uid);
        int r;

        if (!l)
                return answer_past(d, c, e);

        r = life_end(l, LIFE_REASON_REQUESTED, &c->peer, e);
        if (r < 0) {
                c->problem.changing = true;
                c->problem.residue = c->uid;
                return r;
        }

        return answer_past(d, c, e);
}

static int post_halt(struct daemon *d, struct call *c, struct err *e) {
        SCOPED_JSON json_t *body = NULL;
        json_t *reverted = NULL, *failed = NULL;
        struct audit_event event = { .action = "halt", .peer = &c->peer, .result = "ok" };
        const char *reason;
        int r;

        r = parse_body(c, &body, e);
        if (r < 0)
                return r;

        reason = json_text_at(body, "reason", "no reason given");
        r = halt_store(d, reason, e); /* first: nothing new may come while the old is undone */
        if (r < 0)
                return r;

        event.detail = reason;
        (void)daemon_audit(d, &event, NULL);
        life_end_all(d, LIFE_REASON_HALT, &c->peer, &reverted, &failed);
        events_publish(d, "halted", "fault", NULL);
        daemon_publish_status(d);
        return answer(c, 200,
                      json_pack("{s:b s:s s:o s:o}", "halted", 1, "reason", d->halt_reason, "reverted", reverted,
                                "failed", failed),
                      e);
}

static int post_resume(struct daemon *d, struct call *c, struct err *e) {
        const struct audit_event event = { .action = "resume", .peer = &c->peer, .result = "ok" };
        int r;

        r = halt_clear(d, e);
        if (r < 0)
                return r;

        (void)daemon_audit(d, &event, NULL);
        events_publish(d, "resumed", "fault", NULL);
        daemon_publish_status(d);
        return answer(c, 200, json_pack("{s:b}", "halted", 0), e);
}

static int get_events(struct daemon *d, struct call *c, struct err *e) {
        (void)d;
        (void)e;
        c->status = 200;
        c->stream = true;
        return 0;
}

static int get_metrics(struct daemon *d, struct call *c, struct err *e) {
        return answer_text(c, 200, metrics_text(d), "text/plain; version=0.0.4; charset=utf-8", e);
}

static int get_health(struct daemon *d, struct call *c, struct err *e) {
        char *text;

        for (struct life *l = d->lives; l; l = l->next) {
                if (l->state != LIFE_FAILED)
                        continue;
                if (asprintf(&text, "the undo of %s %s fails: %s\n", l->kind, l->fault.uid, l->undo_err.msg) < 0)
                        text = NULL;
                return answer_text(c, 503, text, "text/plain; charset=utf-8", e);
        }
        return answer_text(c, 200, strdup("ok\n"), "text/plain; charset=utf-8", e);
}

/* In a pattern, * stands for one UID. */
static const struct route {
        const char *method, *pattern;
        int (*handle)(struct daemon *d, struct call *c, struct err *e);
} routes[] = {
        { "GET", "/v1/capabilities", get_capabilities },
        { "POST", "/v1/plan", post_plan },
        { "POST", "/v1/faults", post_fault },
        { "GET", "/v1/faults", list_faults },
        { "GET", "/v1/faults/*", get_fault },
        { "DELETE", "/v1/faults/*", delete_fault },
        { "POST", "/v1/faults/*/renew", renew_fault },
        { "POST", "/v1/halt", post_halt },
        { "POST", "/v1/resume", post_resume },
        { "GET", "/v1/events", get_events },
        { "GET", "/metrics", get_metrics },
        { "GET", "/healthz", get_health },
};

static bool match_path(const char *pattern, const char *path, char *uid, size_t size) {
        const char *star = strchr(pattern, '*');
        size_t head, len;

        if (!star)
                return strcmp(pattern, path) == 0;

        head = (size_t)(star - pattern);
        if (strncmp(pattern, path, head) != 0)
                return false;

        len = strcspn(path + head, "/");
        if (len == 0 || len >= size || strcmp(path + head + len, star + 1) != 0)
                return false;

        memcpy(uid, path + head, len);
        uid[len] = 0;
        return true;
}

static int find_route(struct call *c, const struct route **ret, struct err *e) {
        const char *other = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
                if (!match_path(routes[i].pattern, c->path, c->uid, sizeof(c->uid)))
                        continue;
                if (strcmp(routes[i].method, c->method) == 0) {
                        *ret = &routes[i];
                        return 0;
                }
                /* Paths have at most two methods. */
                other = !other                                         ? routes[i].method
                        : strcmp(routes[i].pattern, "/v1/faults") == 0 ? "GET, POST"
                                                                       : "GET, DELETE";
        }
        if (!other)
                return err_set(e, -ENOENT, "no such path: %.100s", c->path);

        c->allow = other;
        c->problem.status = 405;
        return err_set(e, -EINVAL, "%s does not take %s, only %s", c->path, c->method, other);
}

bool api_prepare(struct daemon *d, const struct call *c, bool first) {
        SCOPED_JSON json_t *body = NULL;
        const struct fault_ops *ops;

        if (strcmp(c->path, "/v1/capabilities") == 0) {
                if (first && c->probe && !d->prober)
                        probes_forget(d->probes);
                return prober_is_ready(d, NULL);
        }
        if (strcmp(c->method, "POST") != 0 || (strcmp(c->path, "/v1/faults") != 0 && strcmp(c->path, "/v1/plan") != 0))
                return true;
        if (probes_are_known(d->probes, NULL))
                return true;

        /* What is wrong with the body is said by its handler. */
        if (parse_body(c, &body, NULL) < 0)
                return true;
        ops = daemon_find_kind(d, json_text_at(body, "kind", ""));
        return !ops || prober_is_ready(d, ops);
}

void api_refuse(struct call *c, const struct err *e) {
        call_done(c);
        c->stream = false;
        c->json = problem_describe(&c->problem, e);
        c->status = c->problem.status;
        c->content_type = PROBLEM_TYPE;
}

void api_call(struct daemon *d, struct call *c) {
        const struct route *route = NULL;
        struct err e = { 0 };
        int r;

        d->requests++;
        c->content_type = "application/json";
        if (c->api_version && strcmp(c->api_version, CHAOS_API_VERSION) != 0)
                r = err_set(&e, -EPROTO, "the client speaks API %.20s, this daemon (version %s) speaks %s",
                            c->api_version, CHAOS_VERSION, CHAOS_API_VERSION);
        else
                r = find_route(c, &route, &e);
        if (r == 0)
                r = route->handle(d, c, &e);
        if (r < 0) {
                if (e.code == 0)
                        (void)err_set(&e, r, "%s", strerror(-r));
                api_refuse(c, &e);
        }
}
