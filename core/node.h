/* node.h — client of one chaosd: requests in, JSON or a clear error out. API: docs/api/README.md. */
#pragma once

#include "core/json.h"

struct err;

struct node {
        char socket[108]; /* Unix socket of the daemon */
};

#define NODE_SOCKET_DEFAULT "/run/chaosd/chaosd.sock"

/* node_init — socket may be NULL: then $CHAOSD_SOCKET, then the default. -ENAMETOOLONG over 107 bytes. */
int node_init(struct node *n, const char *socket, struct err *e);

/* node_call — one request. body is borrowed and may be NULL; *ret may be NULL when the answer is not wanted.
 * Answers of 2xx return 0. Problems return, with detail and hint in e->msg and the pointer in e->path:
 * 400 -EINVAL, 403 -EPERM, 404 -ENOENT, 405/409 -EBUSY, 413 -EMSGSIZE, 423 -ECANCELED, 429 -EDQUOT,
 * 501 -EOPNOTSUPP, other -EIO. No daemon: -ECONNREFUSED with the socket's path and what to do; no right to the
 * socket: -EACCES (group chaos); another API version: -EPROTO in words. */
int node_call(const struct node *n, const char *method, const char *path, const json_t *body, json_t **ret,
              struct err *e);
