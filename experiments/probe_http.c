#include <errno.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/http_async.h"
#include "core/scoped.h"
#include "experiments/probe_load.h"

struct load {
        struct http_async *http;
        probe_done_t done;
        void *arg;
};

static void on_result(const struct http_async_result *r, void *arg) {
        struct load *l = arg;

        l->done(r->tag, r->end_us, r->status, r->error, r->reason, NULL, l->arg);
}

static void http_close(void *load) {
        struct load *l = load;

        http_async_free(l->http);
        free(l);
}

static int http_open(const struct experiment_probe *spec, probe_done_t done, void *arg, void **ret, struct err *e) {
        const struct experiment_probe_http *h = &spec->http;
        SCOPED_FREE const char **headers = calloc(h->headers.n + 1, sizeof(*headers));
        struct load *l = calloc(1, sizeof(*l));
        int r;

        if (!l || !headers) {
                free(l);
                return err_set(e, -ENOMEM, "no memory");
        }
        for (size_t i = 0; i < h->headers.n; i++)
                headers[i] = ((char **)h->headers.items)[i];

        l->done = done;
        l->arg = arg;
        r = http_async_new(
                &(struct http_async_config){
                        .url = h->url,
                        .method = h->method,
                        .body = h->body,
                        .headers = headers,
                        .timeout_us = h->timeout_us,
                        .max_in_flight = probe_parallel(h->connections, h->per_s, h->timeout_us),
                        .tls_insecure = h->insecure,
                },
                on_result, l, &l->http, e);
        if (r < 0) {
                free(l);
                return r;
        }
        *ret = l;
        return 0;
}

static int http_start(void *load, uint64_t tag) {
        return http_async_start(((struct load *)load)->http, tag);
}

static int http_fd(const void *load) {
        return http_async_fd(((const struct load *)load)->http);
}

static uint64_t http_deadline_us(const void *load) {
        return http_async_deadline_us(((const struct load *)load)->http);
}

static void http_dispatch(void *load) {
        http_async_dispatch(((struct load *)load)->http);
}

static size_t http_in_flight(const void *load) {
        return http_async_in_flight(((const struct load *)load)->http);
}

const struct probe_load_ops probe_load_http = {
        .open = http_open,
        .start = http_start,
        .fd = http_fd,
        .deadline_us = http_deadline_us,
        .dispatch = http_dispatch,
        .in_flight = http_in_flight,
        .close = http_close,
};
