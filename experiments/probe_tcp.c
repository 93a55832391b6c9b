/* probe_tcp.c — opens TCP connections and closes them again: the time to connect. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "experiments/probe_load.h"

#define EVENTS_MAX 64

/* All have the same timeout, so the oldest of this list is the next to run out. */
struct connection {
        int fd;
        uint64_t tag, deadline_us;
        struct connection *older, *newer, *next_free;
};

struct load {
        int epoll_fd;
        struct sockaddr_storage address;
        socklen_t address_len;
        uint64_t timeout_us;
        struct connection *connections, *free_list, *oldest, *newest;
        size_t n, in_flight;
        probe_done_t done;
        void *arg;
};

/* "HOST:PORT", "[::1]:80" */
static int resolve(const char *text, struct load *l, struct err *e) {
        const char *colon = strrchr(text, ':');
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
        char host[256];
        size_t len;
        int r;

        if (!colon || colon == text || colon[1] == 0)
                return err_set(e, -EINVAL, "'%.100s' is not HOST:PORT", text);

        len = (size_t)(colon - text);
        if (text[0] == '[' && colon[-1] == ']') {
                text++;
                len -= 2;
        }
        (void)snprintf(host, sizeof(host), "%.*s", (int)len, text);
        r = getaddrinfo(host, colon + 1, &hints, &found);
        if (r != 0)
                return err_set(e, -EHOSTUNREACH, "%.100s: %s", host, gai_strerror(r));

        memcpy(&l->address, found->ai_addr, found->ai_addrlen);
        l->address_len = found->ai_addrlen;
        freeaddrinfo(found);
        return 0;
}

static void tcp_close(void *load) {
        struct load *l = load;

        for (struct connection *c = l->oldest; c; c = c->newer)
                scoped_closep(&c->fd);
        scoped_closep(&l->epoll_fd);
        free(l->connections);
        free(l);
}

static void load_freep(struct load **l) {
        if (*l)
                tcp_close(*l);
}

static int tcp_open(const struct experiment_probe *spec, probe_done_t done, void *arg, void **ret, struct err *e) {
        SCOPED(load_freep) struct load *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return err_set(e, -ENOMEM, "no memory");
        l->done = done;
        l->arg = arg;
        l->timeout_us = spec->timeout_us;
        l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (l->epoll_fd < 0)
                return err_errno(e, "epoll_create1");

        l->n = probe_parallel(spec->tcp.connections, spec->per_s, spec->timeout_us);
        l->connections = calloc(l->n, sizeof(*l->connections));
        if (!l->connections)
                return err_set(e, -ENOMEM, "no memory");
        for (size_t i = 0; i < l->n; i++) {
                l->connections[i].fd = -1;
                l->connections[i].next_free = l->free_list;
                l->free_list = &l->connections[i];
        }

        r = resolve(spec->tcp.address, l, e);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

static void finish(struct load *l, struct connection *c, int error) {
        uint64_t tag = c->tag;

        scoped_closep(&c->fd); /* epoll forgets it */
        c->fd = -1;
        if (c->older)
                c->older->newer = c->newer;
        else
                l->oldest = c->newer;
        if (c->newer)
                c->newer->older = c->older;
        else
                l->newest = c->older;
        c->older = c->newer = NULL;
        c->next_free = l->free_list;
        l->free_list = c;
        l->in_flight--;
        l->done(tag, clock_boottime_us(), 0, error != 0, error ? strerror(error) : "", NULL, l->arg);
}

static int tcp_start(void *load, uint64_t tag) {
        struct load *l = load;
        struct connection *c = l->free_list;
        struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = c };
        SCOPED_FD int fd = -1;

        if (!c)
                return -EBUSY;

        fd = socket(l->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&l->address, l->address_len) < 0 && errno != EINPROGRESS)
                return -errno;
        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
                return -errno;

        l->free_list = c->next_free;
        *c = (struct connection){
                .fd = TAKE_FD(fd), .tag = tag, .deadline_us = clock_boottime_us() + l->timeout_us, .older = l->newest
        };
        if (l->newest)
                l->newest->newer = c;
        else
                l->oldest = c;
        l->newest = c;
        l->in_flight++;
        return 0;
}

static int tcp_fd(const void *load) {
        return ((const struct load *)load)->epoll_fd;
}

static uint64_t tcp_deadline_us(const void *load) {
        const struct load *l = load;

        return l->oldest ? l->oldest->deadline_us : UINT64_MAX;
}

static void tcp_dispatch(void *load) {
        struct load *l = load;
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, 0);

        for (int i = 0; i < n; i++) {
                struct connection *c = events[i].data.ptr;
                int error = 0;
                socklen_t len = sizeof(error);

                if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                        error = errno;
                finish(l, c, error);
        }
        while (l->oldest && l->oldest->deadline_us <= clock_boottime_us())
                finish(l, l->oldest, ETIMEDOUT);
}

static size_t tcp_in_flight(const void *load) {
        return ((const struct load *)load)->in_flight;
}

const struct probe_load_ops probe_load_tcp = {
        .open = tcp_open,
        .start = tcp_start,
        .fd = tcp_fd,
        .deadline_us = tcp_deadline_us,
        .dispatch = tcp_dispatch,
        .in_flight = tcp_in_flight,
        .close = tcp_close,
};
