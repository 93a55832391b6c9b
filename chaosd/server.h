/* server.h — the Unix socket: who may speak, how much, how long; requests go to api.h. The only door to
 * libmicrohttpd, together with events.c. */
#pragma once

struct daemon;
struct err;
struct server;

/* server_bind — make the socket (0660, group if it exists) but do not listen yet: nothing can be asked of a
 * daemon that still recovers. A stale socket is replaced, one that answers is not (-EADDRINUSE). */
int server_bind(const char *path, const char *group, int *ret_fd, struct err *e);

/* server_start — listen and serve from the daemon's event loop. fd is taken over when it succeeds. */
int server_start(struct daemon *d, int fd, const char *path, struct server **ret, struct err *e);

/* server_wake — go on with the requests that waited for a prober. Accepts NULL. */
void server_wake(struct server *s);

/* server_kick — let it run as soon as the event loop is back: it does not notice by itself that a connection was
 * resumed. Accepts NULL. */
void server_kick(struct server *s);

/* server_free — close every connection and remove the socket. Accepts NULL. */
void server_free(struct server *s);
