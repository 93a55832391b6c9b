/* proc.kill — send a signal to processes, by pidfd. There is no way back: nothing is undone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/mech/process.h"
#include "faults/target/target.h"

/* An exit is not immediate: inject waits this long for all of them together, later readings tell the rest. */
#define EXIT_WAIT_MS 200

struct kill_params {
        uint64_t set;
        int signal;
};

/* What is known of each process of the target, in the target's order. */
struct victim {
        bool delivered;
        enum process_disposition disposition;
        struct process_lineage lineage; /* exe NULL = unknown */
};

struct kill_state {
        uint64_t since_ticks;
        size_t n;
        struct victim victims[];
};

static const struct param params[] = {
        { .name = "signal",
          .type = PARAM_SIGNAL,
          .offset = offsetof(struct kill_params, signal),
          .fallback = "SIGKILL",
          .help = "which signal; one that the process handles counts when it is delivered, others when the process "
                  "exits",
          .example = "SIGTERM" },
        { 0 },
};

static const struct fault_backend backends[] = {
        { "pidfd", "pidfd_send_signal (Linux 5.1)", "any process of this node that is not protected" },
        { 0 },
};

static const char *signal_text(int signal, char *buf, size_t size) {
        const char *name = sigabbrev_np(signal);

        if (name)
                (void)snprintf(buf, size, "SIG%s", name);
        else
                (void)snprintf(buf, size, "signal %d", signal);
        return buf;
}

static int probe(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        (void)backend;
        return process_probe(e);
}

static int validate(const void *params_, struct err *e) {
        const struct kill_params *p = params_;
        int r = 0;

        if (p->signal == SIGSTOP || p->signal == SIGTSTP || p->signal == SIGTTIN || p->signal == SIGTTOU)
                r = err_set(e, -EINVAL, "SIG%s would stop processes for ever: use proc.pause, which is undone",
                            sigabbrev_np(p->signal));
        else if (p->signal == SIGCONT)
                r = err_set(e, -EINVAL, "SIGCONT breaks nothing");
        if (r < 0)
                (void)err_at(e, "signal");
        return r;
}

static int plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        const struct kill_params *p = f->params;
        char *text = NULL, name[32];
        size_t size;
        FILE *out = open_memstream(&text, &size);

        (void)env;
        if (!out)
                return err_set(e, -ENOMEM, "no memory for a plan");

        for (size_t i = 0; i < f->target->n_procs; i++) {
                const struct target_proc *proc = &f->target->procs[i];
                char title[80];

                (void)fprintf(out, "irreversible: sends %s to %d (%s)\n", signal_text(p->signal, name, sizeof(name)),
                              (int)proc->pid, process_title(proc, title, sizeof(title)));
        }
        if (fclose(out) != 0) {
                free(text);
                return err_set(e, -ENOMEM, "no memory for a plan");
        }
        *ret = text;
        return 0;
}

static void free_state(void *thing) {
        struct kill_state *s = thing;

        for (size_t i = 0; i < s->n; i++)
                process_lineage_done(&s->victims[i].lineage);
        free(s);
}

static int make_state(struct fault *f, struct err *e) {
        struct kill_state *s = calloc(1, sizeof(*s) + f->target->n_procs * sizeof(s->victims[0]));

        if (!s)
                return err_set(e, -ENOMEM, "no memory for %zu processes", f->target->n_procs);

        s->n = f->target->n_procs;
        if (holds_add(f->holds, s, free_state) < 0)
                return err_set(e, -ENOMEM, "no memory to hold a fault's state");

        f->state = s;
        return 0;
}

/* Before any signal: what has to be known to recognise an exit, a handler, a successor. */
static void study(const struct fault *f, struct kill_state *s) {
        const struct kill_params *p = f->params;

        for (size_t i = 0; i < s->n; i++) {
                const struct target_proc *proc = &f->target->procs[i];

                (void)process_read_disposition(proc, p->signal, &s->victims[i].disposition, NULL);
                (void)process_read_lineage(proc, &s->victims[i].lineage, NULL);
        }
        s->since_ticks = process_now_ticks();
}

static void wait_for_exits(const struct fault *f, const struct kill_state *s) {
        uint64_t until = clock_boottime_us() + EXIT_WAIT_MS * USEC_PER_MSEC;

        for (size_t i = 0; i < s->n; i++) {
                uint64_t now = clock_boottime_us();

                if (s->victims[i].delivered && s->victims[i].disposition == PROCESS_DEFAULT && now < until)
                        (void)process_wait_exit(&f->target->procs[i], (int)((until - now) / USEC_PER_MSEC));
        }
}

static int inject(struct fault_env *env, struct fault *f, struct err *e) {
        const struct kill_params *p = f->params;
        struct kill_state *s;
        size_t delivered = 0;
        int r, last = -ESRCH;

        (void)env;
        r = make_state(f, e);
        if (r < 0)
                return r;

        s = f->state;
        study(f, s);
        for (size_t i = 0; i < s->n; i++) {
                r = process_signal(&f->target->procs[i], p->signal, e);
                s->victims[i].delivered = r == 0;
                delivered += r == 0;
                if (r < 0 && r != -ESRCH)
                        last = r;
        }
        /* What was sent cannot be taken back: only a signal that nobody got is a failure. */
        if (delivered == 0)
                return err_wrap(e, last, "no signal was delivered");

        wait_for_exits(f, s);
        return 0;
}

/* Processes that took the places of the dead, never more than died. */
static int count_restarted(const struct fault *f, const struct kill_state *s, unsigned *ret, struct err *e) {
        unsigned sum = 0;

        for (size_t i = 0; i < s->n; i++) {
                unsigned died = 0, born = 0;
                bool counted = !s->victims[i].lineage.exe;

                for (size_t k = 0; k < s->n; k++) {
                        if (!process_lineage_equal(&s->victims[i].lineage, &s->victims[k].lineage))
                                continue;
                        counted |= k < i;
                        died += s->victims[k].delivered && process_has_exited(&f->target->procs[k]);
                }
                if (!counted && died > 0) {
                        int r = process_count_since(&s->victims[i].lineage, s->since_ticks, &born, e);

                        if (r < 0)
                                return r;
                        sum += born < died ? born : died;
                }
        }
        *ret = sum;
        return 0;
}

static int verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        const struct kill_state *s = f->state;
        unsigned delivered = 0, exited = 0, handled = 0, ignored = 0, restarted = 0;
        int r;

        (void)env;
        if (!s)
                return err_set(e, -ENODATA, "the process that sent the signal is gone");

        r = count_restarted(f, s, &restarted, e);
        if (r < 0)
                return r;

        for (size_t i = 0; i < s->n; i++) {
                const struct victim *v = &s->victims[i];
                bool over = v->delivered && process_has_exited(&f->target->procs[i]);

                delivered += v->delivered;
                exited += over;
                handled += v->delivered && !over && v->disposition == PROCESS_CAUGHT;
                ignored += v->delivered && !over && v->disposition == PROCESS_IGNORED;
        }

        *ret = (struct evidence){ .hits = exited + handled };
        evidence_add(ret, "delivered", "signals", delivered);
        evidence_add(ret, "exited", "processes", exited);
        evidence_add(ret, "handled", "processes", handled);
        evidence_add(ret, "ignored", "processes", ignored);
        evidence_add(ret, "restarted", "processes", restarted);
        if (delivered < s->n)
                (void)snprintf(ret->note, sizeof(ret->note), "%zu of %zu had exited before the signal",
                               s->n - delivered, s->n);
        else if (ret->hits < delivered)
                (void)snprintf(ret->note, sizeof(ret->note), "%u got the signal and live on",
                               delivered - (unsigned)ret->hits);
        return ret->hits > 0;
}

static int revert(struct fault_env *env, const char *record, struct err *e) {
        (void)env;
        (void)record;
        (void)e;
        return 0;
}

const struct fault_ops fault_proc_kill = {
        .name = "proc.kill",
        .summary = "send a signal to processes; irreversible",
        .owner = FAULT_OWNER_IRREVERSIBLE,
        .backends = backends,
        .targets = TARGET_PROCESS | TARGET_CGROUP | TARGET_NETNS | TARGET_MEMBERS,
        .target_required = TARGET_PROCESS | TARGET_CGROUP,
        .params = params,
        .params_size = sizeof(struct kill_params),
        .probe = probe,
        .validate = validate,
        .plan = plan,
        .inject = inject,
        .verify = verify,
        .revert = revert,
};
