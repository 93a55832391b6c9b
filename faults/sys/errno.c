/* sys.errno — system calls of chosen processes fail with an errno. Two backends with the same meaning: at the entry of
 * the call (bpf-override) or at the security hook inside it (bpf-lsm). For commands that one launches oneself there is
 * chaos-exec (launcher/), which needs neither.
 *
 * Owned by unpinned BPF links: they are gone when this process is, and the programs compare the clock with the
 * deadline themselves. Undo record, pushed before anything is attached:
 *         hooks UID */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"
#include "core/suggest.h"
#include "core/units.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/mech/sys_hooks.h"
#include "faults/sys/errno_hooks.h"
#include "faults/sys/sys_calls.h"
#include "faults/sys/sys_rule.h"
#include "faults/target/target.h"
#include "faults/undo.h"

#define BY_OVERRIDE   "bpf-override"
#define RECORD_PREFIX "hooks "

struct errno_params {
        uint64_t set;
        struct param_list syscalls; /* char * */
        int error;
        uint32_t probability_ppm;
        char *when;
};

enum { ROW_SYSCALLS, ROW_ERRNO, ROW_PROBABILITY, ROW_WHEN };

static const struct param params[] = {
        [ROW_SYSCALLS] = { .name = "syscalls",
                           .type = PARAM_STRING,
                           .list = true,
                           .required = true,
                           .offset = offsetof(struct errno_params, syscalls),
                           .example = "openat",
                           .cli = "syscall",
                           .help = "names of the system calls that fail, at most 32" },
        [ROW_ERRNO] = { .name = "errno",
                        .type = PARAM_ERRNO,
                        .required = true,
                        .offset = offsetof(struct errno_params, error),
                        .min = 1,
                        .max = 4095,
                        .example = "ENOSPC",
                        .help = "what they fail with" },
        [ROW_PROBABILITY] = { .name = "probability",
                              .type = PARAM_PERCENT,
                              .offset = offsetof(struct errno_params, probability_ppm),
                              .min = 1,
                              .max = 1000000,
                              .fallback = "100%",
                              .example = "5%",
                              .help = "how many of the calls that `when` picks" },
        [ROW_WHEN] = { .name = "when",
                       .type = PARAM_STRING,
                       .offset = offsetof(struct errno_params, when),
                       .fallback = "1+",
                       .example = "3..10+2",
                       .help = "which calls of each thread, counted from 1: 3, 3+, 3+2, 3..10, 3..10+2" },
        { 0 },
};

static const struct fault_backend backends[] = {
        { BY_OVERRIDE, "CONFIG_BPF_KPROBE_OVERRIDE (Ubuntu, RHEL; not Debian), BTF",
          "any system call of any running process, and its children" },
        { "bpf-lsm", "CONFIG_BPF_LSM, 'bpf' in lsm=, BTF",
          "calls with a security hook: files, sockets, processes, ioctl; running processes and their children" },
        { 0 },
};

static bool is_override(const char *backend) {
        return strcmp(backend, BY_OVERRIDE) == 0;
}

static const char *const *call_names(const struct errno_params *p) {
        return (const char *const *)p->syscalls.items;
}

static int probe(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        return sys_hooks_probe(is_override(backend) ? SYS_BY_OVERRIDE : SYS_BY_LSM, e);
}

static int check_call(const char *name, struct err *e) {
        const char *words[512], *near;
        const struct sys_call *all;
        size_t n;

        if (sys_call_find(name))
                return 0;

        all = sys_call_all(&n);
        for (size_t i = 0; i < n && i < ARRAY_SIZE(words); i++)
                words[i] = all[i].name;
        near = suggest_word(name, words, n < ARRAY_SIZE(words) ? n : ARRAY_SIZE(words));
        return err_set(e, -EINVAL, "unknown system call '%.40s'%s%s%s", name, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
}

static int validate(const void *v, struct err *e) {
        const struct errno_params *p = v;
        const char *const *names = call_names(p);
        struct sys_when when;
        int r;

        if (p->syscalls.n == 0 || p->syscalls.n > SYS_ERRNO_SLOTS) {
                (void)err_set(e, -ERANGE, "%zu system calls: from 1 to %d", p->syscalls.n, SYS_ERRNO_SLOTS);
                return err_at(e, "syscalls");
        }
        for (size_t i = 0; i < p->syscalls.n; i++) {
                r = check_call(names[i], e);
                for (size_t k = 0; r == 0 && k < i; k++)
                        if (strcmp(names[k], names[i]) == 0)
                                r = err_set(e, -EINVAL, "%s is named twice", names[i]);
                if (r < 0) {
                        (void)err_at_index(e, (unsigned)i);
                        return err_at(e, "syscalls");
                }
        }

        r = sys_when_parse(p->when, &when, e);
        return r < 0 ? err_at(e, "when") : 0;
}

/* Parameters, backend and seed of a fault as the mechanism wants them. */
static int make_spec(const struct fault *f, struct sys_hooks_spec *ret, struct err *e) {
        const struct errno_params *p = f->params;
        struct sys_hooks_spec spec = { .backend = is_override(f->backend) ? SYS_BY_OVERRIDE : SYS_BY_LSM,
                                       .calls = call_names(p),
                                       .n_calls = p->syscalls.n,
                                       .uid = f->uid,
                                       .seed = f->seed,
                                       .ppm = p->probability_ppm,
                                       .error = p->error };
        int r = sys_when_parse(p->when, &spec.when, e);

        if (r == 0 && spec.backend == SYS_BY_LSM)
                r = errno_hooks_for(spec.calls, spec.n_calls, &spec.hooks, e);
        for (size_t i = 0; r == 0 && i < f->target->n_cgroups; i++)
                if (f->target->cgroups[i].v2_fd < 0)
                        r = err_set(e, -EOPNOTSUPP,
                                    "cgroup %s is not in a version 2 hierarchy, which is what BPF "
                                    "programs can ask about",
                                    f->target->cgroups[i].path);
        if (r == 0)
                *ret = spec;
        return r;
}

static void print_places(FILE *out, const struct sys_hooks_spec *spec) {
        const char *comma = "";

        (void)fprintf(out, "attach BPF programs (unpinned links) to ");
        for (size_t i = 0; spec->backend == SYS_BY_OVERRIDE && i < spec->n_calls; i++, comma = ", ")
                (void)fprintf(out, "%sthe entry of %s", comma, spec->calls[i]);
        for (unsigned i = 0; spec->backend == SYS_BY_LSM && i < SYS_HOOK_COUNT; i++)
                if (spec->hooks & (1U << i)) {
                        (void)fprintf(out, "%sthe security hook %s", comma, errno_hook_name(i));
                        comma = ", ";
                }
        (void)fputc('\n', out);
}

static int plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        const struct errno_params *p = f->params;
        SCOPED_FREE char *text = NULL;
        char percent[UNITS_TEXT_SIZE];
        struct sys_hooks_spec spec;
        size_t size;
        FILE *out;
        int r = make_spec(f, &spec, e);

        (void)env;
        if (r < 0)
                return r;

        out = open_memstream(&text, &size);
        if (!out)
                return err_set(e, -ENOMEM, "no memory for a plan");

        print_places(out, &spec);
        (void)fprintf(out, "let them fail with %s (%s), calls %s of each thread, %s of those",
                      strerrorname_np(p->error) ? strerrorname_np(p->error) : "errno", strerror(p->error), p->when,
                      units_format_percent(p->probability_ppm, percent));
        for (size_t i = 0; i < f->target->n_procs; i++)
                (void)fprintf(out, "\nin process %d (%s), its children, and all that they start",
                              (int)f->target->procs[i].pid, f->target->procs[i].comm);
        for (size_t i = 0; i < f->target->n_cgroups; i++)
                (void)fprintf(out, "\nin every process of cgroup %s and below", f->target->cgroups[i].path);
        if (fclose(out) != 0)
                return err_set(e, -ENOMEM, "no memory for a plan");

        *ret = TAKE_PTR(text);
        return 0;
}

static int add_targets(struct sys_hooks *k, const struct target *t, struct err *e) {
        unsigned marked = 0;
        int r;

        for (size_t i = 0; i < t->n_procs; i++) {
                unsigned n;

                r = sys_hooks_add_process(k, t->procs[i].pid, t->procs[i].pidfd, &n, e);
                if (r < 0)
                        return err_wrap(e, r, "process %d", (int)t->procs[i].pid);
                marked += n;
        }
        if (t->n_procs && !marked)
                return err_set(e, -ESRCH, "all target processes have ended");

        for (size_t i = 0; i < t->n_cgroups; i++) {
                r = sys_hooks_add_cgroup(k, t->cgroups[i].v2_fd, e);
                if (r < 0)
                        return err_wrap(e, r, "cgroup %s", t->cgroups[i].path);
        }
        return 0;
}

static int inject(struct fault_env *env, struct fault *f, struct err *e) {
        struct sys_hooks_spec spec;
        struct sys_hooks *k;
        int r;

        (void)env;
        r = make_spec(f, &spec, e);
        if (r < 0)
                return r;

        r = undo_push(f->undo, e, RECORD_PREFIX "%s", f->uid);
        if (r < 0)
                return r;

        r = sys_hooks_attach(f->holds, &spec, &k, e);
        if (r < 0)
                return r;

        f->state = k;
        r = add_targets(k, f->target, e);
        if (r < 0)
                return r;

        /* Last: up to here nothing has changed for anyone. */
        return sys_hooks_arm(k, f->deadline_us, e);
}

static int verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        const struct errno_params *p = f->params;
        struct evidence ev = { 0 };
        struct sys_errno_state s;
        uint64_t matched = 0;
        int r;

        if (!f->state)
                return err_set(e, -ENOENT, "the BPF links died with the process that made them");

        r = sys_hooks_read(f->state, &s, e);
        if (r < 0)
                return r;

        for (size_t i = 0; i < SYS_ERRNO_SLOTS; i++) {
                matched += s.slots[i].matched;
                ev.hits += s.slots[i].injected;
        }
        evidence_add(&ev, "matched", "calls", matched);
        evidence_add(&ev, "injected", "calls", ev.hits);
        for (size_t i = 0; i < SYS_ERRNO_SLOTS && p->syscalls.n > 1; i++)
                if (s.slots[i].matched)
                        evidence_add(&ev, is_override(f->backend) ? call_names(p)[i] : errno_hook_name(i), "calls",
                                     s.slots[i].injected);
        if (s.lost)
                (void)snprintf(ev.note, sizeof(ev.note),
                               "%u threads or children escaped: the kernel had no memory to "
                               "mark them",
                               s.lost);
        *ret = ev;
        return env->now_us < f->deadline_us;
}

/* The links belong to whoever injected: with that process gone there is nothing, and this finds nothing. While it lives
 * (a normal end, where the links are released right after) the fault is over from here on. */
static int revert(struct fault_env *env, const char *record, struct err *e) {
        unsigned n;

        (void)env;
        if (strncmp(record, RECORD_PREFIX, strlen(RECORD_PREFIX)) != 0)
                return err_set(e, -EINVAL, "unknown record of sys.errno: '%.80s'", record);

        return sys_hooks_disarm(record + strlen(RECORD_PREFIX), false, NULL, NULL, &n, e);
}

static int renew(struct fault_env *env, struct fault *f, struct err *e) {
        (void)env;
        return f->state ? sys_hooks_arm(f->state, f->deadline_us, e) : 0;
}

struct sweep_listener {
        void (*found)(void *arg, const char *what);
        void *arg;
};

static void tell_found(void *arg, const char *uid) {
        const struct sweep_listener *l = arg;
        char what[120];

        (void)snprintf(what, sizeof(what), "BPF programs of sys.errno, fault %s, held by another process", uid);
        l->found(l->arg, what);
}

static int sweep(struct fault_env *env, bool dry_run, void (*found)(void *arg, const char *what), void *arg,
                 struct err *e) {
        struct sweep_listener listener = { found, arg };
        unsigned n;

        (void)env;
        return sys_hooks_disarm(NULL, dry_run, tell_found, &listener, &n, e);
}

const struct fault_ops fault_sys_errno = {
        .name = "sys.errno",
        .summary = "system calls of running processes fail",
        .owner = FAULT_OWNER_LINK,
        .backends = backends,
        .targets = TARGET_PROCESS | TARGET_CGROUP | TARGET_NETNS,
        .target_required = TARGET_PROCESS | TARGET_CGROUP,
        .params = params,
        .params_size = sizeof(struct errno_params),
        .probe = probe,
        .validate = validate,
        .plan = plan,
        .inject = inject,
        .verify = verify,
        .revert = revert,
        .renew = renew,
        .sweep = sweep,
};
