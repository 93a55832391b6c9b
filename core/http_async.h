/* http_async.h — many HTTP requests at once to one URL, for load and measurement: libcurl's multi interface under the
 * caller's own loop. Keep-alive connections are used again; bodies go to on_data or are thrown away; proxies of the
 * environment are not used. One thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/scoped.h"

struct err;
struct http_async;

/* A piece of an answer's body, as it came: cut anywhere. now_us: CLOCK_BOOTTIME. */
typedef void (*http_async_data_t)(uint64_t tag, const char *data, size_t len, uint64_t now_us, void *arg);

struct http_async_config {
        const char *url;            /* http:// or https:// */
        const char *unix_socket;    /* or NULL */
        const char *method;         /* NULL = GET, or POST with a body */
        const char *body;           /* NUL-terminated, or NULL */
        const char *const *headers; /* NULL-ended, or NULL */
        uint64_t timeout_us;        /* of one request, at least 1 ms */
        size_t max_in_flight;       /* at least 1 */
        bool tls_insecure;
        http_async_data_t on_data; /* or NULL; called from http_async_dispatch() only */
};

struct http_async_result {
        uint64_t tag; /* as given to http_async_start() */
        int status;   /* 0 when error */
        bool error;   /* no whole answer: refused, reset, timed out, not HTTP */
        bool timed_out;
        const char *reason;     /* words for error; "" otherwise; borrowed for the call */
        uint64_t first_byte_us; /* CLOCK_BOOTTIME; 0 = none came */
        uint64_t end_us;        /* CLOCK_BOOTTIME */
};

typedef void (*http_async_done_t)(const struct http_async_result *result, void *arg);

/* http_async_new — texts of the config are copied. on_done is called from http_async_dispatch() only.
 * Returns 0, -EINVAL (not such an address), -ENOMEM or another -errno. */
int http_async_new(const struct http_async_config *config, http_async_done_t on_done, void *arg,
                   struct http_async **ret, struct err *e);

/* http_async_start — begin one request now. -EBUSY when max_in_flight are under way; -ENOMEM. */
int http_async_start(struct http_async *h, uint64_t tag);

/* The descriptor (an epoll set) to wait on for reading, and when to call dispatch at the latest (CLOCK_BOOTTIME;
 * UINT64_MAX = only when the descriptor is ready). */
int http_async_fd(const struct http_async *h);
uint64_t http_async_deadline_us(const struct http_async *h);

/* http_async_dispatch — do what is due; never blocks. */
void http_async_dispatch(struct http_async *h);

size_t http_async_in_flight(const struct http_async *h);

/* Requests under way are dropped without a call of on_done. */
void http_async_free(struct http_async *h);
DEFINE_SCOPED(struct http_async, http_async_free)
