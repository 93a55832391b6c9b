/* filler.h — taking space on a filesystem with a file that has no name, so that the kernel gives the space back
 * with the last descriptor: nobody has to clean up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "faults/mech/child.h"

struct err;
struct holds;

/* What a filesystem says of itself, all in bytes. Source: statvfs(3), statfs(2). */
struct filler_space {
        uint64_t total;
        uint64_t free;       /* for root: what is not used at all */
        uint64_t available;  /* for everyone else: free less what is reserved for root (ext4: 5 % by default) */
        uint64_t block_size; /* granularity of allocation */
        uint64_t device;     /* st_dev of the directory */
        const char *type;    /* "ext4", "tmpfs" … or "other" */
        bool in_memory;      /* filling it takes RAM */
        const char *refusal; /* why it must not be filled ("not on a disk"), or NULL */
};

/* filler_space — fd: of the directory (O_PATH is enough), or of a file on the filesystem. Returns 0 or -errno. */
int filler_space(int fd, struct filler_space *ret, struct err *e);

/* filler_is_same — do the directory and path share one filesystem's space? Sees through overlayfs and
 * subvolumes by comparing what they say of themselves. Returns 1, 0 or -errno. */
int filler_is_same(int path_fd, const char *path, struct err *e);

/* filler_memory — bytes that the kernel thinks can be taken without swapping (MemAvailable). 0 or -errno. */
int filler_memory(uint64_t *ret, struct err *e);

/* filler_probe — can the filesystem make a file without a name (O_TMPFILE)? Makes and closes one: nothing is
 * ever visible. Returns 1, 0 (a name is needed for a moment), or -errno (read-only, no permission …). */
int filler_probe(int path_fd, struct err *e);

/* filler_open — an empty file of ours in the directory. Where O_TMPFILE is not to be had it is created as name
 * and unlinked at once; the caller has pushed a record of name before. Mode 0600. Returns an fd or -errno; on
 * failure nothing is left. */
int filler_open(int path_fd, const char *name, struct err *e);

/* filler_unlink — the file that filler_open() might have left when killed between its two calls: dir/name, if
 * dir is still on the device that was recorded, and name a regular file of root's. Returns 1 when one was
 * removed, 0 when there is none, or -errno (-ESTALE: dir shows another filesystem now, and the recorded one is
 * still mounted elsewhere). */
int filler_unlink(const char *dir, uint64_t device, const char *name, struct err *e);

/* What to take. The child stops short of floor whatever else happens. */
struct filler_goal {
        uint64_t bytes; /* size of the file, a multiple of nothing in particular */
        bool top_up;    /* then go on in single blocks until available <= leave: metadata takes its share */
        uint64_t leave; /* with top_up: bytes that must be left available to ordinary users */
        uint64_t floor; /* bytes of filler_space.free that are never touched */
        bool write;     /* write data that does not compress instead of fallocate(2) */
};

enum filler_state {
        FILLER_WORKING,
        FILLER_DONE,   /* the goal is met */
        FILLER_FULL,   /* the filesystem refused more (ENOSPC, EDQUOT) short of the goal */
        FILLER_FLOOR,  /* somebody else took space meanwhile: stopped at the floor */
        FILLER_FAILED, /* error says why */
};

struct filler; /* owned by holds */

/* filler_start — a child (comm "chaos-fill") takes the space of goal in fd, in steps of at most 64 MiB, and ends.
 * It is killed when h is released, before descriptors that were added to h earlier are closed. Returns 0 or
 * -errno; on failure no child is left. */
int filler_start(struct holds *h, int fd, const struct filler_goal *goal, struct filler **ret, struct err *e);

/* filler_wait — at most timeout_ms for the child to end. *ret_error: errno of FILLER_FULL and FILLER_FAILED. */
enum filler_state filler_wait(const struct filler *f, int timeout_ms, int *ret_error);

/* Did it have to write data, for the filesystem knows no fallocate(2)? */
bool filler_has_written(const struct filler *f);

/* filler_taken — bytes that the file holds on the filesystem (st_blocks). Returns 0 or -errno. */
int filler_taken(const struct filler *f, uint64_t *ret, struct err *e);
