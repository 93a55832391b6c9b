/* freezer.h — stop every process of a cgroup at once: cgroup v2's cgroup.freeze, v1's freezer.state. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct target_cgroup;

enum freezer_version { FREEZER_V1 = 1, FREEZER_V2 = 2 };

struct freezer {
        enum freezer_version version;
        int fd;           /* the cgroup's directory in that hierarchy */
        const char *path; /* below its mount point */
        uint64_t id;      /* the directory's inode: tells it from a later cgroup of the same name */
};

struct freezer_state {
        bool asked;         /* this very cgroup is set to be frozen */
        bool frozen;        /* all in it are frozen now, for whatever reason (a parent may be) */
        unsigned processes; /* in it and below */
};

/* freezer_probe — is there a hierarchy that can freeze? 0 or -EOPNOTSUPP. */
int freezer_probe(struct err *e);

/* freezer_choose — the hierarchy in which the cgroup's processes are: v2 when they are there, else v1.
 * Everything in *ret is borrowed from cg. 0 or -EOPNOTSUPP. */
int freezer_choose(const struct target_cgroup *cg, struct freezer *ret, struct err *e);

/* freezer_open — the cgroup of an undo record. 0, or -ENOENT: it is gone (a new one of that name is another one).
 * path stays borrowed; close with freezer_close(). */
int freezer_open(enum freezer_version version, const char *path, uint64_t id, struct freezer *ret, struct err *e);
void freezer_close(struct freezer *f);

/* -ENOENT or -ENODEV: the cgroup was removed. */
int freezer_read(const struct freezer *f, struct freezer_state *ret, struct err *e);
int freezer_set(const struct freezer *f, bool frozen, struct err *e);

/* freezer_wait — at most timeout_ms until all are frozen. 1 they are, 0 not yet. */
int freezer_wait(const struct freezer *f, int timeout_ms);
