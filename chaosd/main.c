/* main.c — the node daemon: set up, heal what an earlier one left, serve, undo everything, go. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "chaosd/api.h"
#include "chaosd/caps.h"
#include "chaosd/daemon.h"
#include "chaosd/guard.h"
#include "chaosd/history.h"
#include "chaosd/life.h"
#include "chaosd/lock.h"
#include "chaosd/log.h"
#include "chaosd/notify.h"
#include "chaosd/options.h"
#include "chaosd/paths.h"
#include "chaosd/probes.h"
#include "chaosd/recovery.h"
#include "chaosd/server.h"
#include "chaosd/stop.h"
#include "core/err.h"
#include "core/version.h"

enum { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_ERROR = 5, EXIT_RESIDUE = 6 };

/* Descriptors 0-2 must be taken, or a file of ours would become somebody's stderr. */
static void fill_standard_fds(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= 2);
        scoped_closep(&fd);
}

static int replace_text(char **at, const char *value, struct err *e) {
        char *copy;

        if (!value)
                return 0;

        copy = strdup(value);
        if (!copy)
                return err_set(e, -ENOMEM, "no memory");

        free(*at);
        *at = copy;
        return 0;
}

static int load_config(const struct options *options, struct config **ret, struct err *e) {
        SCOPED(config_freep) struct config *c = NULL;
        int r;

        r = config_load(options->config, &c, e);
        if (r < 0)
                return r;

        r = replace_text(&c->runtime_dir, options->runtime_dir, e);
        if (r == 0)
                r = replace_text(&c->socket, options->socket, e);
        if (r == 0)
                r = replace_text(&c->audit_log, options->audit_log, e);
        if (r == 0)
                r = config_fill_paths(c, e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

static void on_healed(const struct journal_entry *entry, void *arg) {
        const struct audit_event event = {
                .action = "recover", .uid = entry->uid, .kind = entry->kind, .result = "ok"
        };
        struct daemon *d = arg;
        SCOPED_JSON json_t *past = entry->about ? json_copy(entry->about) : json_object();

        log_info("undone %s %s, left by an earlier chaosd", entry->kind, entry->uid);
        (void)daemon_audit(d, &event, NULL);
        (void)json_object_update_new(past, json_pack("{s:s s:s s:s s:s s:{s:b s:n s:n}}", "uid", entry->uid, "kind",
                                                     entry->kind, "state", "gone", "reason", "recovered", "undo", "ok",
                                                     1, "ms", "error"));
        history_add(d->history, entry->uid, past);
}

static void on_failed(struct journal_entry **entry, const struct err *why, void *arg) {
        struct err e = { 0 };

        if (life_adopt(arg, TAKE_PTR(*entry), why, &e) < 0)
                log_error("%s", e.msg);
}

static void on_broken(const char *name, const struct err *why, void *arg) {
        (void)arg;
        log_error("journal file %s cannot be read and stays: %s", name, why->msg);
}

static int recover(struct daemon *d, struct err *e) {
        struct recovery r = {
                .journal = &d->journal,
                .kinds = d->kinds,
                .env = &d->env,
                .on_healed = on_healed,
                .on_failed = on_failed,
                .on_broken = on_broken,
                .arg = d,
        };

        return recovery_run_records(&r, e);
}

static int open_state(struct daemon *d, struct err *e) {
        const char *dir = d->config->runtime_dir;
        int r;

        r = journal_open(&d->journal, dir, e);
        if (r < 0)
                return r;

        r = halt_load(d, e);
        if (r < 0)
                return r;

#ifndef NDEBUG
        if (getenv("CHAOS_CRASH_AT"))
                d->journal.crash_at = (unsigned)strtoul(getenv("CHAOS_CRASH_AT"), NULL, 10);
#endif
        if (strcmp(d->config->audit_log, "none") != 0)
                r = audit_open(&d->audit, d->config->audit_log, e);
        return r;
}

/* Everything up to READY. What needs privileges that are dropped comes before caps_drop(). */
static int start(struct daemon *d, struct err *e) {
        const struct audit_event started = { .action = "start", .result = "ok", .detail = CHAOS_VERSION };
        SCOPED_FD int listener = -1;
        int r;

        r = server_bind(d->config->socket, d->config->group, &listener, e);
        if (r < 0)
                return r;

        r = open_state(d, e);
        if (r < 0)
                return r;

        r = caps_drop(e);
        if (r < 0)
                return r;

        r = guard_start(d, d->config->runtime_dir, &d->guard, e);
        if (r < 0)
                return r;

        r = daemon_init(d, e);
        if (r < 0)
                return r;

        r = daemon_audit(d, &started, e);
        if (r < 0)
                return r;

        r = recover(d, e);
        if (r < 0)
                return r;

        r = guard_watch(d->guard, e);
        if (r < 0)
                return r;

        r = stop_watch_signals(d, e);
        if (r < 0)
                return r;

        r = server_start(d, listener, d->config->socket, &d->server, e);
        if (r < 0)
                return r;

        (void)TAKE_FD(listener);
        return notify_watchdog(d->event, e);
}

static void close_daemon(struct daemon *d) {
        server_free(d->server);
        guard_dismiss(d->guard);
        daemon_done(d);
}

static int serve(struct daemon *d) {
        const struct audit_event stopped = { .action = "stop", .result = "ok" };
        struct err e = { 0 };
        int r;

        r = start(d, &e);
        if (r < 0) {
                log_error("%s", e.msg);
                if (!d->lives) /* else the guard stays, and has one more try */
                        close_daemon(d);
                return EXIT_ERROR;
        }

        log_info("version %s, listening on %s%s", CHAOS_VERSION, d->config->socket, d->halted ? ", halted" : "");
        notify_ready();
        daemon_publish_status(d);
        r = sd_event_loop(d->event);
        if (r < 0 && !d->stopping) { /* the guard sees us die and heals the node */
                log_error("event loop: %s", strerror(-r));
                return EXIT_ERROR;
        }

        (void)daemon_audit(d, &stopped, NULL);
        r = d->lives ? EXIT_RESIDUE : EXIT_FINE;
        log_info(d->lives ? "an undo still fails: its record stays for the next start or `chaosd --reap`"
                          : "everything is undone, bye");
        close_daemon(d);
        return r;
}

static int run_daemon(const struct config *config) {
        struct daemon d = {
                .config = config, .kinds = fault_table, .audit.fd = -1, .env.self_pidfd = -1, .presence = -1
        };
        SCOPED_FD int lock = -1;
        char path[PATHS_MAX];
        struct err e = { 0 };
        int r;

        d.env.runtime_dir = config->runtime_dir;
        (void)umask(0077);
        (void)signal(SIGPIPE, SIG_IGN);
        r = paths_make_runtime_dir(config->runtime_dir, &e);
        if (r == 0)
                r = paths_join(path, config->runtime_dir, PATHS_LOCK, &e);
        if (r == 0)
                r = lock_take_after_heal(path, &lock, NULL, &e);
        if (r == -EBUSY)
                (void)err_wrap(&e, r, "another chaosd runs here");
        if (r < 0) {
                log_error("%s", e.msg);
                return EXIT_ERROR;
        }

        return serve(&d);
}

static int print_capabilities(const struct config *config) {
        struct daemon d = { .config = config, .kinds = fault_table, .audit.fd = -1 };
        SCOPED(probes_freep) struct probes *probes = probes_new(fault_table);
        SCOPED_FD int self = paths_open_self();
        SCOPED_JSON json_t *capabilities = NULL;

        d.env = (struct fault_env){ .runtime_dir = config->runtime_dir, .self_pidfd = self };
        d.probes = probes;
        capabilities = probes ? api_describe_capabilities(&d) : NULL;
        if (!capabilities || json_dumpf(capabilities, stdout, JSON_INDENT(1)) < 0)
                return EXIT_ERROR;

        (void)putchar('\n');
        return EXIT_FINE;
}

static int verify_audit(const char *path) {
        uint64_t lines = 0, torn = 0;
        struct err e = { 0 };

        if (audit_verify(path, &lines, &torn, &e) < 0) {
                (void)fprintf(stderr, "chaosd: %s\n", e.msg);
                return EXIT_ERROR;
        }

        (void)printf("%s: %llu lines, chain unbroken%s\n", path, (unsigned long long)lines,
                     torn ? "; a crash cut some lines short" : "");
        return EXIT_FINE;
}

int main(int argc, char **argv) {
        SCOPED(config_freep) struct config *config = NULL;
        struct options options = { 0 };
        struct err e = { 0 };
        int r;

        fill_standard_fds();
        r = options_parse(argc, argv, &options, &e);
        if (r < 0) {
                (void)fprintf(stderr, "chaosd: %s\n", e.msg);
                return EXIT_USAGE;
        }
        if (options.help) {
                options_print_help();
                return EXIT_FINE;
        }
        if (options.version) {
                (void)printf("chaosd %s (API %s)\n", CHAOS_VERSION, CHAOS_API_VERSION);
                return EXIT_FINE;
        }
        if (options.verify_audit)
                return verify_audit(options.verify_audit);

        r = load_config(&options, &config, &e);
        if (r < 0) {
                (void)fprintf(stderr, "chaosd: %s\n", e.msg);
                return EXIT_USAGE;
        }
        if (options.reap)
                return recovery_reap(config->runtime_dir, fault_table, options.dry_run, options.json);
        if (options.capabilities)
                return print_capabilities(config);
        return run_daemon(config);
}
