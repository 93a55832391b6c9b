/* reap.c — `chaosd --reap`, which `chaosctl reap` runs: heal the node with the daemon dead, and say what was done. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "chaosd/lock.h"
#include "chaosd/paths.h"
#include "chaosd/presence.h"
#include "chaosd/recovery.h"
#include "core/err.h"

enum { EXIT_CLEAN = 0, EXIT_ERROR = 5, EXIT_RESIDUE = 6 };

struct report {
        bool json, dry_run;
        json_t *records, *objects, *problems;
        bool skipped_sweep;
};

static void on_healed(const struct journal_entry *entry, void *arg) {
        struct report *report = arg;

        (void)json_array_append_new(report->records, json_pack("{s:s s:s s:i s:b}", "uid", entry->uid, "kind",
                                                               entry->kind, "undo", (int)entry->undo.n, "ok", 1));
        if (!report->json)
                (void)printf("%s %s %s\n", report->dry_run ? "would undo" : "undone", entry->kind, entry->uid);
        for (size_t i = 0; !report->json && report->dry_run && i < entry->undo.n; i++)
                (void)printf("  %s\n", entry->undo.records[i]);
}

static void add_problem(struct report *report, const char *what, const struct err *why) {
        (void)json_array_append_new(report->problems, json_pack("{s:s s:s}", "what", what, "why", why->msg));
        if (!report->json)
                (void)printf("FAILED %s: %s\n", what, why->msg);
}

static void on_failed(struct journal_entry **entry, const struct err *why, void *arg) {
        char what[128];

        (void)snprintf(what, sizeof(what), "%s %s", (*entry)->kind, (*entry)->uid);
        add_problem(arg, what, why);
}

static void on_broken(const char *name, const struct err *why, void *arg) {
        add_problem(arg, name, why);
}

static void on_found(const struct fault_ops *ops, const char *what, void *arg) {
        struct report *report = arg;

        (void)json_array_append_new(report->objects, json_pack("{s:s s:s}", "kind", ops->name, "what", what));
        if (!report->json)
                (void)printf("%s %s (%s, no record)\n", report->dry_run ? "would remove" : "removed", what, ops->name);
}

static int refuse(const struct report *report, const struct err *e) {
        SCOPED_JSON json_t *root = json_pack("{s:s}", "error", e->msg);

        if (report->json && (!root || json_dumpf(root, stdout, 0) == 0))
                (void)putchar('\n');
        else
                (void)fprintf(stderr, "chaosd: cannot reap: %s\n", e->msg);
        return EXIT_ERROR;
}

/* A dry run changes nothing, not even a lock file, and so only looks whether somebody stands in the way. */
static int take_lock(const char *path, bool dry_run, int *ret_fd, struct err *e) {
        pid_t holder = 0;
        int r;

        if (dry_run) {
                holder = lock_holder_after_heal(path);
                r = holder ? -EBUSY : 0;
        } else {
                r = lock_take_after_heal(path, ret_fd, &holder, e);
        }
        if (r == -EBUSY)
                return err_set(e, r, "process %d is alive and owns %s: stop that daemon, or let it revert", (int)holder,
                               path);
        return r;
}

static void sweep(struct recovery *r, struct report *report) {
        pid_t other = presence_find();

        if (other) {
                report->skipped_sweep = true;
                if (!report->json)
                        (void)printf("not swept: another chaosd (process %d) has live faults on this host, and what "
                                     "carries our mark may be its\n",
                                     (int)other);
                return;
        }
        recovery_run_sweep(r);
}

static int finish(struct report *report, const struct recovery *r) {
        bool left = r->failed > 0 || (report->dry_run && r->healed + r->found > 0);

        if (report->json) {
                SCOPED_JSON json_t *root =
                        json_pack("{s:b s:b s:b s:O s:O s:O}", "clean", !left, "dry_run", report->dry_run, "swept",
                                  !report->skipped_sweep, "records", report->records, "objects", report->objects,
                                  "problems", report->problems);

                (void)json_dumpf(root, stdout, JSON_INDENT(1));
                (void)putchar('\n');
        } else if (!left) {
                (void)printf("clean: %u record%s undone, %u object%s removed\n", r->healed, r->healed == 1 ? "" : "s",
                             r->found, r->found == 1 ? "" : "s");
        }
        return left ? EXIT_RESIDUE : EXIT_CLEAN;
}

static int reap(const char *runtime_dir, struct recovery *r, struct report *report, struct err *e) {
        struct journal journal = { .read_only = report->dry_run };
        SCOPED_FD int lock = -1;
        char path[PATHS_MAX];
        int code;

        if (access(runtime_dir, F_OK) == 0) {
                code = paths_join(path, runtime_dir, PATHS_LOCK, e);
                if (code == 0)
                        code = take_lock(path, report->dry_run, &lock, e);
                if (code == 0)
                        code = journal_open(&journal, runtime_dir, e);
                if (code < 0)
                        return code;

                r->journal = &journal;
                code = recovery_run_records(r, e);
                if (code < 0)
                        return code;
        }

        sweep(r, report);
        return 0;
}

int recovery_reap(const char *runtime_dir, const struct fault_ops *const *kinds, bool dry_run, bool json) {
        SCOPED_JSON json_t *records = json_array(), *objects = json_array(), *problems = json_array();
        struct report report = {
                .json = json,
                .dry_run = dry_run,
                .records = records,
                .objects = objects,
                .problems = problems,
        };
        SCOPED_FD int self = paths_open_self();
        struct fault_env env = { .runtime_dir = runtime_dir, .self_pidfd = self };
        struct recovery r = {
                .kinds = kinds,
                .env = &env,
                .dry_run = dry_run,
                .on_healed = on_healed,
                .on_failed = on_failed,
                .on_broken = on_broken,
                .on_found = on_found,
                .arg = &report,
        };
        struct err e = { 0 };

        if (reap(runtime_dir, &r, &report, &e) < 0)
                return refuse(&report, &e);

        return finish(&report, &r);
}
