#include "faults/sys/launcher/supervise.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/sys/launcher/filter.h"
#include "faults/sys/launcher/paths.h"
#include "faults/sys/launcher/threads.h"
#include "faults/sys/sys_calls.h"

/* How long after the command's end its last children may take to be reaped before we call them survivors. */
#define SURVIVOR_GRACE_MS 50

/* One system call of one rule. */
struct watch {
        const struct sys_rule *rule;
        const struct sys_call *call; /* NULL: no path arguments known, none needed */
        struct call_counts *counts;
        int number;
        uint64_t seed;
};

/* A call that is being delayed: slot i of the shared memory, until due_us. */
struct pending {
        size_t slot;
        uint64_t due_us;
        struct watch *watch;
};

struct supervisor {
        const struct supervise_plan *plan;
        struct launch *launch;
        struct threads *threads;
        struct supervise_result *result;
        struct watch *watches;
        size_t n_watches;
        struct pending *pending; /* NOTIF_SLOTS; unordered */
        size_t n_pending;
        uint64_t deadline_us; /* UINT64_MAX = none */
        uint64_t now_us;
        size_t next_slot;
        bool starting; /* the command's execve is not through yet */
        bool off;      /* deadline or signal: nothing is injected any more */
};

static void supervisor_done(struct supervisor *s) {
        threads_free(s->threads);
        free(s->watches);
        free(s->pending);
}

static void answer(struct supervisor *s, size_t slot, struct watch *w, bool inject) {
        const struct sys_rule *r = w ? w->rule : NULL;
        bool fake = inject && (r->set & (SYS_RULE_ERRNO | SYS_RULE_RETVAL));
        int code;

        if (fake)
                code = notif_answer(s->launch->shared, s->launch->listener, slot,
                                    r->set & SYS_RULE_ERRNO ? -r->error : 0, r->retval, 0);
        else
                code = notif_answer(s->launch->shared, s->launch->listener, slot, 0, 0,
                                    SECCOMP_USER_NOTIF_FLAG_CONTINUE);
        if (w && inject && code == 0)
                w->counts->injected++;
}

static void delay(struct supervisor *s, size_t slot, struct watch *w) {
        s->pending[s->n_pending++] = (struct pending){ slot, s->now_us + w->rule->delay_us, w };
}

/* Answer the delayed calls whose time has come; all of them once the faults are off. */
static void release_pending(struct supervisor *s) {
        for (size_t i = 0; i < s->n_pending;) {
                struct pending p = s->pending[i];

                if (!s->off && p.due_us > s->now_us) {
                        i++;
                        continue;
                }
                s->pending[i] = s->pending[--s->n_pending];
                /* Cut short, a delay was still a delay; but an errno is not given past the end. */
                answer(s, p.slot, p.watch, !s->off || !(p.watch->rule->set & (SYS_RULE_ERRNO | SYS_RULE_RETVAL)));
        }
}

/* Every rule that is about this call counts it; the first one whose turn it is acts. */
static struct watch *choose(struct supervisor *s, const struct seccomp_notif *n) {
        struct watch *chosen = NULL;
        struct thread *t = NULL;

        for (size_t i = 0; i < s->n_watches; i++) {
                struct watch *w = &s->watches[i];

                if (w->number != n->data.nr)
                        continue;
                if (w->rule->set & SYS_RULE_PATH && !paths_match(n, w->call, w->rule->path))
                        continue;

                if (!t)
                        t = threads_get(s->threads, (pid_t)n->pid, s->now_us);
                if (!t)
                        return NULL;

                w->counts->matched++;
                if (sys_rule_fires(w->rule, w->seed, t->number, ++t->counts[i]) && !chosen)
                        chosen = w;
        }
        return chosen;
}

static void handle_call(struct supervisor *s, size_t slot) {
        struct notif_shared *shared = s->launch->shared;
        const struct seccomp_notif *n = notif_slot(shared, slot);
        struct watch *w;

        s->now_us = clock_boottime_us();
        if (s->now_us >= s->deadline_us)
                s->off = s->result->deadline_passed = true;
        if (s->starting)
                s->starting = launch_is_starting(s->launch);
        if (s->starting || s->off) {
                answer(s, slot, NULL, false);
                return;
        }

        s->result->asked++;
        w = choose(s, n);
        /* What choose() read of the thread is only worth something if it still waits in this call. */
        if (w && w->rule->set & SYS_RULE_PATH && !notif_is_valid(shared, s->launch->listener, slot))
                w = NULL;
        if (w && w->rule->set & SYS_RULE_DELAY)
                delay(s, slot, w);
        else
                answer(s, slot, w, w != NULL);
}

/* The slot to receive into: free ones are zero. Always there, for we do not listen with all slots pending. */
static size_t find_slot(struct supervisor *s) {
        while (notif_slot(s->launch->shared, s->next_slot)->pid)
                s->next_slot = (s->next_slot + 1) % NOTIF_SLOTS;
        return s->next_slot;
}

/* A terminal's Ctrl-C has reached the whole foreground group, the command too: passing it on would be a second one. */
static bool reached_command(const struct supervisor *s, const struct signalfd_siginfo *info) {
        return info->ssi_code == SI_KERNEL && getpgid(s->launch->pid) == getpgrp();
}

static void handle_signal(struct supervisor *s, int fd) {
        struct signalfd_siginfo info;

        if (read(fd, &info, sizeof(info)) != sizeof(info))
                return;

        if (info.ssi_signo == SIGINT && !s->result->interrupted) {
                s->off = s->result->interrupted = true;
                (void)fprintf(stderr,
                              "chaos-exec: interrupted: faults are off, every call passes; waiting for the command\n");
        }
        if (!reached_command(s, &info))
                (void)kill(s->launch->pid, (int)info.ssi_signo);
}

/* Until the next delayed call or the deadline; NULL = nothing to wait for but events. */
static const struct timespec *time_left(const struct supervisor *s, struct timespec *ts) {
        uint64_t next = s->off ? UINT64_MAX : s->deadline_us, now = clock_boottime_us(), left;

        for (size_t i = 0; i < s->n_pending; i++)
                if (s->pending[i].due_us < next)
                        next = s->pending[i].due_us;
        if (next == UINT64_MAX)
                return NULL;

        left = next > now ? next - now : 0;
        *ts = (struct timespec){ .tv_sec = (time_t)(left / USEC_PER_SEC),
                                 .tv_nsec = (long)(left % USEC_PER_SEC) * 1000 };
        return ts;
}

static int loop(struct supervisor *s, int signal_fd, struct err *e) {
        struct pollfd p[] = { { .fd = s->launch->listener, .events = POLLIN },
                              { .fd = signal_fd, .events = POLLIN },
                              { .fd = s->launch->pidfd, .events = POLLIN } };
        struct timespec ts;

        for (;;) {
                p[0].fd = s->n_pending < NOTIF_SLOTS - 1 ? s->launch->listener : -1;
                if (ppoll(p, ARRAY_SIZE(p), time_left(s, &ts), NULL) < 0 && errno != EINTR)
                        return err_errno(e, "poll");

                if (p[0].revents & POLLIN) {
                        size_t slot = find_slot(s);

                        if (notif_receive(s->launch->shared, s->launch->listener, slot) == 0)
                                handle_call(s, slot);
                }
                if (p[1].revents & POLLIN)
                        handle_signal(s, signal_fd);
                s->now_us = clock_boottime_us();
                if (s->now_us >= s->deadline_us)
                        s->off = s->result->deadline_passed = true;
                release_pending(s);
                if (p[2].revents & POLLIN)
                        return 0;
                p[0].revents = p[1].revents = p[2].revents = 0;
        }
}

static int prepare(struct supervisor *s, struct err *e) {
        const struct supervise_plan *plan = s->plan;

        s->result->counts = calloc(plan->n_rules, sizeof(*s->result->counts));
        for (size_t i = 0; i < plan->n_rules; i++)
                s->n_watches += plan->rules[i].n_calls;
        s->watches = calloc(s->n_watches, sizeof(*s->watches));
        s->pending = calloc(NOTIF_SLOTS, sizeof(*s->pending));
        s->threads = threads_new(s->n_watches);
        if (!s->result->counts || !s->watches || !s->pending || !s->threads)
                return err_set(e, -ENOMEM, "no memory");

        for (size_t i = 0, w = 0; i < plan->n_rules; i++) {
                const struct sys_rule *r = &plan->rules[i];

                s->result->counts[i] = calloc(r->n_calls, sizeof(**s->result->counts));
                if (!s->result->counts[i])
                        return err_set(e, -ENOMEM, "no memory");
                for (size_t c = 0; c < r->n_calls; c++, w++)
                        s->watches[w] = (struct watch){ .rule = r,
                                                        .call = sys_call_find(r->calls[c]),
                                                        .counts = &s->result->counts[i][c],
                                                        .number = filter_call_number(r->calls[c]),
                                                        .seed = sys_mix(plan->seed + w) };
        }
        return 0;
}

/* Past the loop: what is known of the processes that the command leaves behind. */
static void finish(struct supervisor *s) {
        struct launch *l = s->launch;
        struct pollfd p = { .fd = l->listener };

        s->off = true;
        release_pending(s);
        while (waitpid(l->pid, &s->result->wait_status, 0) < 0 && errno == EINTR)
                ;
        if (l->listener >= 0)
                s->result->survivors = poll(&p, 1, SURVIVOR_GRACE_MS) == 0;
        if (!s->result->survivors)
                (void)waitpid(l->guard_pid, NULL, 0);
        for (size_t i = 0; i < s->n_watches; i++)
                s->watches[i].counts->passed = s->watches[i].counts->matched - s->watches[i].counts->injected;
}

int supervise_run(const struct supervise_plan *plan, struct launch *l, const sigset_t *signals,
                  struct supervise_result *ret, struct err *e) {
        SCOPED(supervisor_done) struct supervisor s = { .plan = plan, .launch = l, .result = ret, .starting = true };
        SCOPED_FD int signal_fd = signalfd(-1, signals, SFD_CLOEXEC);
        int r;

        if (signal_fd < 0)
                return err_errno(e, "signalfd");

        r = prepare(&s, e);
        if (r < 0)
                return r;

        s.deadline_us = plan->for_us ? clock_boottime_us() + plan->for_us : UINT64_MAX;
        notif_set_sync_wakeup(l->listener);
        (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* delays end when they should, not 50 us later */
        r = loop(&s, signal_fd, e);
        if (r < 0)
                return r;

        finish(&s);
        return 0;
}

void supervise_result_done(struct supervise_result *r, size_t n_rules) {
        for (size_t i = 0; r->counts && i < n_rules; i++)
                free(r->counts[i]);
        free(r->counts);
}
