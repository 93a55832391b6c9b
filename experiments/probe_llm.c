/* probe_llm.c — streamed completions: the request made once, every answer read by a stream of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/http_async.h"
#include "core/json.h"
#include "experiments/llm_stream.h"
#include "experiments/probe_load.h"

#define TOKEN_MAX 8192

/* One request under way. http_async carries its address as the tag. */
struct request {
        struct llm_stream stream;
        struct request *next_free;
        uint64_t tag;
};

struct load {
        struct http_async *http;
        probe_done_t done;
        void *arg;
        struct request *requests, *free_requests;
        size_t n_requests, used_requests;
};

/* ── one answer ────────────────────────────────────────────────────────────────────────────────────────────── */

static void on_data(uint64_t tag, const char *data, size_t len, uint64_t now_us, void *arg) {
        struct request *q = (struct request *)(uintptr_t)tag;

        (void)arg;
        llm_stream_feed(&q->stream, data, len, now_us);
}

/* Is this no answer? Words go to reason; *ret_truncated when it began and the other side did not end it. */
static bool judge(const struct http_async_result *r, const struct llm_stream *s, bool *ret_truncated, char *reason,
                  size_t size) {
        unsigned long long tokens = llm_stream_tokens(s);

        if (!r->error && r->status != 200)
                return false; /* an answer, with a status that says what it is worth */
        if (s->failed) {
                (void)snprintf(reason, size, "%s", s->error);
                return true;
        }
        if (s->done_us && !s->aborted)
                return false; /* all of it came, whatever became of the connection */
        if (!r->error && s->events == 0) {
                (void)snprintf(reason, size, "the answer is not a stream of events");
                return true;
        }
        if (!r->error && s->finished && !s->aborted)
                return false;

        *ret_truncated = s->events > 0 && !r->timed_out;
        if (*ret_truncated)
                (void)snprintf(reason, size, "truncated after %llu tokens: %s", tokens,
                               r->error     ? r->reason
                               : s->aborted ? "the server gave up"
                                            : "neither finish_reason nor [DONE]");
        else
                (void)snprintf(reason, size, "%s after %llu tokens", r->reason, tokens);
        return true;
}

static void on_result(const struct http_async_result *r, void *arg) {
        struct request *q = (struct request *)(uintptr_t)r->tag;
        struct llm_stream *s = &q->stream;
        struct load *l = arg;
        struct probe_llm_answer answer = {
                .has_usage = s->has_usage,
                .first_us = s->first_us,
                .itl_p99_us = llm_stream_itl_us(s, 99),
                .tokens = llm_stream_tokens(s),
                .prompt_tokens = s->prompt_tokens,
                .gaps_us = s->gaps_us,
                .n_gaps = s->n_gaps,
        };
        char reason[160] = "";
        bool error = judge(r, s, &answer.truncated, reason, sizeof(reason));

        /* A whole answer is a 200: curl forgets the status when the connection breaks behind [DONE]. */
        l->done(q->tag, s->done_us ? s->done_us : r->end_us,
                error      ? 0
                : r->error ? 200
                           : r->status,
                error, reason, &answer, l->arg);
        llm_stream_reset(s);
        q->next_free = l->free_requests;
        l->free_requests = q;
}

static int llm_start(void *load, uint64_t tag) {
        struct load *l = load;
        struct request *q = l->free_requests;
        int r;

        if (!q && l->used_requests == l->n_requests)
                return -EBUSY;

        if (q)
                l->free_requests = q->next_free;
        else
                q = &l->requests[l->used_requests++];
        q->tag = tag;
        r = http_async_start(l->http, (uint64_t)(uintptr_t)q);
        if (r < 0) {
                q->next_free = l->free_requests;
                l->free_requests = q;
        }
        return r;
}

/* ── the request ───────────────────────────────────────────────────────────────────────────────────────────── */

static json_t *make_messages(const char *prompt) {
        return json_pack("[{s:s, s:s}]", "role", "user", "content", prompt);
}

/* Caller frees; NULL = no memory, or a text that is not UTF-8. */
static char *make_body(const struct experiment_probe_llm *p) {
        SCOPED_JSON json_t *o = json_object();
        int r;

        r = p->request ? json_object_update(o, (json_t *)p->request) : 0;
        r |= json_object_set_new(o, "model", json_string(p->model));
        r |= json_object_set_new(o, "max_tokens", json_integer((json_int_t)p->max_tokens));
        r |= json_object_set_new(o, "stream", json_true());
        r |= json_object_set_new(o, "stream_options", json_pack("{s:b}", "include_usage", 1));
        if (p->api == LLM_COMPLETIONS)
                r |= json_object_set_new(o, "prompt", json_string(p->prompt));
        else
                r |= json_object_set_new(o, "messages",
                                         p->messages ? json_deep_copy(p->messages) : make_messages(p->prompt));
        return r < 0 ? NULL : json_dumps(o, JSON_COMPACT);
}

static bool ends_with(const char *text, size_t len, const char *end) {
        size_t n = strlen(end);

        return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* The server, its /v1, or the very endpoint. Caller frees; NULL = no memory. */
static char *make_url(const struct experiment_probe_llm *p) {
        const char *end = p->api == LLM_CHAT ? "/chat/completions" : "/completions";
        size_t len = strcspn(p->url, "?#");
        char *url = NULL;

        if (ends_with(p->url, len, "/completions"))
                return strdup(p->url);
        while (len > 0 && p->url[len - 1] == '/')
                len--;
        return asprintf(&url, "%.*s%s%s%s", (int)len, p->url, ends_with(p->url, len, "/v1") ? "" : "/v1", end,
                        p->url + strcspn(p->url, "?#")) < 0
                       ? NULL
                       : url;
}

/* "Authorization: Bearer …" from the file's first line; *ret stays NULL when none is named. */
static int read_authorization(const char *file, char **ret, struct err *e) {
        char token[TOKEN_MAX];
        SCOPED_FD int fd = -1;
        ssize_t n;

        if (!file)
                return 0;

        fd = open(file, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, token, sizeof(token) - 1);
        if (n < 0)
                return err_errno(e, "read %.150s", file);
        token[n] = 0;
        token[strcspn(token, "\r\n")] = 0;
        if (!*token)
                return err_set(e, -EINVAL, "%.150s holds no token", file);
        return asprintf(ret, "Authorization: Bearer %s", token) < 0 ? (*ret = NULL, -ENOMEM) : 0;
}

static int make_http(struct load *l, const struct experiment_probe_llm *p, struct err *e) {
        SCOPED_FREE const char **headers = calloc(p->headers.n + 4, sizeof(*headers));
        SCOPED_FREE char *url = make_url(p), *body = make_body(p), *authorization = NULL;
        size_t n = 0;
        int r;

        r = read_authorization(p->token_file, &authorization, e);
        if (r < 0)
                return r;
        if (!headers || !url || !body)
                return err_set(e, -ENOMEM, "no memory");

        headers[n++] = "Content-Type: application/json";
        headers[n++] = "Accept: text/event-stream";
        if (authorization)
                headers[n++] = authorization;
        for (size_t i = 0; i < p->headers.n; i++)
                headers[n++] = ((char **)p->headers.items)[i];
        return http_async_new(
                &(struct http_async_config){
                        .url = url,
                        .body = body,
                        .headers = headers,
                        .timeout_us = p->timeout_us,
                        .max_in_flight = l->n_requests,
                        .tls_insecure = p->insecure,
                        .on_data = on_data,
                },
                on_result, l, &l->http, e);
}

static void llm_close(void *load) {
        struct load *l = load;

        if (l->http)
                http_async_free(l->http);
        for (size_t i = 0; i < l->used_requests; i++)
                llm_stream_done(&l->requests[i].stream);
        free(l->requests);
        free(l);
}

static int llm_open(const struct experiment_probe *spec, probe_done_t done, void *arg, void **ret, struct err *e) {
        size_t parallel = probe_parallel(spec->llm.connections, spec->llm.per_s, spec->llm.timeout_us);
        struct load *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return err_set(e, -ENOMEM, "no memory");
        l->done = done;
        l->arg = arg;
        l->n_requests = parallel;
        l->requests = calloc(parallel, sizeof(*l->requests));
        r = l->requests ? make_http(l, &spec->llm, e) : err_set(e, -ENOMEM, "no memory");
        if (r < 0) {
                llm_close(l);
                return r;
        }
        *ret = l;
        return 0;
}

static int llm_fd(const void *load) {
        return http_async_fd(((const struct load *)load)->http);
}

static uint64_t llm_deadline_us(const void *load) {
        return http_async_deadline_us(((const struct load *)load)->http);
}

static void llm_dispatch(void *load) {
        http_async_dispatch(((struct load *)load)->http);
}

static size_t llm_in_flight(const void *load) {
        return http_async_in_flight(((const struct load *)load)->http);
}

const struct probe_load_ops probe_load_llm = {
        .open = llm_open,
        .start = llm_start,
        .fd = llm_fd,
        .deadline_us = llm_deadline_us,
        .dispatch = llm_dispatch,
        .in_flight = llm_in_flight,
        .close = llm_close,
};
