#include "experiments/prom_poll.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "core/clock.h"
#include "core/err.h"

#define POLL_EVERY_US USEC_PER_SEC
#define QUEUE         256

struct series {
        double part, total; /* last counters; NAN = none yet */
        double looks, seen; /* of counters: how often they were there, and all that they grew by */
        bool noted;
};

struct prom_poll {
        const struct experiment *x;
        uint64_t first_us;
        struct series *series;
        bool *stop_noted;
        pthread_t thread;
        bool has_thread;
        atomic_bool quit;
        int ready_fd, control_fd;
        pthread_mutex_t lock;
        struct prom_sample queue[QUEUE];
        unsigned head, tail;
};

static void push(struct prom_poll *p, const struct prom_sample *s) {
        pthread_mutex_lock(&p->lock);
        if (p->tail - p->head < QUEUE)
                p->queue[p->tail++ % QUEUE] = *s;
        pthread_mutex_unlock(&p->lock);
        (void)eventfd_write(p->ready_fd, 1);
}

bool prom_poll_take(struct prom_poll *p, struct prom_sample *ret) {
        eventfd_t value;
        bool any;

        pthread_mutex_lock(&p->lock);
        any = p->head != p->tail;
        if (any)
                *ret = p->queue[p->head++ % QUEUE];
        else
                (void)eventfd_read(p->ready_fd, &value);
        pthread_mutex_unlock(&p->lock);
        return any;
}

/* One number, or none; a note says why not. An unanswered query says nothing about the service: only an answer without
 * a number is "no data". */
static double take(const struct slo_source *s, const struct prometheus_answer *a, struct prom_sample *out) {
        if (a->series > 1) {
                (void)snprintf(out->note, sizeof(out->note), "the query gives %zu series; add sum(): %.150s", a->series,
                               s->query);
                return NAN;
        }
        if (a->warning[0])
                (void)snprintf(out->note, sizeof(out->note), "Prometheus warns: %.200s", a->warning);
        out->no_data = out->no_data || a->no_data;
        return a->no_data ? NAN : a->value;
}

static double ask(const struct slo_source *s, struct prom_sample *out) {
        struct prometheus_answer a = { 0 };
        struct err e = { 0 };

        if (prometheus_query(s->datasource, s->query, &a, &e) >= 0)
                return take(s, &a, out);
        (void)snprintf(out->note, sizeof(out->note), "Prometheus: %.220s", e.msg);
        return NAN;
}

/* Both parts of a ratio, of the same moment where one server knows both. */
static void ask_ratio(const struct slo *s, double *ret_part, double *ret_total, struct prom_sample *out) {
        struct prometheus_answer part = { 0 }, total = { 0 };
        struct err e = { 0 };
        int r = -EINVAL;

        if (s->part.datasource == s->total.datasource)
                r = prometheus_query_pair(s->part.datasource, s->part.query, s->total.query, &part, &total, &e);
        if (r < 0 && r != -EINVAL) {
                *ret_part = *ret_total = NAN;
                (void)snprintf(out->note, sizeof(out->note), "Prometheus: %.220s", e.msg);
                return;
        }
        if (r < 0) { /* a scalar, two servers, or a mistake: one by one, with words for what is wrong */
                *ret_part = ask(&s->part, out);
                *ret_total = ask(&s->total, out);
                return;
        }
        *ret_part = take(&s->part, &part, out);
        *ret_total = take(&s->total, &total, out);
}

static struct slo_count ratio(double part, double total, bool bad) {
        if (!(total > 0) || !isfinite(total) || isnan(part))
                return (struct slo_count){ 0 };

        part = bad ? total - part : part;
        return (struct slo_count){ fmin(fmax(part, 0), total), total };
}

/* Counters count by what they grew since the last look; everything else is one sample for each look. */
static struct slo_count measure(const struct slo *s, struct series *last, struct prom_sample *out) {
        double part = 0, total = 0, grown_part, grown_total;
        bool bad = s->indicator == SLO_BAD_TOTAL;

        if (s->indicator == SLO_THRESHOLD || s->indicator == SLO_RAW)
                part = ask(&s->part, out);
        else
                ask_ratio(s, &part, &total, out);

        if (s->indicator == SLO_THRESHOLD)
                return isnan(part) ? (struct slo_count){ 0 } : (struct slo_count){ slo_threshold_holds(s, part), 1 };
        if (s->indicator == SLO_RAW)
                return isnan(part) ? (struct slo_count){ 0 }
                                   : (struct slo_count){ fmin(fmax(s->raw_success ? part : 1 - part, 0), 1), 1 };

        if (!s->counter) {
                struct slo_count c = ratio(part, total, bad);

                return c.total > 0 ? (struct slo_count){ c.good / c.total, 1 } : c;
        }

        grown_part = part - last->part;
        grown_total = total - last->total;
        if (grown_part < 0 || grown_total < 0) /* begun again; in a sum() nobody knows how much of it: skip this look */
                grown_part = grown_total = NAN;
        if (!isnan(part) && !isnan(total)) {
                last->part = part;
                last->total = total;
        }
        if (!isnan(grown_total)) {
                last->looks++;
                last->seen += grown_total;
        }
        return isnan(grown_total) ? (struct slo_count){ 0 } : ratio(grown_part, grown_total, bad);
}

/* A look that finds nothing weighs as much as the mean look that found something. */
static double silent_weight(const struct slo *s, const struct series *last) {
        double mean = s->counter && last->looks > 0 ? last->seen / last->looks : 1;

        return mean > 0 ? mean : 1;
}

static void look_at_slos(struct prom_poll *p) {
        for (size_t i = 0; i < p->x->n_slos && !p->quit; i++) {
                struct prom_sample out = { .slo = i };

                if (p->x->slos[i].part_probe >= 0)
                        continue;

                out.at_us = clock_boottime_us();
                out.count = measure(p->x->slos[i].slo, &p->series[i], &out);
                out.no_data = out.no_data && out.count.total <= 0 && !p->x->slos[i].slo->no_data_ok;
                if (out.no_data)
                        out.count = (struct slo_count){ 0, silent_weight(p->x->slos[i].slo, &p->series[i]) };
                if (p->series[i].noted)
                        out.note[0] = 0;
                p->series[i].noted = p->series[i].noted || out.note[0];
                if (out.count.total > 0 || out.note[0])
                        push(p, &out);
        }
}

static void look_at_stops(struct prom_poll *p) {
        for (size_t i = 0; i < p->x->n_stops && !p->quit; i++) {
                const struct experiment_stop *s = &p->x->stops[i];
                struct prometheus_answer a = { 0 };
                struct prom_sample out = { .at_us = clock_boottime_us() };
                struct err e = { 0 };

                if (!s->query)
                        continue;
                if (prometheus_query(s->datasource, s->query, &a, &e) < 0) {
                        if (!p->stop_noted[i])
                                (void)snprintf(out.note, sizeof(out.note), "stop condition: %.200s", e.msg);
                        p->stop_noted[i] = true;
                }
                out.condition = a.any_nonzero;
                (void)snprintf(out.text, sizeof(out.text), "stop condition: %.200s gave %g", s->query, a.value);
                if (out.condition || out.note[0])
                        push(p, &out);
        }
}

static void *poll_thread(void *arg) {
        struct prom_poll *p = arg;

        for (uint64_t next_us = p->first_us; !p->quit;) {
                uint64_t now_us = clock_boottime_us();
                struct pollfd fd = { .fd = p->control_fd, .events = POLLIN };

                if (now_us < next_us) {
                        (void)poll(&fd, 1, (int)((next_us - now_us) / USEC_PER_MSEC) + 1);
                        continue;
                }
                look_at_slos(p);
                look_at_stops(p);
                next_us += POLL_EVERY_US;
                if (next_us < clock_boottime_us()) /* a slow server is asked less often, not in bursts */
                        next_us = clock_boottime_us() + POLL_EVERY_US / 2;
        }
        return NULL;
}

static bool is_needed(const struct experiment *x) {
        for (size_t i = 0; i < x->n_slos; i++)
                if (x->slos[i].part_probe < 0)
                        return true;
        for (size_t i = 0; i < x->n_stops; i++)
                if (x->stops[i].query)
                        return true;
        return false;
}

int prom_poll_start(const struct experiment *x, uint64_t first_us, struct prom_poll **ret, struct err *e) {
        struct prom_poll *p;
        int r;

        if (!is_needed(x))
                return 0;

        p = calloc(1, sizeof(*p));
        if (!p)
                return err_set(e, -ENOMEM, "no memory");
        p->x = x;
        p->first_us = first_us;
        (void)pthread_mutex_init(&p->lock, NULL);
        p->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        p->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        p->series = calloc(x->n_slos + 1, sizeof(*p->series));
        p->stop_noted = calloc(x->n_stops + 1, sizeof(*p->stop_noted));
        if (p->ready_fd < 0 || p->control_fd < 0 || !p->series || !p->stop_noted) {
                prom_poll_free(p);
                return err_set(e, -ENOMEM, "no memory");
        }
        for (size_t i = 0; i < x->n_slos; i++)
                p->series[i].part = p->series[i].total = NAN;

        r = pthread_create(&p->thread, NULL, poll_thread, p);
        if (r != 0) {
                prom_poll_free(p);
                return err_set(e, -r, "thread: %s", strerror(r));
        }
        p->has_thread = true;
        *ret = p;
        return 0;
}

int prom_poll_fd(const struct prom_poll *p) {
        return p->ready_fd;
}

void prom_poll_free(struct prom_poll *p) {
        if (!p)
                return;

        if (p->has_thread) {
                p->quit = true;
                (void)eventfd_write(p->control_fd, 1);
                (void)pthread_join(p->thread, NULL); /* at most one query's timeout */
        }
        scoped_closep(&p->ready_fd);
        scoped_closep(&p->control_fd);
        (void)pthread_mutex_destroy(&p->lock);
        free(p->series);
        free(p->stop_noted);
        free(p);
}
