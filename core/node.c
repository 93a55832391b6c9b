#include "core/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/http.h"
#include "core/version.h"

int node_init(struct node *n, const char *socket, struct err *e) {
        if (!socket)
                socket = getenv("CHAOSD_SOCKET");
        if (!socket || !*socket)
                socket = NODE_SOCKET_DEFAULT;
        if (strlen(socket) >= sizeof(n->socket))
                return err_set(e, -ENAMETOOLONG, "socket path '%.120s' is longer than %zu bytes", socket,
                               sizeof(n->socket) - 1);

        (void)snprintf(n->socket, sizeof(n->socket), "%s", socket);
        return 0;
}

static int status_errno(int status) {
        static const struct {
                int status, code;
        } codes[] = {
                { 400, -EINVAL },   { 403, -EPERM },     { 404, -ENOENT }, { 405, -EBUSY },      { 409, -EBUSY },
                { 413, -EMSGSIZE }, { 423, -ECANCELED }, { 429, -EDQUOT }, { 501, -EOPNOTSUPP },
        };

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                if (codes[i].status == status)
                        return codes[i].code;
        return -EIO;
}

/* problem+json to an error: detail, extack, hint, residue. */
static int problem_error(const struct http_response *a, struct err *e) {
        SCOPED_JSON json_t *problem = NULL;
        const char *detail, *hint, *extack;
        int code = status_errno(a->status);

        if (json_parse(a->body, a->body_len, &problem, NULL) < 0)
                return err_set(e, code, "chaosd answered %d: %.200s", a->status, a->body);

        detail = json_text_at(problem, "detail", json_text_at(problem, "title", "no reason given"));
        extack = json_text_at(problem, "extack", "");
        hint = json_text_at(problem, "hint", "");
        (void)err_set(e, code, "%s%s%s%s%s%s", detail, *extack ? " (kernel: " : "", extack, *extack ? ")" : "",
                      *hint ? "; " : "", hint);
        if (e && json_bool_at(problem, "residue", false))
                (void)err_wrap(e, code, "RESIDUE LEFT");
        if (e)
                (void)snprintf(e->path, sizeof(e->path), "%s", json_text_at(problem, "pointer", ""));
        return code;
}

static int connect_error(const struct node *n, int r, struct err *e) {
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                return err_set(e, -ECONNREFUSED,
                               "no chaosd listens on %s: start it (systemctl start chaosd), or name its socket with "
                               "--socket or CHAOSD_SOCKET",
                               n->socket);
        case -EACCES:
        case -EPERM:
                return err_set(e, -EACCES, "%s: no right to use it: run as root or join the group chaos", n->socket);
        default:
                return r;
        }
}

static int parse_answer(const struct node *n, const struct http_response *a, json_t **ret, struct err *e) {
        int r;

        if (!a->version[0])
                return err_set(e, -EPROTO, "what answers on %s is not chaosd (HTTP %d, no Chaosd-Version)", n->socket,
                               a->status);
        if (a->status < 200 || a->status > 299)
                return problem_error(a, e);
        if (!ret)
                return 0;

        r = json_parse(a->body, a->body_len, ret, e);
        return r < 0 ? err_wrap(e, -EPROTO, "chaosd %s gave an answer that chaosctl %s cannot read", a->version,
                                CHAOS_VERSION)
                     : 0;
}

int node_call(const struct node *n, const char *method, const char *path, const json_t *body, json_t **ret,
              struct err *e) {
        static const char *const headers[] = { "Chaosd-Api: " CHAOS_API_VERSION, NULL };
        SCOPED_FREE char *text = body ? json_canonical(body) : NULL;
        struct http_response a = { 0 };
        char url[400];
        int r;

        if (body && !text)
                return err_set(e, -ENOMEM, "out of memory");
        if (snprintf(url, sizeof(url), "http://localhost%s", path) >= (int)sizeof(url))
                return err_set(e, -EINVAL, "request path is too long");

        r = http_send(
                &(struct http_request){
                        .method = method,
                        .url = url,
                        .unix_socket = n->socket,
                        .headers = headers,
                        .body = text,
                        .body_len = text ? strlen(text) : 0,
                },
                &a, e);
        if (r < 0)
                return connect_error(n, r, e);

        r = parse_answer(n, &a, ret, e);
        http_response_done(&a);
        return r;
}
