/* api.h — the routes of the API: a request in, a status and an answer out; knows nothing of sockets. */
#pragma once

#include "chaosd/audit.h"
#include "chaosd/problem.h"
#include "core/json.h"

struct daemon;
struct err;

struct call {
        const char *method, *path; /* path without query */
        struct audit_peer peer;
        const char *api_version; /* the Chaosd-Api header, or NULL */
        bool all, probe;         /* ?all=1, ?probe=1 */
        const char *body;        /* NULL = none */
        size_t body_len;

        /* The answer: one of json, text or stream. */
        unsigned status;
        json_t *json;
        char *text;
        const char *content_type;
        const char *allow; /* with 405: the methods that the path has */
        bool stream;       /* server-sent events follow */

        char uid[64];           /* from the path */
        struct problem problem; /* what a failing handler has to add */
};

/* api_prepare — can the call be answered without holding everybody up? If not (backends have to be tried), a child has
 * been started: call again after server_wake(). first: this call has not been here before. */
bool api_prepare(struct daemon *d, const struct call *c, bool first);

/* api_call — always leaves an answer in c. */
void api_call(struct daemon *d, struct call *c);

/* api_refuse — the same for errors found before a route was asked (peer, size). */
void api_refuse(struct call *c, const struct err *e);
void call_done(struct call *c);

/* The answer of GET /v1/capabilities, also printed by `chaosd --capabilities`. */
json_t *api_describe_capabilities(struct daemon *d);
