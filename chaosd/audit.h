/* audit.h — who did what to this node: append-only JSON lines, each carrying the SHA-256 of the line before, so
 * that a line changed or taken out later is noticed. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/sha256.h"

struct err;

struct audit {
        int fd; /* -1 = off */
        uint64_t seq;
        char last[SHA256_TEXT_SIZE]; /* of the last line; 64 zeros before the first */
};

/* Who asked. uid (uid_t)-1: the daemon itself (a deadline, a signal, a restart). */
struct audit_peer {
        pid_t pid;
        uid_t uid;
        gid_t gid;
};

struct audit_event {
        const char *action;            /* "inject", "revert" … (docs/chaosd.md lists them) */
        const struct audit_peer *peer; /* NULL = the daemon itself */
        const char *uid, *kind;        /* of the fault, or NULL */
        const char *result;            /* "ok", "refused", "failed" */
        const char *detail;            /* in words, or NULL */
};

/* audit_open — path may be missing (created, 0640) and must be a regular file that we alone append to: -EBUSY when
 * another process holds it. The chain goes on from the last line; a line that a crash tore is closed first. */
int audit_open(struct audit *a, const char *path, struct err *e);
void audit_close(struct audit *a);

/* audit_write — one line in one write(2). Returns 0 or -errno; 0 when the log is off. */
int audit_write(struct audit *a, const struct audit_event *event, struct err *e);

/* audit_verify — walk the chain. ret_lines counts all lines, ret_torn those that a crash cut short (they stay part
 * of the chain). Returns 0; -EBADMSG with the line's number in e when the chain is broken; -errno of reading. */
int audit_verify(const char *path, uint64_t *ret_lines, uint64_t *ret_torn, struct err *e);
