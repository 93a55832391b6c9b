/* http.h — one blocking HTTP request, over TCP, TLS or a Unix socket; the only door to libcurl's easy
 * interface (probes, which need thousands at once, use core/http_async.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct http_request {
        const char *method;         /* "GET" … ; NULL = GET, or POST when there is a body */
        const char *url;            /* http:// or https:// only */
        const char *unix_socket;    /* path, or NULL for TCP */
        const char *const *headers; /* NULL-ended "Name: value", or NULL */
        const char *body;           /* NULL = none */
        size_t body_len;
        const char *content_type;                   /* with body; NULL = application/json */
        const char *bearer_token;                   /* or NULL */
        const char *user, *password;                /* basic authentication, or NULL */
        const char *ca_file, *cert_file, *key_file; /* TLS, or NULL for the system's */
        bool tls_insecure;                          /* skip verification: only when the user's file says so */
        uint64_t timeout_us;                        /* whole request; 0 = 10 s, or with on_data no limit */
        size_t max_body;                            /* refuse longer answers; 0 = 16 MiB */
        /* When set, called with each piece of a 2xx answer's body as it comes (server-sent events); then the answer's
         * body stays empty. Return non-zero to end the request early (then http_send returns 0). */
        int (*on_data)(const char *data, size_t len, void *arg);
        void *on_data_arg;
};

struct http_response {
        int status;
        char *body; /* NUL-terminated, heap */
        size_t body_len;
        char content_type[80];
        char version[32]; /* value of the Chaosd-Version header, or "" */
};

/* http_send — returns 0 with any HTTP status; -ECONNREFUSED, -ENOENT (no such socket), -ETIMEDOUT,
 * -EMSGSIZE, -EACCES, -EPROTO or another -errno with words in e. *ret untouched on failure.
 * No redirects are followed; proxies from the environment are honoured for TCP only. */
int http_send(const struct http_request *q, struct http_response *ret, struct err *e);
void http_response_done(struct http_response *r);
