/* daemon.h — everything that one running chaosd holds. main.c makes it, every other file borrows it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "chaosd/audit.h"
#include "chaosd/config.h"
#include "chaosd/journal.h"
#include "faults/fault.h"

struct guard;
struct history;
struct life;
struct prober;
struct probes;
struct server;
struct stream;

#define HALT_REASON_SIZE 200

struct daemon {
        sd_event *event;
        const struct config *config;
        const struct fault_ops *const *kinds; /* NULL-ended; the generated table, or a test's */
        struct journal journal;
        struct audit audit;
        struct fault_env env; /* use daemon_env(): it brings now_us up to date */
        struct probes *probes;
        struct prober *prober; /* while one is at work */
        struct life *lives;    /* newest first: injecting, active, reverting, failed */
        struct history *history;
        struct server *server;
        struct stream *streams;
        sd_event_source *keep_alive; /* while there are streams */
        struct guard *guard;
        int presence; /* presence_set() */
        bool halted;
        char halt_reason[HALT_REASON_SIZE];
        bool stopping;
        unsigned stop_tries;

        /* For /metrics. */
        uint64_t undo_failures, lease_lapses, streams_dropped, requests;
};

/* daemon_init — event loop, probes, history, the pidfd of this process; config, kinds, journal, audit and
 * env.runtime_dir are set by the caller. Undo with daemon_done(), also after a failure. */
int daemon_init(struct daemon *d, struct err *e);

/* daemon_done — let everything go; live faults are not undone. */
void daemon_done(struct daemon *d);

/* daemon_env — the environment for a call to a kind, with the clock read now and the live faults linked. */
struct fault_env *daemon_env(struct daemon *d);
const struct fault_ops *daemon_find_kind(const struct daemon *d, const char *name);

/* daemon_audit — write a line; a failing log is reported to stderr. Returns audit_write()'s result. */
int daemon_audit(struct daemon *d, const struct audit_event *event, struct err *e);

/* Tell the service manager and reapers how many faults are live. */
void daemon_publish_status(struct daemon *d);

/* halt.c: a halted daemon stays halted over restarts (RUNTIME/halted). */
int halt_load(struct daemon *d, struct err *e);
int halt_store(struct daemon *d, const char *reason, struct err *e);
int halt_clear(struct daemon *d, struct err *e);
