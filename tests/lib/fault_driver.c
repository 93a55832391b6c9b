/* fault_driver.c — one fault without a daemon, for tests: `chaos-fault-driver VERB KIND …`.
 *   probe  KIND BACKEND
 *   plan   KIND BACKEND TARGET PARAMS
 *   run    KIND BACKEND TARGET PARAMS SECONDS RECORDS
 *          prints "active", holds until its standard input ends, prints the evidence, reverts;
 *          a line "renew SECONDS" moves the deadline, any other prints the evidence
 *   revert KIND RECORDS                                 in a process that knows nothing but the records
 *   sweep  KIND [dry]
 * TARGET and PARAMS are JSON. CHAOS_UID names the fault, CHAOS_BREAK_GLASS=1 breaks the glass. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/target/target.h"
#include "faults/undo.h"

static int complain(const char *what, const struct err *e) {
        (void)fprintf(stderr, "%s: %s (%d) %s\n", what, e->msg, e->code, e->path);
        return 1;
}

static int push_to_file(struct undo *u, const char *record, struct err *e) {
        FILE *out = u->owner;

        if (fprintf(out, "%s\n", record) < 0 || fflush(out) != 0)
                return err_errno(e, "write a record");
        return undo_append(u, record);
}

struct drive {
        struct fault_env env;
        struct target_spec spec;
        struct target *target;
        struct undo undo;
        struct fault fault;
        void *params;
};

static int prepare(struct drive *d, const struct fault_ops *ops, char **argv, struct err *e) {
        SCOPED_JSON json_t *target = NULL, *params = NULL;
        int r;

        r = json_parse(argv[1], strlen(argv[1]), &target, e);
        if (r >= 0)
                r = json_parse(argv[2], strlen(argv[2]), &params, e);
        if (r >= 0)
                r = param_parse_object(target_params, target, &d->spec, e);
        if (r >= 0)
                r = target_resolve(&d->spec, ops->targets, ops->target_required, ops->target_optional,
                                   &(struct target_policy){ .break_glass = d->env.break_glass }, 1, &d->target, e);
        d->params = calloc(1, ops->params_size);
        if (r >= 0)
                r = param_parse_object(ops->params, params, d->params, e);
        if (r >= 0)
                r = ops->validate(d->params, e);

        d->fault =
                (struct fault){ .ops = ops, .target = d->target, .params = d->params, .backend = argv[0], .seed = 1 };
        (void)snprintf(d->fault.uid, sizeof(d->fault.uid), "%s",
                       getenv("CHAOS_UID") ? getenv("CHAOS_UID") : "0b9f12ab-34cd");
        return r;
}

static void print_evidence(struct drive *d) {
        struct evidence ev = { 0 };
        struct err e = { 0 };
        int r = d->fault.ops->verify(&d->env, &d->fault, &ev, &e);

        if (r < 0) {
                (void)complain("verify", &e);
                return;
        }
        (void)printf("{\"verified\": %s, \"hits\": %llu", r ? "true" : "false", (unsigned long long)ev.hits);
        for (unsigned i = 0; i < ev.n_counters; i++)
                (void)printf(", \"%s\": %llu", ev.counters[i].name, (unsigned long long)ev.counters[i].value);
        (void)printf(", \"note\": \"%s\"}\n", ev.note);
        (void)fflush(stdout);
}

static void hold(struct drive *d) {
        char line[64];

        while (fgets(line, sizeof(line), stdin)) {
                double seconds;
                struct err e = { 0 };

                if (sscanf(line, "renew %lf", &seconds) == 1) {
                        d->fault.deadline_us = clock_boottime_us() + (uint64_t)(seconds * 1e6);
                        if (d->fault.ops->renew(&d->env, &d->fault, &e) < 0)
                                (void)complain("renew", &e);
                } else {
                        print_evidence(d);
                }
        }
}

static int run(struct drive *d, char **argv, struct err *e) {
        uint64_t before = clock_boottime_us(), active;
        int r, undone;

        d->undo = (struct undo){ .push = push_to_file, .owner = fopen(argv[4], "we") };
        if (!d->undo.owner)
                return err_errno(e, "open %s", argv[4]);

        d->fault.undo = &d->undo;
        d->fault.holds = holds_new();
        d->fault.deadline_us = before + (uint64_t)(strtod(argv[3], NULL) * 1e6);
        r = d->fault.ops->inject(&d->env, &d->fault, e);
        active = clock_boottime_us();
        if (r >= 0) {
                (void)printf("active after %llu us\n", (unsigned long long)(active - before));
                (void)fflush(stdout);
                hold(d);
                print_evidence(d);
        }
        before = clock_boottime_us();
        undone = fault_undo_all(&d->env, d->fault.ops, &d->undo, r < 0 ? NULL : e);
        holds_free(d->fault.holds);
        (void)printf("reverted after %llu us\n", (unsigned long long)(clock_boottime_us() - before));
        (void)fclose(d->undo.owner);
        return r < 0 ? r : undone;
}

static int with_fault(const char *verb, const struct fault_ops *ops, char **argv, struct err *e) {
        struct drive d = { .env = { .now_us = clock_boottime_us(), .break_glass = getenv("CHAOS_BREAK_GLASS") } };
        SCOPED_FREE char *text = NULL;
        int r = prepare(&d, ops, argv, e);

        if (r >= 0 && strcmp(verb, "plan") == 0) {
                r = ops->plan(&d.env, &d.fault, &text, e);
                if (r >= 0)
                        (void)fputs(text, stdout);
        } else if (r >= 0) {
                r = run(&d, argv, e);
        }
        target_free(d.target);
        param_done(target_params, &d.spec);
        if (d.params)
                param_done(ops->params, d.params);
        free(d.params);
        return r;
}

static int revert(const struct fault_ops *ops, const char *path, struct err *e) {
        struct fault_env env = { .now_us = clock_boottime_us() };
        struct undo undo = { 0 };
        FILE *in = fopen(path, "re");
        char line[1024];

        if (!in)
                return err_errno(e, "open %s", path);

        while (fgets(line, sizeof(line), in)) {
                line[strcspn(line, "\n")] = '\0';
                (void)undo_append(&undo, line);
        }
        (void)fclose(in);
        return fault_undo_all(&env, ops, &undo, e);
}

static void print_found(void *arg, const char *what) {
        (void)arg;
        (void)printf("found %s\n", what);
}

int main(int argc, char **argv) {
        const struct fault_ops *ops = argc > 2 ? fault_find(argv[2]) : NULL;
        struct fault_env env = { .now_us = clock_boottime_us() };
        struct err e = { 0 };
        int r = -EINVAL;

        if (!ops)
                return complain("no such kind", &e);

        if (strcmp(argv[1], "probe") == 0 && argc == 4)
                r = ops->probe(&env, argv[3], &e);
        else if (strcmp(argv[1], "plan") == 0 && argc == 6)
                r = with_fault(argv[1], ops, argv + 3, &e);
        else if (strcmp(argv[1], "run") == 0 && argc == 8)
                r = with_fault(argv[1], ops, argv + 3, &e);
        else if (strcmp(argv[1], "revert") == 0 && argc == 4)
                r = revert(ops, argv[3], &e);
        else if (strcmp(argv[1], "sweep") == 0)
                r = ops->sweep(&env, argc > 3, print_found, NULL, &e);
        return r < 0 ? complain(argv[1], &e) : 0;
}
