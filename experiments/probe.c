#include "experiments/probe.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/probe_load.h"

#define BATCH_US    (5 * USEC_PER_MSEC) /* samples wait at most this long for company */
#define BATCH_MAX   512
#define STARTS_MAX  64  /* in a row, before answers are looked at */
#define DESCRIPTORS 200 /* kept free for everything else */

struct samples {
        struct probe_sample *items;
        size_t n, capacity;
};

struct probe {
        const struct experiment_probe *spec;
        const struct probe_load_ops *ops;
        void *load;
        uint64_t first_us;
        pthread_t thread;
        bool has_thread;
        int epoll_fd, control_fd, ready_fd;
        atomic_bool stop, quit, idle; /* idle: nothing under way, and all samples handed over */

        /* The thread's own. */
        uint64_t next; /* number of the next request */
        struct samples batch;
        uint64_t batch_since_us;

        /* Shared, under the lock. */
        pthread_mutex_t lock;
        struct samples out;
        struct probe_stats stats;
        uint64_t last_start_us, last_end_us;
        struct probe_llm_stats *llm; /* NULL for other kinds */
};

size_t probe_parallel(uint64_t given, double per_s, uint64_t timeout_us) {
        double need = per_s * (double)timeout_us / 1e6 * 1.2 + 64;

        if (given)
                return (size_t)given;
        return need > 20000 ? 20000 : (size_t)need;
}

static uint64_t scheduled_us(const struct probe *p, uint64_t number) {
        return p->first_us + (uint64_t)llround((double)number * 1e6 / p->spec->per_s);
}

static int samples_push(struct samples *s, const struct probe_sample *items, size_t n) {
        if (s->n + n > s->capacity) {
                size_t capacity = 2 * (s->n + n) + 64;
                struct probe_sample *grown = realloc(s->items, capacity * sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                s->items = grown;
                s->capacity = capacity;
        }
        memcpy(s->items + s->n, items, n * sizeof(*items));
        s->n += n;
        return 0;
}

/* ── the thread ────────────────────────────────────────────────────────────────────────────────────────────── */

static void flush(struct probe *p) {
        if (p->batch.n == 0)
                return;

        pthread_mutex_lock(&p->lock);
        (void)samples_push(&p->out, p->batch.items, p->batch.n);
        pthread_mutex_unlock(&p->lock);
        p->batch.n = 0;
        (void)eventfd_write(p->ready_fd, 1);
}

static void count_llm(struct probe_llm_stats *s, const struct probe_llm_answer *a, const struct where_answer *w) {
        s->tokens += a->tokens;
        s->prompt_tokens += a->prompt_tokens;
        s->truncated += a->truncated;
        s->without_usage += a->tokens > 0 && !a->has_usage;
        if (a->first_us)
                hdr_record(&s->ttft, w->ttft_us);
        for (size_t i = 0; i < a->n_gaps; i++)
                hdr_record(&s->itl, a->gaps_us[i]);
}

static void on_done(uint64_t tag, uint64_t end_us, int status, bool error, const char *reason,
                    const struct probe_llm_answer *llm, void *arg) {
        struct probe *p = arg;
        struct probe_sample s = { .scheduled_us = tag, .end_us = end_us };

        s.answer = (struct where_answer){ .status = status,
                                          .latency_us = end_us > tag ? end_us - tag : 0,
                                          .error = error };
        if (llm) {
                s.answer.truncated = llm->truncated;
                s.answer.tokens = llm->tokens;
                s.answer.ttft_us = llm->first_us > tag ? llm->first_us - tag : 0;
                s.answer.itl_p99_us = llm->itl_p99_us;
        }
        pthread_mutex_lock(&p->lock);
        p->stats.completed++;
        p->last_end_us = end_us;
        if (llm)
                count_llm(p->llm, llm, &s.answer);
        if (error) {
                p->stats.errors++;
                (void)snprintf(p->stats.last_error, sizeof(p->stats.last_error), "%s", reason);
        }
        pthread_mutex_unlock(&p->lock);

        if (p->batch.n == 0)
                p->batch_since_us = end_us;
        (void)samples_push(&p->batch, &s, 1);
}

static void start_one(struct probe *p) {
        uint64_t due_us = scheduled_us(p, p->next++), now_us;
        int r = p->ops->start(p->load, due_us);

        now_us = clock_boottime_us();
        pthread_mutex_lock(&p->lock);
        p->stats.scheduled++;
        if (r == -EBUSY) {
                p->stats.skipped++;
        } else {
                p->stats.started++;
                p->last_start_us = now_us;
                hdr_record(&p->stats.start_error, now_us > due_us ? now_us - due_us : 0);
        }
        pthread_mutex_unlock(&p->lock);
        if (r < 0 && r != -EBUSY)
                on_done(due_us, now_us, 0, true, strerror(-r), NULL, p);
}

static void start_due(struct probe *p) {
        for (int i = 0; i < STARTS_MAX && !p->stop && scheduled_us(p, p->next) <= clock_boottime_us(); i++)
                start_one(p);
}

/* Until the next start, timer of the load, or flush. */
static void wait_for_work(struct probe *p) {
        uint64_t until = p->ops->deadline_us(p->load), now = clock_boottime_us();
        struct timespec timeout = { .tv_sec = 3600 };
        struct epoll_event events[2];

        if (!p->stop && scheduled_us(p, p->next) < until)
                until = scheduled_us(p, p->next);
        if (p->batch.n > 0 && p->batch_since_us + BATCH_US < until)
                until = p->batch_since_us + BATCH_US;
        if (until != UINT64_MAX) {
                uint64_t left = until > now ? until - now : 0;

                timeout.tv_sec = (time_t)(left / USEC_PER_SEC);
                timeout.tv_nsec = (long)(left % USEC_PER_SEC * 1000);
        }
        for (int n = epoll_pwait2(p->epoll_fd, events, 2, &timeout, NULL); n > 0; n--) {
                eventfd_t value;

                if (events[n - 1].data.fd == p->control_fd)
                        (void)eventfd_read(p->control_fd, &value);
        }
}

/* What was due when we were told to stop, and had not been started, counts against us. */
static void count_missed(struct probe *p) {
        uint64_t now_us = clock_boottime_us();

        pthread_mutex_lock(&p->lock);
        for (; scheduled_us(p, p->next) + PROBE_LATE_MAX_US <= now_us; p->next++) {
                p->stats.scheduled++;
                p->stats.skipped++;
        }
        pthread_mutex_unlock(&p->lock);
}

static void *probe_thread(void *arg) {
        struct probe *p = arg;

        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* wake up when asked, not 50 us later */
        (void)prctl(PR_SET_NAME, "probe");
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), -10); /* where allowed: the measure comes before the measured */
        for (bool stopped = false; !p->quit;) {
                wait_for_work(p);
                start_due(p);
                if (p->stop && !stopped) {
                        count_missed(p);
                        stopped = true;
                }
                p->ops->dispatch(p->load);
                if (p->batch.n >= BATCH_MAX || (p->batch.n > 0 && clock_boottime_us() >= p->batch_since_us + BATCH_US))
                        flush(p);
                if (p->stop && p->ops->in_flight(p->load) == 0) {
                        flush(p);
                        p->idle = true;
                        (void)eventfd_write(p->ready_fd, 1);
                        break;
                }
        }
        return NULL;
}

/* ── from outside ──────────────────────────────────────────────────────────────────────────────────────────── */

/* Every request under way may need a descriptor. */
static void raise_descriptors(size_t parallel) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= parallel + DESCRIPTORS)
                return;
        limit.rlim_cur = parallel + DESCRIPTORS < limit.rlim_max ? parallel + DESCRIPTORS : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int watch(struct probe *p, int fd) {
        struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

        return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

int probe_start(const struct experiment_probe *spec, uint64_t first_us, struct probe **ret, struct err *e) {
        static const struct probe_load_ops *const loads[] = {
                [PROBE_HTTP] = &probe_load_http,
                [PROBE_TCP] = &probe_load_tcp,
                [PROBE_EXEC] = &probe_load_exec,
                [PROBE_LLM] = &probe_load_llm,
        };
        SCOPED(probe_freep) struct probe *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return err_set(e, -ENOMEM, "no memory");

        p->spec = spec;
        p->ops = loads[spec->kind];
        p->first_us = first_us;
        p->epoll_fd = p->control_fd = p->ready_fd = -1;
        (void)pthread_mutex_init(&p->lock, NULL);
        if (spec->kind == PROBE_LLM) {
                p->llm = calloc(1, sizeof(*p->llm));
                if (!p->llm)
                        return err_set(e, -ENOMEM, "no memory");
        }
        raise_descriptors(probe_parallel(0, spec->per_s, spec->timeout_us));
        r = p->ops->open(spec, on_done, p, &p->load, e);
        if (r < 0)
                return err_wrap(e, r, "probe %s", spec->name);

        p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        p->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        p->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (p->epoll_fd < 0 || p->control_fd < 0 || p->ready_fd < 0 || watch(p, p->control_fd) < 0 ||
            watch(p, p->ops->fd(p->load)) < 0)
                return err_errno(e, "probe %s", spec->name);

        r = pthread_create(&p->thread, NULL, probe_thread, p);
        if (r != 0)
                return err_set(e, -r, "probe %s: thread: %s", spec->name, strerror(r));

        p->has_thread = true;
        *ret = TAKE_PTR(p);
        return 0;
}

int probe_fd(const struct probe *p) {
        return p->ready_fd;
}

size_t probe_take(struct probe *p, struct probe_sample *samples, size_t max) {
        eventfd_t value;
        size_t n;

        (void)eventfd_read(p->ready_fd, &value);
        pthread_mutex_lock(&p->lock);
        n = p->out.n < max ? p->out.n : max;
        if (n > 0) {
                memcpy(samples, p->out.items, n * sizeof(*samples));
                memmove(p->out.items, p->out.items + n, (p->out.n - n) * sizeof(*samples));
                p->out.n -= n;
        }
        if (p->out.n > 0)
                (void)eventfd_write(p->ready_fd, 1);
        pthread_mutex_unlock(&p->lock);
        return n;
}

void probe_stop(struct probe *p) {
        p->stop = true;
        (void)eventfd_write(p->control_fd, 1);
}

bool probe_is_drained(const struct probe *p) {
        struct probe *shared = (struct probe *)p;
        bool empty;

        pthread_mutex_lock(&shared->lock);
        empty = p->out.n == 0;
        pthread_mutex_unlock(&shared->lock);
        return p->idle && empty;
}

void probe_stats(const struct probe *p, struct probe_stats *ret) {
        struct probe *shared = (struct probe *)p;
        uint64_t p99;
        double seconds;

        pthread_mutex_lock(&shared->lock);
        *ret = p->stats;
        seconds = p->last_start_us > p->first_us ? (double)(p->last_start_us - p->first_us) / 1e6 : 0;
        pthread_mutex_unlock(&shared->lock);

        p99 = hdr_percentile(&ret->start_error, 99);
        ret->rate_asked = p->spec->per_s;
        ret->rate_kept = seconds > 0 ? (double)(ret->started > 0 ? ret->started - 1 : 0) / seconds : 0;
        ret->kept_up = ret->skipped == 0 && p99 < PROBE_LATE_MAX_US;
        if (ret->skipped)
                (void)snprintf(ret->message, sizeof(ret->message),
                               "could not keep up: %llu of %llu requests were not started",
                               (unsigned long long)ret->skipped, (unsigned long long)ret->scheduled);
        else if (!ret->kept_up)
                (void)snprintf(ret->message, sizeof(ret->message),
                               "could not keep up: 1 in 100 requests started %.3g ms late or more", (double)p99 / 1e3);
}

bool probe_llm_stats(const struct probe *p, struct probe_llm_stats *ret) {
        struct probe *shared = (struct probe *)p;

        if (!p->llm)
                return false;

        pthread_mutex_lock(&shared->lock);
        *ret = *p->llm;
        ret->seconds = p->last_end_us > p->first_us ? (double)(p->last_end_us - p->first_us) / 1e6 : 0;
        pthread_mutex_unlock(&shared->lock);
        return true;
}

void probe_free(struct probe *p) {
        if (!p)
                return;

        if (p->has_thread) {
                p->quit = true;
                (void)eventfd_write(p->control_fd, 1);
                (void)pthread_join(p->thread, NULL);
        }
        if (p->load)
                p->ops->close(p->load);
        scoped_closep(&p->epoll_fd);
        scoped_closep(&p->control_fd);
        scoped_closep(&p->ready_fd);
        (void)pthread_mutex_destroy(&p->lock);
        free(p->batch.items);
        free(p->out.items);
        free(p->llm);
        free(p);
}
