/* The child that takes the space: filling may block for as long as the disk pleases, so the daemon never does it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"
#include "faults/mark.h"
#include "faults/mech/filler.h"

#define STEP_BYTES   (64ULL << 20) /* at most, between two looks at the floor */
#define BUFFER_BYTES (1U << 20)
#define TOP_UP_TURNS 1000 /* others write and delete meanwhile: do not chase them for ever */

/* Written by the child, read by the daemon; one page that both have mapped. */
struct progress {
        struct filler_goal goal;
        int fd;
        volatile int state; /* enum filler_state */
        volatile int error; /* positive errno */
        volatile int wrote;
};

struct filler {
        struct progress *progress;
        struct child child;
        int fd; /* borrowed */
};

struct fill {
        struct progress *p;
        bool write;
        uint64_t size; /* of the file so far */
        char *buffer;
};

/* Data that neither compresses nor repeats, for filesystems that would see through zeroes. */
static void scramble(char *buffer, uint64_t seed) {
        uint64_t x = seed * 0x9E3779B97F4A7C15ULL + 1;

        for (size_t i = 0; i + sizeof(x) <= BUFFER_BYTES; i += sizeof(x)) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                memcpy(buffer + i, &x, sizeof(x));
        }
}

static int take_by_writing(struct fill *f, uint64_t step) {
        uint64_t end = f->size + step;

        while (f->size < end) {
                size_t len = end - f->size < BUFFER_BYTES ? (size_t)(end - f->size) : BUFFER_BYTES;
                ssize_t n;

                scramble(f->buffer, f->size);
                n = pwrite(f->p->fd, f->buffer, len, (off_t)f->size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                f->size += (uint64_t)n;
        }
        /* Space is only taken for good, and memory given back, when the data is on the disk. */
        return fdatasync(f->p->fd) < 0 ? -errno : 0;
}

static int take_by_allocating(struct fill *f, uint64_t step) {
        int r;

        do
                r = fallocate(f->p->fd, 0, (off_t)f->size, (off_t)step);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;

        f->size += step;
        return 0;
}

static int take(struct fill *f, uint64_t step) {
        int r;

        if (!f->write) {
                r = take_by_allocating(f, step);
                if (r != -EOPNOTSUPP && r != -ENOSYS)
                        return r;
                f->write = true;
        }

        if (!f->buffer)
                f->buffer = malloc(BUFFER_BYTES);
        if (!f->buffer)
                return -ENOMEM;
        f->p->wrote = 1;
        return take_by_writing(f, step);
}

/* What may be taken now without going under the floor, in whole blocks, at most wanted. */
static uint64_t allowed_step(const struct filler_space *space, const struct filler_goal *goal, uint64_t wanted) {
        uint64_t above = space->free > goal->floor ? space->free - goal->floor : 0;

        if (wanted > STEP_BYTES)
                wanted = STEP_BYTES;
        return above < wanted ? above - above % space->block_size : wanted;
}

/* Somebody else, or the filesystem's own bookkeeping, went under the floor with us: give that much back. */
static int give_back(struct fill *f, const struct filler_space *space) {
        uint64_t missing = f->p->goal.floor - space->free;

        missing += space->block_size - 1;
        missing -= missing % space->block_size;
        f->size = f->size > missing ? f->size - missing : 0;
        if (ftruncate(f->p->fd, (off_t)f->size) < 0)
                return -errno;
        return FILLER_FLOOR;
}

/* One step towards wanted more bytes. Returns 0, the enum filler_state in which it ended, or -errno. */
static int take_step(struct fill *f, uint64_t wanted) {
        struct filler_space space;
        uint64_t step;
        int r;

        r = filler_space(f->p->fd, &space, NULL);
        if (r < 0)
                return r;

        step = allowed_step(&space, &f->p->goal, wanted);
        if (step == 0)
                return FILLER_FLOOR;

        r = take(f, step);
        /* The last bytes before "full" come in smaller pieces. */
        while ((r == -ENOSPC || r == -EDQUOT) && step > space.block_size) {
                step = step / 2 - step / 2 % space.block_size;
                step = step < space.block_size ? space.block_size : step;
                r = take(f, step);
        }
        if (r == -ENOSPC || r == -EDQUOT) {
                f->p->error = -r;
                return FILLER_FULL;
        }
        if (r < 0)
                return r;

        r = filler_space(f->p->fd, &space, NULL);
        if (r < 0)
                return r;
        return space.free < f->p->goal.floor ? give_back(f, &space) : 0;
}

static int top_up(struct fill *f) {
        const struct filler_goal *goal = &f->p->goal;

        for (int turn = 0; turn < TOP_UP_TURNS; turn++) {
                struct filler_space space;
                uint64_t over;
                int r;

                r = filler_space(f->p->fd, &space, NULL);
                if (r < 0)
                        return r;

                over = space.available > goal->leave ? space.available - goal->leave : 0;
                over -= over % space.block_size;
                if (over == 0)
                        return FILLER_DONE;
                r = take_step(f, over);
                if (r != 0)
                        return r;
        }
        return FILLER_DONE;
}

static int fill_to_size(struct fill *f) {
        while (f->size < f->p->goal.bytes) {
                int r = take_step(f, f->p->goal.bytes - f->size);

                if (r != 0)
                        return r;
        }
        return FILLER_DONE;
}

static int fill_all(struct fill *f) {
        int r = fill_to_size(f);

        /* What is left is the goal, not the size: metadata may have brought us to the floor a block early. */
        if (f->p->goal.top_up && (r == FILLER_DONE || r == FILLER_FLOOR))
                r = top_up(f);
        return r;
}

static int run_fill(void *arg) {
        struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };
        struct progress *p = arg;
        struct fill f = { .p = p, .write = p->goal.write };
        int r;

        (void)setrlimit(RLIMIT_FSIZE, &no_limit);
        (void)signal(SIGXFSZ, SIG_IGN); /* EFBIG says the same in a way that can be reported */
        /* CAP_SYS_RESOURCE: only with it may the part that is reserved for root be taken. */
        r = child_confine(1ULL << CAP_SYS_RESOURCE);
        if (r == 0)
                r = fill_all(&f);
        if (r < 0)
                p->error = -r;
        p->state = r < 0 ? FILLER_FAILED : r;
        return 0;
}

static void filler_release(void *thing) {
        struct filler *f = thing;

        (void)munmap(f->progress, sizeof(*f->progress));
        free(f);
}

int filler_start(struct holds *h, int fd, const struct filler_goal *goal, struct filler **ret, struct err *e) {
        struct filler *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return err_set(e, -ENOMEM, "no memory for the filler");

        f->progress = mmap(NULL, sizeof(*f->progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (f->progress == MAP_FAILED) {
                free(f);
                return err_errno(e, "map a page for the filler");
        }

        f->fd = fd;
        *f->progress = (struct progress){ .goal = *goal, .fd = fd, .state = FILLER_WORKING };
        r = holds_add(h, f, filler_release);
        if (r < 0)
                return err_set(e, r, "no memory to hold the filler");

        r = child_spawn(h, MARK_COMM_PREFIX "fill", run_fill, f->progress, &fd, 1, &f->child, e);
        if (r < 0)
                return r;

        *ret = f;
        return 0;
}

enum filler_state filler_wait(const struct filler *f, int timeout_ms, int *ret_error) {
        int status, r;

        r = child_wait(&f->child, timeout_ms, &status, NULL);
        if (r == 0)
                return FILLER_WORKING;

        if (f->progress->state == FILLER_WORKING) { /* killed before it could say how it went */
                *ret_error = EOWNERDEAD;
                return FILLER_FAILED;
        }
        *ret_error = f->progress->error;
        return (enum filler_state)f->progress->state;
}

bool filler_has_written(const struct filler *f) {
        return f->progress->wrote;
}

int filler_taken(const struct filler *f, uint64_t *ret, struct err *e) {
        struct stat st;

        if (fstat(f->fd, &st) < 0)
                return err_errno(e, "look at our file");

        *ret = (uint64_t)st.st_blocks * 512;
        return 0;
}
