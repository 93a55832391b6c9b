#include "experiments/prometheus.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/http.h"
#include "experiments/openslo.h"

#define QUERY_TIMEOUT_US (5 * USEC_PER_SEC)
#define SECRET_MAX       8192
#define HEADERS_MAX      16

/* A secret from a file or an environment variable, without its last newline; *ret NULL when neither is named. */
static int read_secret(const char *file, const char *env, char **ret, struct err *e) {
        char buf[SECRET_MAX];
        SCOPED_FD int fd = -1;
        const char *text;
        ssize_t n;

        if (env) {
                text = getenv(env);
                if (!text)
                        return err_set(e, -EINVAL, "environment variable %.60s is not set", env);
                *ret = strdup(text);
                return *ret ? 0 : -ENOMEM;
        }
        if (!file)
                return 0;

        fd = open(file, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
        if (n < 0)
                return err_errno(e, "read %.150s", file);
        buf[n] = 0;
        buf[strcspn(buf, "\r\n")] = 0;
        *ret = strdup(buf);
        return *ret ? 0 : -ENOMEM;
}

static char *url_encode(const char *text) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
        char *out = malloc(3 * strlen(text) + 1), *p = out;

        for (; out && *text; text++)
                if (strchr(plain, *text))
                        *p++ = *text;
                else
                        p += sprintf(p, "%%%02X", (unsigned char)*text);
        if (out)
                *p = 0;
        return out;
}

static int answer_error(const struct http_response *a, const char *url, struct err *e) {
        SCOPED_JSON json_t *body = NULL;
        int code = a->status == 401 || a->status == 403   ? -EACCES
                   : a->status == 400 || a->status == 422 ? -EINVAL
                                                          : -EIO;

        (void)json_parse(a->body, a->body_len, &body, NULL);
        return err_set(e, code, "%.120s answered %d: %.200s", url, a->status,
                       json_text_at(body, "error", "no reason given"));
}

/* POST body to url/path with the data source's identity; *ret_data is the answer's "data". */
static int call(const struct slo_datasource *d, const char *path, const char *body, json_t **ret_data,
                char warning[200], struct err *e) {
        SCOPED_FREE char *token = NULL, *password = NULL, *url = NULL;
        const char *headers[HEADERS_MAX + 1] = { NULL };
        char texts[HEADERS_MAX][200];
        SCOPED_JSON json_t *root = NULL;
        struct http_response a = { 0 };
        size_t n = 0, len = strlen(d->url);
        const char *key;
        json_t *value;
        int r;

        r = read_secret(d->bearer_token_file, d->bearer_token_env, &token, e);
        if (r >= 0)
                r = read_secret(d->password_file, d->password_env, &password, e);
        if (r < 0)
                return r;
        while (len > 0 && d->url[len - 1] == '/')
                len--;
        if (asprintf(&url, "%.*s%s", (int)len, d->url, path) < 0)
                return err_set(e, -ENOMEM, "no memory");

        json_object_foreach ((json_t *)d->headers, key, value)
                if (n < HEADERS_MAX && json_is_string(value)) {
                        (void)snprintf(texts[n], sizeof(texts[n]), "%s: %s", key, json_string_value(value));
                        headers[n] = texts[n];
                        n++;
                }

        r = http_send(
                &(struct http_request){
                        .method = "POST",
                        .url = url,
                        .headers = headers,
                        .body = body,
                        .body_len = strlen(body),
                        .content_type = "application/x-www-form-urlencoded",
                        .bearer_token = token,
                        .user = d->username,
                        .password = password,
                        .ca_file = d->ca_file,
                        .cert_file = d->cert_file,
                        .key_file = d->key_file,
                        .tls_insecure = d->insecure,
                        .timeout_us = QUERY_TIMEOUT_US,
                },
                &a, e);
        if (r < 0)
                return r;

        if (a.status != 200)
                r = answer_error(&a, url, e);
        else
                r = json_parse(a.body, a.body_len, &root, e);
        http_response_done(&a);
        if (r < 0)
                return r;
        if (strcmp(json_text_at(root, "status", ""), "success") != 0 || !json_at(root, "data"))
                return err_set(e, -EPROTO, "%.120s: not an answer of Prometheus", url);

        (void)snprintf(warning, 200, "%s", json_text_at(root, "warnings/0", ""));
        *ret_data = json_incref(json_at(root, "data"));
        return 0;
}

/* [time, "text"] */
static double sample_value(const json_t *pair) {
        const char *text = json_string_value(json_array_get(pair, 1));

        return text ? strtod(text, NULL) : NAN;
}

static int take_result(const json_t *data, struct prometheus_answer *ret, struct err *e) {
        const char *type = json_text_at(data, "resultType", "");
        const json_t *result = json_at(data, "result");

        if (strcmp(type, "scalar") == 0) {
                ret->series = 1;
                ret->value = sample_value(result);
                ret->any_nonzero = !isnan(ret->value) && ret->value != 0;
        } else if (strcmp(type, "vector") == 0) {
                ret->series = json_array_size(result);
                ret->value = NAN;
                for (size_t i = 0; i < ret->series; i++) {
                        double value = sample_value(json_at(json_array_get(result, i), "value"));

                        if (i == 0)
                                ret->value = value;
                        ret->any_nonzero = ret->any_nonzero || (!isnan(value) && value != 0);
                }
        } else {
                return err_set(e, -EINVAL, "the query gives a %.20s; an SLI needs a number for each moment", type);
        }
        ret->no_data = isnan(ret->value);
        return 0;
}

int prometheus_query(const struct slo_datasource *d, const char *query, struct prometheus_answer *ret, struct err *e) {
        SCOPED_FREE char *encoded = url_encode(query), *body = NULL;
        struct prometheus_answer out = { 0 };
        SCOPED_JSON json_t *data = NULL;
        int r;

        if (!encoded || asprintf(&body, "query=%s", encoded) < 0)
                return err_set(e, -ENOMEM, "no memory");

        r = call(d, "/api/v1/query", body, &data, out.warning, e);
        if (r >= 0)
                r = take_result(data, &out, e);
        if (r < 0)
                return r;
        *ret = out;
        return 0;
}

static void add_series(struct prometheus_answer *a, double value) {
        if (a->series == 0)
                a->value = value;
        a->series++;
        a->any_nonzero = a->any_nonzero || (!isnan(value) && value != 0);
        a->no_data = isnan(a->value);
}

int prometheus_query_pair(const struct slo_datasource *d, const char *part, const char *total,
                          struct prometheus_answer *ret_part, struct prometheus_answer *ret_total, struct err *e) {
        struct prometheus_answer answers[2] = { { .no_data = true, .value = NAN }, { .no_data = true, .value = NAN } };
        SCOPED_FREE char *query = NULL, *encoded = NULL, *body = NULL;
        SCOPED_JSON json_t *data = NULL;
        const json_t *series;
        size_t i;
        int r;

        /* A comment at the end of a query must not swallow the bracket. */
        if (asprintf(&query,
                     "label_replace((%s\n), \"chaos_slo\", \"part\", \"\", \"\") or "
                     "label_replace((%s\n), \"chaos_slo\", \"total\", \"\", \"\")",
                     part, total) < 0)
                return err_set(e, -ENOMEM, "no memory");
        encoded = url_encode(query);
        if (!encoded || asprintf(&body, "query=%s", encoded) < 0)
                return err_set(e, -ENOMEM, "no memory");

        r = call(d, "/api/v1/query", body, &data, answers[0].warning, e);
        if (r < 0)
                return r;

        json_array_foreach (json_at(data, "result"), i, series)
                add_series(&answers[strcmp(json_text_at(series, "metric/chaos_slo", ""), "total") == 0],
                           sample_value(json_at(series, "value")));
        *ret_part = answers[0];
        *ret_total = answers[1];
        return 0;
}

int prometheus_query_range(const struct slo_datasource *d, const char *query, double start_s, double end_s,
                           double step_s, json_t **ret, char warning[200], struct err *e) {
        SCOPED_FREE char *encoded = url_encode(query), *body = NULL;

        if (!encoded || asprintf(&body, "query=%s&start=%.3f&end=%.3f&step=%.3f", encoded, start_s, end_s, step_s) < 0)
                return err_set(e, -ENOMEM, "no memory");
        return call(d, "/api/v1/query_range", body, ret, warning, e);
}
