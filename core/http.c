#include "core/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"

#define DEFAULT_TIMEOUT_US (10 * USEC_PER_SEC)
#define DEFAULT_MAX_BODY   (16U << 20)

static void curl_easy_cleanupp(CURL **c) {
        if (*c)
                curl_easy_cleanup(*c);
}

DEFINE_SCOPED(struct curl_slist, curl_slist_free_all)

struct transfer {
        const struct http_request *q;
        struct http_response out;
        CURL *curl;
        size_t capacity, max_body;
        int failed; /* negative errno set by a callback */
        bool ended; /* on_data asked to stop */
};

void http_response_done(struct http_response *r) {
        free(r->body);
        r->body = NULL;
        r->body_len = 0;
}

static int body_append(struct transfer *t, const char *data, size_t len) {
        char *grown;

        if (len > t->max_body - t->out.body_len)
                return -EMSGSIZE;

        if (t->out.body_len + len + 1 > t->capacity) {
                size_t capacity = 2 * (t->out.body_len + len) + 1;

                grown = realloc(t->out.body, capacity);
                if (!grown)
                        return -ENOMEM;

                t->out.body = grown;
                t->capacity = capacity;
        }
        memcpy(t->out.body + t->out.body_len, data, len);
        t->out.body_len += len;
        t->out.body[t->out.body_len] = 0;
        return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
        struct transfer *t = arg;
        long status = 0;

        /* An error's body is collected even from a stream: it says what was wrong. */
        (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
        if (t->q->on_data && status >= 200 && status < 300) {
                t->ended = t->q->on_data(data, size * n, t->q->on_data_arg) != 0;
                return t->ended ? 0 : size * n;
        }

        t->failed = body_append(t, data, size * n);
        return t->failed < 0 ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg) {
        static const char name[] = "chaosd-version:";
        struct transfer *t = arg;
        size_t len = size * n, from = sizeof(name) - 1;

        if (len <= from || strncasecmp(data, name, from) != 0)
                return len;

        while (from < len && (data[from] == ' ' || data[from] == '\t'))
                from++;
        while (len > from && (data[len - 1] == '\r' || data[len - 1] == '\n' || data[len - 1] == ' '))
                len--;
        (void)snprintf(t->out.version, sizeof(t->out.version), "%.*s", (int)(len - from), data + from);
        return size * n;
}

static int add_header(struct curl_slist **list, const char *text) {
        struct curl_slist *grown = curl_slist_append(*list, text);

        if (!grown)
                return -ENOMEM;

        *list = grown;
        return 0;
}

static int set_headers(CURL *c, const struct http_request *q, struct curl_slist **list) {
        char type[160];
        int r = 0;

        for (const char *const *h = q->headers; h && *h && r >= 0; h++)
                r = add_header(list, *h);
        if (q->body && r >= 0) {
                (void)snprintf(type, sizeof(type), "Content-Type: %s",
                               q->content_type ? q->content_type : "application/json");
                r = add_header(list, type);
        }
        if (r >= 0)
                r = add_header(list, "Expect:"); /* no 100-continue round trip */
        (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, *list);
        return r;
}

static void set_method(CURL *c, const struct http_request *q) {
        const char *method = q->method ? q->method : q->body ? "POST" : "GET";

        if (strcmp(method, "HEAD") == 0)
                (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        if (q->body) {
                (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
                (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
        }
        (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

static void set_identity(CURL *c, const struct http_request *q) {
        if (q->bearer_token) {
                (void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
                (void)curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, q->bearer_token);
        } else if (q->user) {
                (void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
                (void)curl_easy_setopt(c, CURLOPT_USERNAME, q->user);
                (void)curl_easy_setopt(c, CURLOPT_PASSWORD, q->password ? q->password : "");
        }
        if (q->ca_file)
                (void)curl_easy_setopt(c, CURLOPT_CAINFO, q->ca_file);
        if (q->cert_file)
                (void)curl_easy_setopt(c, CURLOPT_SSLCERT, q->cert_file);
        if (q->key_file)
                (void)curl_easy_setopt(c, CURLOPT_SSLKEY, q->key_file);
        if (q->tls_insecure) {
                (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
                (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
        }
}

static void set_transport(CURL *c, const struct http_request *q) {
        uint64_t timeout_us = q->timeout_us;

        if (!timeout_us && !q->on_data)
                timeout_us = DEFAULT_TIMEOUT_US;

        (void)curl_easy_setopt(c, CURLOPT_URL, q->url);
        (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
        (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "chaosctl");
        (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)((timeout_us + 999) / 1000));
        (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)((timeout_us + 999) / 1000));
        if (q->unix_socket) {
                (void)curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, q->unix_socket);
                (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
        }
}

/* -errno and words for a transfer that brought no answer. */
static int transfer_error(const struct transfer *t, CURLcode code, const char *details, struct err *e) {
        const struct http_request *q = t->q;
        const char *where = q->unix_socket ? q->unix_socket : q->url;
        const char *why = details[0] ? details : curl_easy_strerror(code);
        long os_errno = 0;

        if (t->failed == -EMSGSIZE)
                return err_set(e, -EMSGSIZE, "%.150s: the answer is longer than %zu bytes", where, t->max_body);
        if (t->failed < 0)
                return err_set(e, t->failed, "%.150s: %s", where, strerror(-t->failed));

        switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
                return err_set(e, -ETIMEDOUT, "%.150s: %s", where, why);
        case CURLE_COULDNT_CONNECT:
                (void)curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &os_errno);
                if (os_errno <= 0)
                        os_errno = ECONNREFUSED;
                return err_set(e, -(int)os_errno, "%.150s: %s", where, strerror((int)os_errno));
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return err_set(e, -EHOSTUNREACH, "%.150s: %s", where, why);
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
                return err_set(e, -EINVAL, "'%.150s' is not an http:// or https:// address: %s", q->url, why);
        case CURLE_OUT_OF_MEMORY:
                return err_set(e, -ENOMEM, "%.150s: out of memory", where);
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_LOGIN_DENIED:
                return err_set(e, -EACCES, "%.150s: %s", where, why);
        default:
                return err_set(e, -EPROTO, "%.150s: %s", where, why);
        }
}

static void global_init(void) {
        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_send(const struct http_request *q, struct http_response *ret, struct err *e) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        SCOPED(curl_easy_cleanupp) CURL *c = NULL;
        SCOPED(curl_slist_free_allp) struct curl_slist *headers = NULL;
        struct transfer t = { .q = q, .max_body = q->max_body ? q->max_body : DEFAULT_MAX_BODY };
        char details[CURL_ERROR_SIZE] = "";
        const char *type = NULL;
        long status = 0;
        CURLcode code;

        (void)pthread_once(&once, global_init);
        c = curl_easy_init();
        if (!c || body_append(&t, "", 0) < 0 || set_headers(c, q, &headers) < 0) {
                http_response_done(&t.out);
                return err_set(e, -ENOMEM, "%.150s: out of memory", q->url);
        }

        t.curl = c;
        set_transport(c, q);
        set_method(c, q);
        set_identity(c, q);
        (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, details);
        (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
        (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
        (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);

        code = curl_easy_perform(c);
        if (code != CURLE_OK && !t.ended) {
                http_response_done(&t.out);
                return transfer_error(&t, code, details, e);
        }

        (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
        t.out.status = (int)status;
        (void)snprintf(t.out.content_type, sizeof(t.out.content_type), "%s", type ? type : "");
        *ret = t.out;
        return 0;
}
