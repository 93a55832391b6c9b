#include "chaosd/server.h"

#include <errno.h>
#include <grp.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "chaosd/api.h"
#include "chaosd/daemon.h"
#include "chaosd/events.h"
#include "chaosd/log.h"
#include "chaosd/peer.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/version.h"

#define BODY_MAX        (1024 * 1024)
#define DISCARD_MAX     (64 * 1024 * 1024) /* an endless body is cut off here */
#define CONNECTIONS_MAX 128
#define HEADERS_MAX     (32 * 1024)
#define TIMEOUT_S       10 /* without a byte in either direction */
#define BACKLOG         64
#define RUNS_AT_ONCE    32
#define ACCURACY_US     1000 /* sd-event would gather wake-ups for up to 250 ms */

struct server {
        struct daemon *daemon;
        struct MHD_Daemon *mhd;
        sd_event_source *io, *timer;
        struct intake *waiting; /* suspended until a prober has finished */
        int fd;
        char path[108];
};

/* One connection: its peer never changes. */
struct link {
        struct audit_peer peer;
        struct err refusal; /* code 0: may speak */
};

/* One request on its way in. */
struct intake {
        char *body;
        size_t len, size;
        size_t discarded;
        bool too_large;
        bool prepared; /* api_prepare() was told of it */

        struct MHD_Connection *connection;
        struct intake *next_waiting;
};

static void share_with_group(const char *path, const char *group) {
        const struct group *entry = group ? getgrnam(group) : NULL;

        if (!entry)
                log_info("there is no group '%s': only root may use the API", group ? group : "");
        else if (lchown(path, (uid_t)-1, entry->gr_gid) < 0)
                log_warning("cannot give the socket to group %s: %s", group, strerror(errno));
}

/* Who called listen() may be dead while a child that it forked is still on its way out, with a copy of the socket. */
static bool is_served(int fd) {
        struct ucred listener = { .pid = 0 };
        struct pollfd exit = { .fd = -1, .events = POLLIN };
        socklen_t size = sizeof(listener);
        bool alive;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) < 0 || listener.pid <= 0)
                return true;

        exit.fd = (int)syscall(SYS_pidfd_open, listener.pid, 0);
        if (exit.fd < 0)
                return errno != ESRCH;

        alive = poll(&exit, 1, 0) == 0;
        (void)close(exit.fd);
        return alive;
}

/* A socket file that nobody listens on is left over from a daemon that was killed. */
static int remove_stale(const struct sockaddr_un *address, struct err *e) {
        SCOPED_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct stat st;

        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : err_errno(e, "cannot stat %s", address->sun_path);
        if (!S_ISSOCK(st.st_mode))
                return err_set(e, -EEXIST, "%s exists and is not a socket", address->sun_path);
        if (fd < 0)
                return err_errno(e, "cannot make a socket");
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? is_served(fd) : errno == EAGAIN)
                return err_set(e, -EADDRINUSE, "another process listens on %s", address->sun_path);
        if (unlink(address->sun_path) < 0 && errno != ENOENT)
                return err_errno(e, "cannot remove the stale socket %s", address->sun_path);

        return 0;
}

int server_bind(const char *path, const char *group, int *ret_fd, struct err *e) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        SCOPED_FD int fd = -1;
        mode_t old;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return err_set(e, -ENAMETOOLONG, "socket path of %zu bytes; %zu is the limit", strlen(path),
                               sizeof(address.sun_path) - 1);

        memcpy(address.sun_path, path, strlen(path) + 1);
        r = remove_stale(&address, e);
        if (r < 0)
                return r;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return err_errno(e, "cannot make a socket");

        old = umask(0117); /* 0660 from birth */
        r = bind(fd, (struct sockaddr *)&address, sizeof(address));
        (void)umask(old);
        if (r < 0)
                return err_errno(e, "cannot bind %s", path);

        share_with_group(path, group);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static enum MHD_Result send_answer(struct daemon *d, struct MHD_Connection *connection, struct call *c) {
        struct MHD_Response *response = NULL;
        struct err e = { 0 };
        enum MHD_Result r;
        char *text;

        if (c->stream && events_open(d, connection, &response, &e) < 0)
                api_refuse(c, &e);
        if (!response) {
                text = c->json ? json_dumps(c->json, JSON_COMPACT | JSON_REAL_PRECISION(12)) : c->text;
                if (c->json)
                        free(c->text);
                c->text = NULL;
                if (!text)
                        return MHD_NO;
                response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
                if (!response) {
                        free(text);
                        return MHD_NO;
                }
                (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, c->content_type);
        }

        (void)MHD_add_response_header(response, "Chaosd-Version", CHAOS_VERSION);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        if (c->allow)
                (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, c->allow);
        r = MHD_queue_response(connection, c->status, response);
        MHD_destroy_response(response);
        return r;
}

static enum MHD_Result refuse(struct daemon *d, struct MHD_Connection *connection, const struct link *link,
                              const struct err *e) {
        struct call c = { .peer = link->peer };
        enum MHD_Result r;

        api_refuse(&c, e);
        r = send_answer(d, connection, &c);
        call_done(&c);
        return r;
}

static int take_body(struct intake *in, const char *data, size_t len) {
        if (in->too_large || in->len + len > BODY_MAX) {
                in->too_large = true;
                in->discarded += len;
                return in->discarded > DISCARD_MAX ? -EMSGSIZE : 0;
        }
        if (in->len + len > in->size) {
                size_t size = (in->len + len) * 2;
                char *more = realloc(in->body, size);

                if (!more)
                        return -ENOMEM;
                in->body = more;
                in->size = size;
        }
        memcpy(in->body + in->len, data, len);
        in->len += len;
        return 0;
}

static bool has_flag(struct MHD_Connection *connection, const char *name) {
        const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);

        return value && strcmp(value, "0") != 0;
}

/* The access handler is called again when the connection is resumed. */
static void wait_for_prober(struct server *s, struct MHD_Connection *connection, struct intake *in) {
        in->connection = connection;
        in->next_waiting = s->waiting;
        s->waiting = in;
        MHD_suspend_connection(connection);
}

void server_kick(struct server *s) {
        if (!s || !s->timer)
                return;

        (void)sd_event_source_set_time(s->timer, 0);
        (void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

void server_wake(struct server *s) {
        server_kick(s);
        while (s && s->waiting) {
                struct intake *in = s->waiting;

                s->waiting = in->next_waiting;
                MHD_resume_connection(in->connection);
        }
}

static enum MHD_Result dispatch(struct server *s, struct MHD_Connection *connection, const struct link *link,
                                struct intake *in, const char *url, const char *method) {
        struct call c = {
                .method = method,
                .path = url,
                .peer = link->peer,
                .api_version = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Chaosd-Api"),
                .all = has_flag(connection, "all"),
                .probe = has_flag(connection, "probe"),
                .body = in->body,
                .body_len = in->len,
        };
        enum MHD_Result r;

        if (!api_prepare(s->daemon, &c, !in->prepared)) {
                in->prepared = true;
                wait_for_prober(s, connection, in);
                return MHD_YES;
        }

        api_call(s->daemon, &c);
        r = send_answer(s->daemon, connection, &c);
        call_done(&c);
        return r;
}

static void audit_denial(struct daemon *d, const struct link *link) {
        const struct audit_event event = {
                .action = "connect",
                .peer = &link->peer,
                .result = "refused",
                .detail = link->refusal.msg,
        };

        (void)daemon_audit(d, &event, NULL);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_len, void **state) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        static const struct err too_large = { .code = -EMSGSIZE, .msg = "the body is over 1 MiB" };
        const struct link *link = info ? info->socket_context : NULL;
        struct server *s = arg;
        struct intake *in = *state;
        const char *length;

        (void)version;
        if (!link)
                return MHD_NO;
        if (!in) { /* headers are here, the body is not */
                if (link->refusal.code) {
                        audit_denial(s->daemon, link);
                        return refuse(s->daemon, connection, link, &link->refusal);
                }
                length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
                if (length && strtoull(length, NULL, 10) > BODY_MAX)
                        return refuse(s->daemon, connection, link, &too_large);
                *state = calloc(1, sizeof(*in));
                return *state ? MHD_YES : MHD_NO;
        }
        if (*data_len > 0) {
                int r = take_body(in, data, *data_len);

                *data_len = 0;
                return r < 0 ? MHD_NO : MHD_YES;
        }
        if (in->too_large)
                return refuse(s->daemon, connection, link, &too_large);
        return dispatch(s, connection, link, in, url, method);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
        struct intake *in = *state;

        (void)arg;
        (void)connection;
        (void)why;
        if (in)
                free(in->body);
        free(in);
        *state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
        const union MHD_ConnectionInfo *info;
        struct server *s = arg;
        struct link *link;

        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
                free(*context);
                *context = NULL;
                return;
        }

        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        link = calloc(1, sizeof(*link));
        if (link && info && peer_read(info->connect_fd, &link->peer, &link->refusal) == 0)
                (void)peer_check(info->connect_fd, &link->peer, s->daemon->config->group, &link->refusal);
        else if (link && !link->refusal.code)
                (void)err_set(&link->refusal, -EACCES, "the peer is unknown");
        *context = link;
}

static void run_server(struct server *s) {
        MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
        enum MHD_Result more = MHD_YES;

        /* 0: it has more at hand, for it reads by the bufferful. Bounded, so that deadlines come in between. */
        for (unsigned i = 0; i < RUNS_AT_ONCE && more == MHD_YES && timeout_ms == 0; i++) {
                (void)MHD_run(s->mhd);
                more = MHD_get_timeout(s->mhd, &timeout_ms);
        }
        if (more == MHD_YES) {
                (void)sd_event_source_set_time_relative(s->timer, timeout_ms * USEC_PER_MSEC);
                (void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
        } else {
                (void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        }
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *arg) {
        (void)source;
        (void)fd;
        (void)events;
        run_server(arg);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg) {
        (void)source;
        (void)usec;
        run_server(arg);
        return 0;
}

static int attach(struct server *s, struct err *e) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
        sd_event *event = s->daemon->event;
        int r;

        if (!info)
                return err_set(e, -EIO, "the HTTP server has no epoll descriptor");

        r = sd_event_add_io(event, &s->io, info->epoll_fd, EPOLLIN, on_io, s);
        if (r >= 0)
                r = sd_event_add_time(event, &s->timer, CLOCK_MONOTONIC, 0, ACCURACY_US, on_timer, s);
        return r < 0 ? err_set(e, r, "cannot watch the socket: %s", strerror(-r)) : 0;
}

int server_start(struct daemon *d, int fd, const char *path, struct server **ret, struct err *e) {
        struct server *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return err_set(e, -ENOMEM, "no memory");

        s->daemon = d;
        s->fd = -1;
        (void)snprintf(s->path, sizeof(s->path), "%s", path);
        if (listen(fd, BACKLOG) < 0) {
                r = err_errno(e, "cannot listen on %s", path);
                server_free(s);
                return r;
        }

        s->mhd = MHD_start_daemon(
                MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
        if (!s->mhd) {
                r = err_errno(e, "cannot start the HTTP server");
                server_free(s);
                return r;
        }

        s->fd = fd; /* closed by MHD_stop_daemon() */
        r = attach(s, e);
        if (r < 0) {
                server_free(s);
                return r;
        }

        *ret = s;
        return 0;
}

void server_free(struct server *s) {
        if (!s)
                return;

        s->io = sd_event_source_disable_unref(s->io);
        s->timer = sd_event_source_disable_unref(s->timer);
        if (s->mhd) {
                s->daemon->stopping = true; /* no connection may be suspended when the server stops */
                events_end(s->daemon);
                server_wake(s);
                (void)MHD_run(s->mhd);
                MHD_stop_daemon(s->mhd);
        }
        if (s->fd >= 0)
                (void)unlink(s->path);
        free(s);
}
