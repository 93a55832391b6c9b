#include "core/http_async.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "core/clock.h"
#include "core/err.h"

#define EVENTS_MAX 64

struct slot {
        CURL *easy;
        struct http_async *owner;
        struct slot *next_free;
        uint64_t tag, started_us;
        bool busy;
};

struct http_async {
        CURLM *multi;
        int epoll_fd;
        uint64_t deadline_us; /* as libcurl asked; UINT64_MAX = none */
        http_async_done_t on_done;
        http_async_data_t on_data; /* or NULL */
        void *arg;
        struct slot *slots, *free_slots;
        size_t n_slots, used_slots, in_flight;
        struct curl_slist *headers;
        char *url, *unix_socket, *method, *body;
        uint64_t timeout_us;
        bool tls_insecure;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
        struct http_async *h = arg;
        struct epoll_event ev = { .data.fd = fd };

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                (void)epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
                (void)curl_multi_assign(h->multi, fd, NULL);
                return 0;
        }

        if (what & CURL_POLL_IN)
                ev.events |= EPOLLIN;
        if (what & CURL_POLL_OUT)
                ev.events |= EPOLLOUT;
        if (epoll_ctl(h->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) < 0)
                (void)epoll_ctl(h->epoll_fd, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
        (void)curl_multi_assign(h->multi, fd, h);
        return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg) {
        struct http_async *h = arg;

        (void)multi;
        h->deadline_us = timeout_ms < 0 ? UINT64_MAX : clock_boottime_us() + (uint64_t)timeout_ms * USEC_PER_MSEC;
        return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
        const struct slot *s = arg;

        if (s->owner->on_data)
                s->owner->on_data(s->tag, data, size * n, clock_boottime_us(), s->owner->arg);
        return size * n;
}

static int slot_prepare(struct http_async *h, struct slot *s) {
        const char *method = h->method ? h->method : h->body ? "POST" : "GET";
        CURL *c = curl_easy_init();

        if (!c)
                return -ENOMEM;

        s->easy = c;
        s->owner = h;
        (void)curl_easy_setopt(c, CURLOPT_PRIVATE, s);
        (void)curl_easy_setopt(c, CURLOPT_URL, h->url);
        (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
        (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "chaosctl-probe");
        (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers);
        (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)((h->timeout_us + 999) / 1000));
        (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)((h->timeout_us + 999) / 1000));
        (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
        (void)curl_easy_setopt(c, CURLOPT_PROXY,
                               ""); /* load goes to the service itself, whatever the environment says */
        if (h->unix_socket)
                (void)curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, h->unix_socket);
        if (strcmp(method, "HEAD") == 0)
                (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        if (h->body)
                (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, h->body);
        (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
        if (h->tls_insecure) {
                (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
                (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        return 0;
}

int http_async_start(struct http_async *h, uint64_t tag) {
        struct slot *s = h->free_slots;

        if (s) {
                h->free_slots = s->next_free;
        } else {
                if (h->used_slots == h->n_slots)
                        return -EBUSY;

                s = &h->slots[h->used_slots];
                if (slot_prepare(h, s) < 0)
                        return -ENOMEM;
                h->used_slots++;
        }

        s->tag = tag;
        s->started_us = clock_boottime_us();
        s->busy = true;
        if (curl_multi_add_handle(h->multi, s->easy) != CURLM_OK) {
                s->busy = false;
                s->next_free = h->free_slots;
                h->free_slots = s;
                return -ENOMEM;
        }
        h->in_flight++;
        return 0;
}

static void finish(struct http_async *h, struct slot *s, CURLcode code) {
        struct http_async_result result = { .tag = s->tag, .end_us = clock_boottime_us() };
        curl_off_t first_us = 0;
        long status = 0;

        (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(s->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
        result.error = code != CURLE_OK;
        result.timed_out = code == CURLE_OPERATION_TIMEDOUT;
        result.reason = result.error ? curl_easy_strerror(code) : "";
        result.status = result.error ? 0 : (int)status;
        result.first_byte_us = first_us > 0 ? s->started_us + (uint64_t)first_us : 0;

        (void)curl_multi_remove_handle(h->multi, s->easy);
        s->busy = false;
        s->next_free = h->free_slots;
        h->free_slots = s;
        h->in_flight--;
        h->on_done(&result, h->arg);
}

static void collect_finished(struct http_async *h) {
        const CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(h->multi, &left))) {
                CURLcode code = m->data.result;
                struct slot *s = NULL;

                if (m->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
                finish(h, s, code);
        }
}

void http_async_dispatch(struct http_async *h) {
        struct epoll_event events[EVENTS_MAX];
        int running, n;

        if (h->deadline_us <= clock_boottime_us()) {
                h->deadline_us = UINT64_MAX; /* libcurl sets it again if it wants more */
                (void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }

        n = epoll_wait(h->epoll_fd, events, EVENTS_MAX, 0);
        for (int i = 0; i < n; i++) {
                int what = 0;

                if (events[i].events & EPOLLIN)
                        what |= CURL_CSELECT_IN;
                if (events[i].events & EPOLLOUT)
                        what |= CURL_CSELECT_OUT;
                if (events[i].events & (EPOLLERR | EPOLLHUP))
                        what |= CURL_CSELECT_ERR;
                (void)curl_multi_socket_action(h->multi, events[i].data.fd, what, &running);
        }
        collect_finished(h);
}

int http_async_fd(const struct http_async *h) {
        return h->epoll_fd;
}

uint64_t http_async_deadline_us(const struct http_async *h) {
        return h->deadline_us;
}

size_t http_async_in_flight(const struct http_async *h) {
        return h->in_flight;
}

static void global_init(void) {
        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int check_url(const char *url, struct err *e) {
        CURLU *u = curl_url();
        CURLUcode code = u ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;

        curl_url_cleanup(u);
        if (code != CURLUE_OK || (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0))
                return err_set(e, -EINVAL, "'%.200s' is not an http:// or https:// address%s%s", url,
                               code != CURLUE_OK ? ": " : "", code != CURLUE_OK ? curl_url_strerror(code) : "");
        return 0;
}

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;

        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int copy_config(struct http_async *h, const struct http_async_config *c) {
        struct curl_slist *grown = curl_slist_append(NULL, "Expect:");

        h->headers = grown;
        for (const char *const *text = c->headers; text && *text && grown; text++) {
                grown = curl_slist_append(h->headers, *text);
                if (grown)
                        h->headers = grown;
        }
        h->timeout_us = c->timeout_us;
        h->tls_insecure = c->tls_insecure;
        h->n_slots = c->max_in_flight;
        h->slots = calloc(c->max_in_flight, sizeof(*h->slots));
        h->multi = curl_multi_init();
        if (!grown || !h->slots || !h->multi || copy_text(c->url, &h->url) < 0 ||
            copy_text(c->unix_socket, &h->unix_socket) < 0 || copy_text(c->method, &h->method) < 0 ||
            copy_text(c->body, &h->body) < 0)
                return -ENOMEM;
        return 0;
}

int http_async_new(const struct http_async_config *config, http_async_done_t on_done, void *arg,
                   struct http_async **ret, struct err *e) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        SCOPED(http_async_freep) struct http_async *h = NULL;
        int r;

        (void)pthread_once(&once, global_init);
        r = check_url(config->url, e);
        if (r < 0)
                return r;

        h = calloc(1, sizeof(*h));
        if (!h)
                return err_set(e, -ENOMEM, "no memory");
        h->epoll_fd = -1;
        h->deadline_us = UINT64_MAX;
        h->on_done = on_done;
        h->on_data = config->on_data;
        h->arg = arg;
        if (copy_config(h, config) < 0)
                return err_set(e, -ENOMEM, "no memory");

        h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (h->epoll_fd < 0)
                return err_errno(e, "epoll_create1");

        (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
        (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
        (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)config->max_in_flight); /* keep them all alive */
        *ret = TAKE_PTR(h);
        return 0;
}

void http_async_free(struct http_async *h) {
        if (!h)
                return;

        for (size_t i = 0; i < h->used_slots; i++) {
                if (h->slots[i].busy)
                        (void)curl_multi_remove_handle(h->multi, h->slots[i].easy);
                curl_easy_cleanup(h->slots[i].easy);
        }
        if (h->multi)
                (void)curl_multi_cleanup(h->multi); /* closes its sockets, so epoll forgets them */
        scoped_closep(&h->epoll_fd);
        curl_slist_free_all(h->headers);
        free(h->slots);
        free(h->url);
        free(h->unix_socket);
        free(h->method);
        free(h->body);
        free(h);
}
