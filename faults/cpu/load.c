/* cpu.load — use CPU time inside of a target's control group, so that it has to share.
 * The load is made by child processes that the kernel kills with the daemon. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "core/units.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/mech/burner.h"
#include "faults/mech/cgroup.h"
#include "faults/target/target.h"
#include "faults/undo.h"

#define WORKERS_MAX 256
#define ONE_CPU     1000000U /* ppm */

struct load_params {
        uint64_t set;
        uint64_t workers;
        uint32_t load; /* ppm of one CPU, each worker */
};

enum load_row { ROW_WORKERS, ROW_LOAD };

/* Where the load goes and how much it is. */
struct load {
        struct cgroup cgroup; /* CGROUP_NONE: the whole node */
        bool whole_node;
        cpu_set_t cpus;
        bool limited;
        uint64_t quota_ppm; /* with limited: of the cgroup, 1000000 = one CPU */
        unsigned workers;
        uint32_t ppm;
};

/* Workers end by themselves this long after the deadline, if the daemon has not done it: not before it, for their
 * last evidence is read while they live. */
#define GRACE_US (500 * USEC_PER_MSEC)

struct load_state {
        struct load load;
        struct child children[WORKERS_MAX];
        struct burner_deadline *deadline;
        uint64_t started_us;
        bool has_usage;
        uint64_t usage_us; /* of the cgroup, before we came */
};

static const struct fault_backend backends[] = {
        { .name = "process",
          .needs = "nothing",
          .reaches = "the CPUs of a cgroup (version 1 and 2), of a process's cgroup, or of the whole node" },
        { 0 },
};

static const struct param params[] = {
        [ROW_WORKERS] = { .name = "workers",
                          .type = PARAM_UINT,
                          .offset = offsetof(struct load_params, workers),
                          .min = 1,
                          .max = WORKERS_MAX,
                          .help = "processes that use CPU time; as many as the target may use CPUs when not given",
                          .example = "2" },
        [ROW_LOAD] = { .name = "load",
                       .type = PARAM_PERCENT,
                       .offset = offsetof(struct load_params, load),
                       .min = 10000,
                       .fallback = "100%",
                       .help = "how much of one CPU each of them uses",
                       .example = "50%" },
        { 0 },
};

static void load_done(struct load *l) {
        cgroup_done(&l->cgroup);
}

static int probe(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        (void)backend;
        (void)e;
        return 0;
}

static int validate(const void *values, struct err *e) {
        (void)values;
        (void)e;
        return 0; /* the two are independent, and the table has checked each */
}

static int bad_target(struct err *e, int r) {
        (void)err_at(e, "target");
        return r;
}

/* All selected processes must live in one place: the load is one. */
static int find_process_cgroup(const struct target *t, struct cgroup *ret, struct err *e) {
        SCOPED_CGROUP struct cgroup first = CGROUP_NONE;
        int r;

        r = cgroup_open_process(&t->procs[0], &first, e);
        for (size_t i = 1; r == 0 && i < t->n_procs; i++) {
                SCOPED_CGROUP struct cgroup other = CGROUP_NONE;

                r = cgroup_open_process(&t->procs[i], &other, e);
                if (r == 0 && !cgroup_is_same(&first, &other))
                        r = err_set(e, -EINVAL,
                                    "processes %d and %d are in different cgroups (%s and %s): pick one, or "
                                    "name a cgroup",
                                    (int)t->procs[0].pid, (int)t->procs[i].pid, first.path, other.path);
        }
        if (r < 0)
                return r;

        *ret = first;
        first = CGROUP_NONE;
        return 0;
}

static int find_place(const struct target *t, struct load *l, struct err *e) {
        int r;

        if (t->n_procs > 0) {
                r = find_process_cgroup(t, &l->cgroup, e);
                return r < 0 ? r : cgroup_cpus_of_process(t->procs[0].pid, &l->cpus, e);
        }
        if (t->n_cgroups > 1)
                return err_set(e, -EINVAL, "%zu cgroups: name one", t->n_cgroups);
        if (t->n_cgroups == 1) {
                r = cgroup_open(&t->cgroups[0], &l->cgroup, e);
                return r < 0 ? r : cgroup_cpus(&l->cgroup, &l->cpus, e);
        }

        if (t->netns_fd >= 0)
                return err_set(e, -EINVAL, "a network namespace only narrows processes: select some, or a cgroup");

        l->whole_node = true;
        return cgroup_cpus_of_process(0, &l->cpus, e);
}

/* As many as it may use CPUs: its CPUs, or what its quota is worth when that is less. */
static unsigned default_workers(const struct load *l) {
        uint64_t n = (uint64_t)CPU_COUNT(&l->cpus);

        if (l->limited && l->quota_ppm < n * ONE_CPU)
                n = (l->quota_ppm + ONE_CPU - 1) / ONE_CPU;
        return (unsigned)(n < WORKERS_MAX ? n : WORKERS_MAX);
}

/* Looks, decides, changes nothing. On failure *ret holds nothing. */
static int decide(const struct fault *f, struct load *ret, struct err *e) {
        SCOPED(load_done) struct load l = { .cgroup = CGROUP_NONE };
        const struct load_params *p = f->params;
        int r;

        r = find_place(f->target, &l, e);
        if (r < 0)
                return bad_target(e, r);
        r = l.whole_node ? 0 : cgroup_check_leaf(&l.cgroup, e);
        if (r < 0)
                return bad_target(e, r);
        r = l.whole_node ? 0 : cgroup_cpu_quota(&l.cgroup, &l.quota_ppm, e);
        if (r < 0)
                return r;

        l.limited = r == 1;
        l.workers = PARAM_IS_SET(p, ROW_WORKERS) ? (unsigned)p->workers : default_workers(&l);
        l.ppm = p->load;
        *ret = l;
        l.cgroup = CGROUP_NONE;
        return 0;
}

static int plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        SCOPED(load_done) struct load l = { .cgroup = CGROUP_NONE };
        char percent[UNITS_TEXT_SIZE], quota[160] = "";
        int r;

        (void)env;
        r = decide(f, &l, e);
        if (r < 0)
                return r;

        if (l.limited)
                (void)snprintf(quota, sizeof(quota), "\nthe cgroup's limit of %.2f CPUs%s",
                               (double)l.quota_ppm / ONE_CPU,
                               l.quota_ppm < (uint64_t)l.workers * l.ppm ? " is less than that: it will be throttled"
                                                                         : " holds for both together");
        r = asprintf(ret, "start %u child process%s chaos-cpu, each using %s of one CPU, on %d CPU%s\n%s%s%s",
                     l.workers, l.workers == 1 ? "" : "es", units_format_percent(l.ppm, percent), CPU_COUNT(&l.cpus),
                     CPU_COUNT(&l.cpus) == 1 ? "" : "s",
                     l.whole_node ? "they stay in the daemon's cgroup: the whole node is the target"
                                  : "put them into cgroup ",
                     l.whole_node ? "" : l.cgroup.path, quota);
        return r < 0 ? err_set(e, -ENOMEM, "no memory for a plan") : 0;
}

static void state_free(void *thing) {
        struct load_state *state = thing;

        load_done(&state->load);
        free(state);
}

static uint64_t workers_end(const struct fault *f) {
        return f->deadline_us > 0 ? f->deadline_us + GRACE_US : 0;
}

static int inject(struct fault_env *env, struct fault *f, struct err *e) {
        struct load_state *state = calloc(1, sizeof(*state));
        const struct cgroup *where;
        int r;

        if (!state)
                return err_set(e, -ENOMEM, "no memory for a load");
        state->load.cgroup = CGROUP_NONE;
        r = holds_add(f->holds, state, state_free);
        if (r < 0)
                return err_set(e, r, "no memory for a load");

        r = decide(f, &state->load, e);
        if (r < 0)
                return r;

        where = state->load.whole_node ? NULL : &state->load.cgroup;
        state->started_us = env->now_us;
        state->has_usage = where && cgroup_cpu_usage_us(where, &state->usage_us, NULL) == 0;
        r = undo_push(f->undo, e, "children %u %s", state->load.workers, where ? where->path : "-");
        if (r < 0)
                return r;

        r = burner_deadline_new(f->holds, workers_end(f), &state->deadline, e);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < state->load.workers; i++) {
                r = burner_start(f->holds, where, &state->load.cpus, state->load.ppm, state->deadline,
                                 &state->children[i], e);
                if (r < 0)
                        return err_wrap(e, r, "worker %u of %u", i + 1, state->load.workers);
        }
        r = child_kill_together(f->holds, state->children, state->load.workers);
        if (r < 0)
                return err_set(e, r, "no memory for %u workers", state->load.workers);

        f->state = state;
        return 0;
}

static int sum_children(const struct load_state *state, uint64_t *ret_used_us, unsigned *ret_alive, struct err *e) {
        uint64_t sum = 0;
        unsigned alive = 0;

        for (unsigned i = 0; i < state->load.workers; i++) {
                uint64_t used;
                int r;

                r = child_cpu_us(&state->children[i], &used, e);
                if (r < 0)
                        return r;
                sum += used;
                alive += child_is_alive(&state->children[i]) == 1;
        }
        *ret_used_us = sum;
        *ret_alive = alive;
        return 0;
}

static int verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        const struct load_state *state = f->state;
        uint64_t used_us = 0, usage_us, elapsed_us;
        unsigned alive = 0;
        int r;

        *ret = (struct evidence){ 0 };
        if (!state)
                return err_set(e, -ESTALE, "the load belongs to a process that is gone");

        r = sum_children(state, &used_us, &alive, e);
        if (r < 0)
                return r;

        elapsed_us = env->now_us > state->started_us ? env->now_us - state->started_us : 0;
        ret->hits = used_us / USEC_PER_MSEC;
        evidence_add(ret, "cpu_time", "ms", used_us / USEC_PER_MSEC);
        evidence_add(ret, "workers", "", alive);
        if (elapsed_us > 0)
                evidence_add(ret, "load_per_worker", "ppm", used_us * 1000000 / elapsed_us / state->load.workers);
        if (state->has_usage && cgroup_cpu_usage_us(&state->load.cgroup, &usage_us, NULL) == 0)
                evidence_add(ret, "cgroup_cpu_time", "ms", (usage_us - state->usage_us) / USEC_PER_MSEC);
        if (alive < state->load.workers)
                (void)snprintf(ret->note, sizeof(ret->note), "%u of %u workers are gone", state->load.workers - alive,
                               state->load.workers);
        return alive == state->load.workers && used_us > 0;
}

static int renew(struct fault_env *env, struct fault *f, struct err *e) {
        const struct load_state *state = f->state;

        (void)env;
        if (!state)
                return err_set(e, -ESTALE, "the load belongs to a process that is gone");

        state->deadline->us = workers_end(f);
        return 0;
}

static int revert(struct fault_env *env, const char *record, struct err *e) {
        unsigned workers;

        (void)env;
        if (sscanf(record, "children %u ", &workers) != 1)
                return err_set(e, -EINVAL, "not a record of cpu.load");
        return 0; /* nothing but children of ours, and the kernel has killed those with us, or our holds will */
}

const struct fault_ops fault_cpu_load = {
        .name = "cpu.load",
        .summary = "use CPU time inside of a target's cgroup, so that it has to share",
        .owner = FAULT_OWNER_CHILD,
        .backends = backends,
        .targets = TARGET_PROCESS | TARGET_CGROUP | TARGET_NETNS,
        .target_required = TARGET_PROCESS | TARGET_CGROUP,
        .target_optional = true,
        .params = params,
        .params_size = sizeof(struct load_params),
        .probe = probe,
        .validate = validate,
        .plan = plan,
        .inject = inject,
        .verify = verify,
        .revert = revert,
        .renew = renew,
};
