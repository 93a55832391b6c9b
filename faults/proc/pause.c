/* proc.pause — stop processes, and let them go on when the fault ends. Two ways: SIGSTOP by pidfd for processes,
 * and the freezer for a whole cgroup, which its processes cannot see and newcomers cannot escape.
 *
 * Undo records, each pushed before its change:
 *         sigstop PID:START [PID:START …]
 *         freezer VERSION ID PATH
 * Neither lets go what had been stopped by somebody else before: inject leaves that alone. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/mech/freezer.h"
#include "faults/mech/process.h"
#include "faults/target/target.h"
#include "faults/undo.h"

/* A stop takes effect when each thread next returns to user space: inject waits this long for all together. */
#define STOP_WAIT_MS 200

#define BY_FREEZER "freezer"
#define BY_SIGNAL  "sigstop"

struct pause_params {
        uint64_t set;
};

struct pause_state {
        uint64_t seen; /* most processes ever seen stopped at once */
        unsigned left_alone;
};

static const struct param params[] = { { 0 } };

static const struct fault_backend backends[] = {
        { BY_SIGNAL, "pidfd_send_signal (Linux 5.1)", "processes; their parent may notice the stop" },
        { BY_FREEZER, "cgroup v2 (Linux 5.2) or the v1 freezer", "a whole cgroup with all that is started in it" },
        { 0 },
};

static bool is_freezer(const struct fault *f) {
        return strcmp(f->backend, BY_FREEZER) == 0;
}

static int probe(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        return strcmp(backend, BY_FREEZER) == 0 ? freezer_probe(e) : process_probe(e);
}

static int validate(const void *p, struct err *e) {
        (void)p;
        (void)e;
        return 0;
}

/* Processes are stopped by signal and cgroups by freezing: never more than was asked for, never less. */
static int check_backend(const struct fault *f, struct err *e) {
        if (is_freezer(f) && f->target->n_procs)
                return err_set(e, -EOPNOTSUPP, "the freezer stops whole cgroups, not chosen processes");
        if (!is_freezer(f) && !f->target->n_procs)
                return err_set(e, -EOPNOTSUPP, "SIGSTOP needs processes; a whole cgroup is stopped by the freezer");
        return 0;
}

static int read_freezer(const struct fault *f, struct freezer *ret, struct freezer_state *ret_state, struct err *e) {
        int r = freezer_choose(&f->target->cgroups[0], ret, e);

        return r < 0 ? r : freezer_read(ret, ret_state, e);
}

static int plan_freezer(const struct fault *f, FILE *out, struct err *e) {
        struct freezer_state s;
        struct freezer z;
        int r = read_freezer(f, &z, &s, e);

        if (r < 0)
                return r;
        if (s.asked || s.frozen)
                return err_set(e, -EBUSY, "cgroup '%.200s' is frozen already, by somebody else", z.path);

        (void)fprintf(out, "freeze cgroup %s (v%d) with the %u processes in it; thaw it at the end\n", z.path,
                      (int)z.version, s.processes);
        return 0;
}

static int plan_signal(const struct fault *f, FILE *out) {
        for (size_t i = 0; i < f->target->n_procs; i++) {
                const struct target_proc *p = &f->target->procs[i];
                struct process_state s = { 0 };
                char title[80];

                (void)process_read_state(p, &s, NULL);
                (void)fprintf(out,
                              s.stopped ? "leave %d (%s) alone: it is stopped already\n"
                                        : "stop %d (%s) with SIGSTOP; SIGCONT at the end\n",
                              (int)p->pid, process_title(p, title, sizeof(title)));
        }
        return 0;
}

static int plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        SCOPED_FREE char *text = NULL;
        size_t size;
        FILE *out;
        int r = check_backend(f, e);

        (void)env;
        if (r < 0)
                return r;

        out = open_memstream(&text, &size);
        if (!out)
                return err_set(e, -ENOMEM, "no memory for a plan");

        r = is_freezer(f) ? plan_freezer(f, out, e) : plan_signal(f, out);
        if (fclose(out) != 0 && r == 0)
                r = err_set(e, -ENOMEM, "no memory for a plan");
        if (r == 0)
                *ret = TAKE_PTR(text);
        return r;
}

static int inject_freezer(struct fault *f, struct pause_state *state, struct err *e) {
        struct freezer_state s;
        struct freezer z;
        int r = read_freezer(f, &z, &s, e);

        if (r < 0)
                return r;
        if (s.asked || s.frozen)
                return err_set(e, -EBUSY, "cgroup '%.200s' is frozen already, by somebody else", z.path);

        r = undo_push(f->undo, e, "freezer %d %" PRIu64 " %s", (int)z.version, z.id, z.path);
        if (r < 0)
                return r;

        r = freezer_set(&z, true, e);
        if (r < 0)
                return r;

        if (freezer_wait(&z, STOP_WAIT_MS) == 1)
                state->seen = s.processes;
        return 0;
}

/* One record for all processes that run now, on disk before the first of them is stopped. */
static int record_running(struct fault *f, bool *running, struct pause_state *state, struct err *e) {
        SCOPED_FREE char *record = NULL;
        size_t size, n = 0;
        FILE *out = open_memstream(&record, &size);

        if (!out)
                return err_set(e, -ENOMEM, "no memory for an undo record");

        (void)fputs("sigstop", out);
        for (size_t i = 0; i < f->target->n_procs; i++) {
                const struct target_proc *p = &f->target->procs[i];
                struct process_state s;
                int r = process_read_state(p, &s, e);

                if (r < 0 && r != -ESRCH) {
                        (void)fclose(out);
                        return r;
                }
                running[i] = r == 0 && !s.stopped;
                state->left_alone += r == 0 && s.stopped;
                n += running[i];
                if (running[i])
                        (void)fprintf(out, " %d:%" PRIu64, (int)p->pid, p->start_time);
        }
        if (fclose(out) != 0)
                return err_set(e, -ENOMEM, "no memory for an undo record");
        if (n == 0)
                return state->left_alone ? err_set(e, -EBUSY, "stopped already, by somebody else")
                                         : err_set(e, -ESRCH, "every process has exited");
        return undo_push(f->undo, e, "%s", record);
}

static int inject_signal(struct fault *f, struct pause_state *state, struct err *e) {
        SCOPED_FREE bool *running = calloc(f->target->n_procs, sizeof(*running));
        uint64_t until = clock_boottime_us() + STOP_WAIT_MS * USEC_PER_MSEC;
        int r;

        if (!running)
                return err_set(e, -ENOMEM, "no memory for %zu processes", f->target->n_procs);

        r = record_running(f, running, state, e);
        if (r < 0)
                return r;

        for (size_t i = 0; i < f->target->n_procs; i++) {
                r = running[i] ? process_signal(&f->target->procs[i], SIGSTOP, e) : 0;
                if (r < 0 && r != -ESRCH)
                        return r;
        }
        for (size_t i = 0; i < f->target->n_procs; i++) {
                uint64_t now = clock_boottime_us();

                if (running[i])
                        state->seen += (uint64_t)process_wait_stopped(
                                &f->target->procs[i], now < until ? (int)((until - now) / USEC_PER_MSEC) : 0);
        }
        return 0;
}

static int inject(struct fault_env *env, struct fault *f, struct err *e) {
        struct pause_state *state;
        int r = check_backend(f, e);

        (void)env;
        if (r < 0)
                return r;

        state = calloc(1, sizeof(*state));
        if (!state)
                return err_set(e, -ENOMEM, "no memory for a fault's state");
        r = holds_add(f->holds, state, free);
        if (r < 0)
                return err_set(e, r, "no memory to hold a fault's state");

        f->state = state;
        return is_freezer(f) ? inject_freezer(f, state, e) : inject_signal(f, state, e);
}

static int verify_freezer(const struct fault *f, struct evidence *ret, struct err *e) {
        struct freezer_state s = { 0 };
        struct freezer z;
        int r = read_freezer(f, &z, &s, e);

        if (r == -ENOENT || r == -ENODEV) {
                (void)snprintf(ret->note, sizeof(ret->note), "the cgroup was removed");
                return 0;
        }
        if (r < 0)
                return r;

        ret->hits = s.frozen ? s.processes : 0;
        evidence_add(ret, "frozen", "processes", ret->hits);
        evidence_add(ret, "members", "processes", s.processes);
        if (!s.asked)
                (void)snprintf(ret->note, sizeof(ret->note), "something else has thawed it");
        else if (!s.frozen)
                (void)snprintf(ret->note, sizeof(ret->note), "not all of it is frozen yet");
        return s.frozen && s.processes > 0;
}

static int verify_signal(const struct fault *f, struct evidence *ret, struct err *e) {
        const struct pause_state *state = f->state;
        unsigned stopped = 0, awake = 0, gone = 0;

        for (size_t i = 0; i < f->target->n_procs; i++) {
                struct process_state s;
                int r = process_read_state(&f->target->procs[i], &s, e);

                if (r < 0 && r != -ESRCH)
                        return r;
                gone += r == -ESRCH;
                stopped += r == 0 && s.stopped;
                awake += r == 0 && !s.stopped;
        }
        /* Those that were stopped before us are no doing of ours. */
        if (state)
                stopped -= state->left_alone < stopped ? state->left_alone : stopped;

        ret->hits = stopped;
        evidence_add(ret, "stopped", "processes", stopped);
        evidence_add(ret, "awake", "processes", awake);
        evidence_add(ret, "gone", "processes", gone);
        if (awake)
                (void)snprintf(ret->note, sizeof(ret->note), "something else has woken %u of %zu", awake,
                               f->target->n_procs);
        else if (state && state->left_alone)
                (void)snprintf(ret->note, sizeof(ret->note), "%u had been stopped before and are left alone",
                               state->left_alone);
        return stopped > 0 && awake == 0;
}

static int verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        struct pause_state *state = f->state;
        struct evidence ev = { 0 };
        int r = is_freezer(f) ? verify_freezer(f, &ev, e) : verify_signal(f, &ev, e);

        (void)env;
        if (r < 0)
                return r;

        /* What was stopped once was stopped, even if it has been woken or killed since. */
        if (state && ev.hits > state->seen)
                state->seen = ev.hits;
        if (state)
                ev.hits = state->seen;
        *ret = ev;
        return r;
}

static int revert_freezer(const char *record, struct err *e) {
        struct freezer_state s;
        struct freezer z;
        uint64_t id;
        int version, path = 0;
        int r;

        if (sscanf(record, "freezer %d %" SCNu64 " %n", &version, &id, &path) != 2 || record[path] != '/')
                return err_set(e, -EBADMSG, "not an undo record of proc.pause");

        r = freezer_open((enum freezer_version)version, record + path, id, &z, e);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        r = freezer_read(&z, &s, e);
        if (r == 0 && s.asked)
                r = freezer_set(&z, false, e);
        freezer_close(&z);
        return r == -ENOENT || r == -ENODEV ? 0 : r;
}

/* SIGCONT to the very process that was stopped. Always sent, not only to one that is seen stopped: SIGSTOP may be on
 * its way still, and SIGCONT is what takes it back; a running process ignores it. */
static int wake(pid_t pid, uint64_t start_time, struct err *e) {
        struct target_proc p;
        int r = process_open(pid, start_time, &p, e);

        if (r == 0) {
                r = process_signal(&p, SIGCONT, e);
                process_close(&p);
        }
        return r == -ESRCH ? 0 : r;
}

static int revert_signal(const char *record, struct err *e) {
        const char *p = record + strlen(BY_SIGNAL);
        int first = 0;

        while (*p) {
                uint64_t start_time;
                int pid, n = 0, r;

                if (sscanf(p, " %d:%" SCNu64 "%n", &pid, &start_time, &n) != 2 || pid <= 1)
                        return err_set(e, -EBADMSG, "not an undo record of proc.pause");

                r = wake(pid, start_time, first == 0 ? e : NULL);
                if (r < 0 && first == 0)
                        first = r;
                p += n;
        }
        return first;
}

static int revert(struct fault_env *env, const char *record, struct err *e) {
        (void)env;
        if (strncmp(record, BY_SIGNAL " ", sizeof(BY_SIGNAL)) == 0)
                return revert_signal(record, e);
        return revert_freezer(record, e);
}

const struct fault_ops fault_proc_pause = {
        .name = "proc.pause",
        .summary = "stop processes or a whole cgroup, and let them go on at the end",
        .owner = FAULT_OWNER_GUARD,
        .backends = backends,
        .targets = TARGET_PROCESS | TARGET_CGROUP | TARGET_NETNS,
        .target_required = TARGET_PROCESS | TARGET_CGROUP,
        .params = params,
        .params_size = sizeof(struct pause_params),
        .probe = probe,
        .validate = validate,
        .plan = plan,
        .inject = inject,
        .verify = verify,
        .revert = revert,
};
