/* run.c — the loop that gives the engine its clock, samples and faults, and does what it asks. */
#include "experiments/run.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/prom_poll.h"
#include "experiments/run_internal.h"

#define WARM_UP_US            (500 * USEC_PER_MSEC) /* load before the clock starts: connections, caches, names */
#define TURN_MAX_US           (50 * USEC_PER_MSEC)
#define DRAIN_MAX_US          (2 * USEC_PER_SEC)
#define DRAIN_STOPPED_US      (200 * USEC_PER_MSEC)
#define NO_DATA_MIN_US        (3 * USEC_PER_SEC)
#define NO_DATA_PROMETHEUS_US (30 * USEC_PER_SEC)

enum { TAG_STOP = 1000, TAG_PROMETHEUS };

uint64_t run_now_us(const struct run *r) {
        uint64_t now_us = clock_boottime_us();

        return now_us > r->zero_us ? now_us - r->zero_us : 0;
}

void run_note(struct run *r, const char *fmt, ...) {
        char text[300];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        (void)json_array_append_new(r->notes, json_string(text));
        if (r->o.observer.on_note)
                r->o.observer.on_note(text, r->o.observer.arg);
}

/* ── making ────────────────────────────────────────────────────────────────────────────────────────────────── */

static uint64_t no_data_us(const struct experiment *x, const struct experiment_slo *s) {
        const struct experiment_probe *p;
        uint64_t us;

        if (x->no_data_us)
                return x->no_data_us;
        if (s->part_probe < 0)
                return NO_DATA_PROMETHEUS_US;

        p = &x->probes[s->part_probe];
        us = 2 * p->timeout_us + (uint64_t)(3e6 / p->per_s);
        return us > NO_DATA_MIN_US ? us : NO_DATA_MIN_US;
}

static void configure(struct run *r) {
        const struct experiment *x = r->x;

        for (size_t i = 0; i < x->n_slos; i++) {
                const struct experiment_slo *s = &x->slos[i];

                r->slo_config[i] = (struct engine_slo_config){
                        .name = s->slo->name,
                        .objective = s->slo->objective,
                        .method = s->slo->method,
                        .slice_us = s->slo->slice_us,
                        .slice_target = s->slo->slice_target,
                        .period_us = s->slo->window_us,
                        .expect = s->expect,
                        .min_samples = s->min_samples,
                        .no_data_us = no_data_us(x, s),
                        .remaining_before = NAN,
                };
        }
        for (size_t i = 0; i < x->n_faults; i++)
                r->fault_config[i] = (struct engine_fault_config){
                        .name = x->faults[i].name,
                        .after_us = x->faults[i].after_us,
                        .for_us = x->faults[i].for_us,
                        .irreversible = x->faults[i].irreversible,
                };
        r->config = (struct engine_config){
                .baseline_us = x->baseline_us,
                .recovery_us = x->recovery_us,
                .fault_us = x->fault_us,
                .recover_within_us = x->recover_within_us,
                .slos = r->slo_config,
                .n_slos = x->n_slos,
                .faults = r->fault_config,
                .n_faults = x->n_faults,
                .max_spend = x->max_spend_ppm / 1e6,
                .min_remaining = x->gate_remaining ? x->min_remaining_ppm / 1e6 : NAN,
                .burn_off = x->burn_off,
                .burn_limit = x->burn_auto || x->burn_off ? NAN : x->burn_limit,
                .override_gate = r->o.budget_override != NULL,
        };
        for (size_t i = 0; i < x->n_stops; i++)
                slo_window_init(&r->stops[i].window, &(struct slo_alert){ .long_us = x->stops[i].window_us,
                                                                          .short_us = x->stops[i].window_us / 12 });
}

static void make_id(struct run *r) {
        uint64_t random = clock_boottime_us();
        time_t now = time(NULL);
        char stamp[24];
        struct tm tm;

        IGNORE_RESULT(getrandom(&random, sizeof(random), GRND_NONBLOCK)); /* without it, the clock has to do */
        r->seed = r->x->seed_given ? r->x->seed : random >> 11;
        (void)gmtime_r(&now, &tm);
        (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
        (void)snprintf(r->id, sizeof(r->id), "%s-%s-%06x", stamp, r->x->name, (unsigned)(random & 0xffffff));
}

int run_new(const struct experiment *x, const struct run_options *o, struct run **ret, struct err *e) {
        SCOPED(run_freep) struct run *r = calloc(1, sizeof(*r));

        if (!r)
                return err_set(e, -ENOMEM, "no memory");

        r->x = x;
        r->o = *o;
        r->epoll_fd = r->stop_fd = -1;
        r->slo_config = calloc(x->n_slos + 1, sizeof(*r->slo_config));
        r->fault_config = calloc(x->n_faults + 1, sizeof(*r->fault_config));
        r->probes = calloc(x->n_probes + 1, sizeof(*r->probes));
        r->faults = calloc(x->n_faults + 1, sizeof(*r->faults));
        r->stops = calloc(x->n_stops + 1, sizeof(*r->stops));
        r->notes = json_array();
        if (!r->slo_config || !r->fault_config || !r->probes || !r->faults || !r->stops || !r->notes)
                return err_set(e, -ENOMEM, "no memory");
        if (x->n_faults > 64)
                return err_set(e, -EINVAL, "an experiment may have 64 faults at most");

        configure(r);
        make_id(r);
        r->engine = engine_new(&r->config);
        if (!r->engine)
                return err_set(e, -ENOMEM, "no memory");

        r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        r->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (r->epoll_fd < 0 || r->stop_fd < 0)
                return err_errno(e, "event loop");
        *ret = TAKE_PTR(r);
        return 0;
}

void run_free(struct run *r) {
        if (!r)
                return;

        prom_poll_free(r->prom);
        for (size_t i = 0; r->probes && i < r->x->n_probes; i++)
                probe_free(r->probes[i].probe);
        for (size_t i = 0; r->faults && i < r->x->n_faults; i++) {
                json_decref(r->faults[i].plan);
                json_decref(r->faults[i].object);
        }
        engine_free(r->engine);
        json_decref(r->capabilities);
        json_decref(r->notes);
        scoped_closep(&r->epoll_fd);
        scoped_closep(&r->stop_fd);
        free(r->slo_config);
        free(r->fault_config);
        free(r->probes);
        free(r->faults);
        free(r->stops);
        free(r);
}

void run_request_stop(struct run *r) {
        run_request_stop_for(r, "stopped by the user");
}

void run_request_stop_for(struct run *r, const char *why) {
        const char *none = NULL;
        uint64_t one = 1;
        int saved = errno;

        (void)atomic_compare_exchange_strong(&r->stop_why, &none, why);
        if (write(r->stop_fd, &one, sizeof(one)) < 0)
                errno = saved;
        errno = saved;
}

/* ── before the start ──────────────────────────────────────────────────────────────────────────────────────── */

static int watch(struct run *r, int fd, uint64_t tag) {
        struct epoll_event ev = { .events = EPOLLIN, .data.u64 = tag };

        return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int start_load(struct run *r, struct err *e) {
        uint64_t first_us = clock_boottime_us() + 10 * USEC_PER_MSEC;
        int code;

        r->zero_us = first_us + WARM_UP_US;
        r->start_wall_us = clock_realtime_us() + 10 * USEC_PER_MSEC + WARM_UP_US;
        for (size_t i = 0; i < r->x->n_probes; i++) {
                code = probe_start(&r->x->probes[i], first_us, &r->probes[i].probe, e);
                if (code < 0)
                        return code;
                if (watch(r, probe_fd(r->probes[i].probe), i) < 0)
                        return err_errno(e, "event loop");
        }
        code = prom_poll_start(r->x, r->zero_us, &r->prom, e);
        if (code < 0)
                return code;
        if (r->prom && watch(r, prom_poll_fd(r->prom), TAG_PROMETHEUS) < 0)
                return err_errno(e, "event loop");
        return 0;
}

/* What must be there before anything starts: the daemon, and a plan for every fault. */
static int prepare(struct run *r, struct err *e) {
        int code = run_ask_capabilities(r, e);

        if (code >= 0)
                code = run_plan_faults(r, e);
        if (code >= 0)
                run_read_budgets(r);
        return code;
}

/* ── the loop ──────────────────────────────────────────────────────────────────────────────────────────────── */

static void stop_load(struct run *r) {
        uint64_t limit_us = r->stops_asked ? DRAIN_STOPPED_US : DRAIN_MAX_US, longest_us = 0;

        for (size_t i = 0; i < r->x->n_probes; i++)
                if (r->probes[i].probe) {
                        probe_stop(r->probes[i].probe);
                        if (r->x->probes[i].timeout_us > longest_us)
                                longest_us = r->x->probes[i].timeout_us + 50 * USEC_PER_MSEC;
                }
        r->drain_by_us = clock_boottime_us() + (longest_us < limit_us ? longest_us : limit_us);
}

static void act(struct run *r, const struct engine_action *a) {
        const struct run_observer *o = &r->o.observer;
        const uint64_t lengths[] = { r->x->baseline_us, r->x->fault_us, r->x->recovery_us };

        switch (a->kind) {
        case ENGINE_BEGIN_PHASE:
                if (o->on_phase)
                        o->on_phase(engine_phase_name(a->phase), (double)run_now_us(r) / 1e6,
                                    (double)lengths[a->phase] / 1e6, o->arg);
                break;
        case ENGINE_INJECT:
                run_inject(r, a->fault);
                break;
        case ENGINE_REVERT:
                run_revert(r, a->fault);
                break;
        case ENGINE_ABORT:
                /* Told after the reverts: nothing may stand between the breach and them. */
                break;
        case ENGINE_STOP_LOAD:
                stop_load(r);
                break;
        case ENGINE_FINISH:
                r->finished = true;
                break;
        }
}

static void act_all(struct run *r) {
        const struct engine *e = r->engine;
        const char *abort_text = NULL;
        struct engine_action a;

        while (engine_next(r->engine, &a)) {
                if (a.kind == ENGINE_ABORT)
                        abort_text = a.text;
                act(r, &a);
        }
        if (abort_text && r->o.observer.on_abort)
                r->o.observer.on_abort(abort_text, (double)e->abort_us / 1e6, r->o.observer.arg);
}

static bool load_is_drained(const struct run *r) {
        for (size_t i = 0; i < r->x->n_probes; i++)
                if (r->probes[i].probe && !probe_is_drained(r->probes[i].probe))
                        return false;
        return true;
}

static void take_prometheus(struct run *r) {
        struct prom_sample s;

        while (prom_poll_take(r->prom, &s)) {
                uint64_t started_us = s.at_us > r->zero_us ? s.at_us - r->zero_us : 0;

                if (s.note[0])
                        run_note(r, "%s", s.note);
                if (s.condition)
                        engine_condition(r->engine, run_now_us(r), s.text);
                else if (s.no_data)
                        engine_no_data(r->engine, run_now_us(r), s.slo, started_us, s.count);
                else if (s.count.total > 0)
                        engine_sample(r->engine, run_now_us(r), s.slo, started_us, s.count);
        }
}

static void on_stop(struct run *r) {
        eventfd_t times = 0;

        (void)eventfd_read(r->stop_fd, &times);
        r->stops_asked += times > 0;
        engine_stop(r->engine, run_now_us(r), atomic_load(&r->stop_why));
        if (r->drain_by_us) /* asked again while waiting for the last answers */
                r->drain_by_us = clock_boottime_us();
}

static void tell_slow_probes(struct run *r) {
        SCOPED_FREE struct probe_stats *s = calloc(1, sizeof(*s));

        for (size_t i = 0; s && i < r->x->n_probes; i++) {
                if (!r->probes[i].probe || r->probes[i].told)
                        continue;
                probe_stats(r->probes[i].probe, s);
                if (s->kept_up || s->scheduled < 200)
                        continue;
                r->probes[i].told = true;
                run_note(r, "probe %s %s", r->x->probes[i].name, s->message);
        }
}

static int turn_timeout_ms(const struct run *r) {
        uint64_t now_us = clock_boottime_us(), due_us = now_us + TURN_MAX_US;
        uint64_t engine_us = engine_deadline_us(r->engine), faults_us = run_faults_deadline_us(r);

        if (engine_us != UINT64_MAX && engine_us + r->zero_us < due_us)
                due_us = engine_us + r->zero_us;
        if (faults_us < due_us)
                due_us = faults_us;
        return due_us > now_us ? (int)((due_us - now_us + 999) / 1000) : 0;
}

static void turn(struct run *r) {
        struct epoll_event events[16];
        int n = epoll_wait(r->epoll_fd, events, 16, turn_timeout_ms(r));

        for (int i = 0; i < n; i++) {
                if (events[i].data.u64 == TAG_STOP)
                        on_stop(r);
                else if (events[i].data.u64 == TAG_PROMETHEUS)
                        take_prometheus(r);
                else
                        run_take_samples(r, (size_t)events[i].data.u64);
                act_all(r); /* at once: an abort waits for nothing */
        }

        if (clock_boottime_us() >= r->zero_us)
                engine_tick(r->engine, run_now_us(r));
        act_all(r);
        run_renew_due(r);
        run_read_evidence(r);
        if (r->drain_by_us && (load_is_drained(r) || clock_boottime_us() >= r->drain_by_us))
                engine_drained(r->engine, run_now_us(r));
        act_all(r);

        if (run_now_us(r) >= r->next_second * USEC_PER_SEC && clock_boottime_us() >= r->zero_us) {
                if (r->next_second > 0)
                        run_show_second(r);
                r->next_second++;
                if (r->next_second % 5 == 0)
                        tell_slow_probes(r);
        }
}

int run_execute(struct run *r, json_t **ret_record, struct err *e) {
        struct err why = { 0 };
        json_t *record = NULL;
        int code;

        if (watch(r, r->stop_fd, TAG_STOP) < 0)
                return err_errno(e, "event loop");

        r->zero_us = clock_boottime_us();
        r->start_wall_us = clock_realtime_us();
        code = prepare(r, &why);
        if (code >= 0) {
                engine_start(r->engine, 0);
                if (r->engine->phase == ENGINE_BASELINE) {
                        code = start_load(r, &why);
                        if (code >= 0)
                                act_all(r);
                }
        }
        if (code < 0)
                engine_error(r->engine, 0, why.msg);
        act_all(r);
        while (!r->finished)
                turn(r);

        tell_slow_probes(r);
        r->end_us = run_now_us(r);
        code = run_make_record(r, &record, e);
        if (code < 0)
                return code;
        if (r->o.observer.on_done)
                r->o.observer.on_done(record, r->o.observer.arg);
        *ret_record = record;
        return 0;
}
