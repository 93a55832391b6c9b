/* life.h — one fault's way: parse → policy → target → backend → plan → journal → inject → evidence → undo → gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "chaosd/audit.h"
#include "chaosd/journal.h"
#include "chaosd/request.h"
#include "core/err.h"
#include "faults/fault.h"
#include "faults/target/target.h"

struct daemon;

enum life_state { LIFE_INJECTING, LIFE_ACTIVE, LIFE_REVERTING, LIFE_GONE, LIFE_FAILED };

enum life_reason {
        LIFE_REASON_NONE,
        LIFE_REASON_ENDED,     /* its time was up */
        LIFE_REASON_REQUESTED, /* DELETE */
        LIFE_REASON_LEASE,     /* nobody renewed it */
        LIFE_REASON_HALT,
        LIFE_REASON_SHUTDOWN,
        LIFE_REASON_TARGET_GONE, /* every process of the target has exited */
        LIFE_REASON_RECOVERED,   /* found in the journal at start */
        LIFE_REASON_INJECT,      /* inject failed half-way and so did its undo */
};

struct life {
        struct life *next;
        struct daemon *daemon;
        struct fault fault;      /* what the kind sees */
        struct request *request; /* owns target spec and params; NULL when recovered */
        struct target *target;
        struct journal_entry journal;
        char kind[64]; /* fault.ops may be NULL when recovered from another build's journal */
        json_t *about; /* the fault object's constant part */
        enum life_state state;
        enum life_reason reason;

        uint64_t created_wall_us, injected_wall_us, reverted_wall_us;
        uint64_t injected_us; /* CLOCK_BOOTTIME, as are the next ones */
        uint64_t inject_took_us;
        uint64_t end_us;
        uint64_t reverted_us;
        uint64_t undo_took_us;
        uint64_t lease_us;

        struct evidence evidence;
        int verified; /* 1 yes, 0 no, -1 cannot tell */
        bool undo_tried;
        struct err undo_err; /* code 0 when the undo went well */

        sd_event_source *timer;    /* deadline while active, next try while failed */
        sd_event_source **watches; /* one per process of the target */
        size_t n_watches, n_watches_left;
};

/* life_plan — everything up to the first change: ret_plan is the answer of POST /v1/plan. Changes nothing. */
int life_plan(struct daemon *d, struct request *q, json_t **ret_plan, struct err *e);

/* How far a life_start() that failed had come. */
struct life_failure {
        bool changing; /* the kind had begun to change things: its errno is the kernel's, not the request's */
        char residue[JOURNAL_UID_SIZE]; /* the fault (state failed) whose undo did not succeed either, or "" */
};

/* life_start — inject. Takes *q over. On failure nothing is left, unless how->residue says otherwise.
 * ret is borrowed: the daemon's list owns it. */
int life_start(struct daemon *d, struct request **q, const struct audit_peer *peer, struct life **ret,
               struct life_failure *how, struct err *e);

/* life_renew — move the deadline to lease_us from now (0 = the lease as it was). */
int life_renew(struct life *l, uint64_t lease_us, struct err *e);

/* life_end — undo it now. When that succeeds l is freed and its last fault object is in the history; else it is in
 * state failed and tried again every second. reason of the first call is kept. */
int life_end(struct life *l, enum life_reason reason, const struct audit_peer *peer, struct err *e);

/* life_end_all — every live fault, newest first. The arrays of UIDs are new. */
void life_end_all(struct daemon *d, enum life_reason reason, const struct audit_peer *peer, json_t **ret_reverted,
                  json_t **ret_failed);

/* life_adopt — a journal entry whose undo failed at start: keep trying. Takes the entry. */
int life_adopt(struct daemon *d, struct journal_entry *entry, const struct err *why, struct err *e);

/* life_free — take it off the daemon's list and let everything go; no undo. */
void life_free(struct life *l);

struct life *life_find(const struct daemon *d, const char *uid);

/* life_read_evidence — ask the kind, keep the answer. Nothing happens when the fault is not active. */
void life_read_evidence(struct life *l);

/* life_view.c: the fault object of docs/api/README.md; NULL = no memory. */
json_t *life_describe(const struct life *l);
/* Its constant part, and the answer of POST /v1/plan. plan is text, one change per line. */
json_t *life_describe_about(const struct life *l, const char *backend_reason, const char *plan);
json_t *life_describe_plan(const struct life *l);
const char *life_reason_name(enum life_reason reason); /* "lease" …; NULL for LIFE_REASON_NONE */

/* lease.c: the timers. */
int lease_arm(struct life *l, struct err *e);       /* fires at fault.deadline_us */
int lease_arm_retry(struct life *l, struct err *e); /* fires in a second */
int lease_watch_target(struct life *l, struct err *e);
void lease_disarm(struct life *l);
