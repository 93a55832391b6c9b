/* One fake filesystem of 10 GiB; a filler takes its space at once. A file without a name is a descriptor. In a
 * directory whose path has "named" in it a file needs a name, which is an object of its own until it is unlinked. */
#include "faults/mech/filler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "fakes/fake_filler.h"
#include "fakes/fake_kernel.h"
#include "faults/holds.h"

#define GIB (1ULL << 30)

struct filler {
        struct child child;
        uint64_t bytes;
};

#define USUAL                                                                                                          \
        (struct filler_space) {                                                                                        \
                .total = 10 * GIB, .free = 8 * GIB, .available = 7 * GIB, .block_size = 4096, .device = 64769,         \
                .type = "ext4",                                                                                        \
        }

static struct filler_space space = USUAL;
static bool same;
static enum filler_state outcome = FILLER_DONE;
static int outcome_error;

void fake_filler_reset(void) {
        space = USUAL;
        same = false;
        outcome = FILLER_DONE;
        outcome_error = 0;
}

struct filler_space *fake_filler_space(void) {
        return &space;
}

static bool needs_name(int path_fd) {
        const char *key = fake_fd_key(path_fd);

        return key && strstr(key, "named");
}

void fake_filler_same(void) {
        same = true;
}

void fake_filler_ends(enum filler_state state, int error) {
        outcome = state;
        outcome_error = error;
}

int filler_space(int fd, struct filler_space *ret, struct err *e) {
        int r = fake_step("filler_space", e);

        (void)fd;
        if (r < 0)
                return r;
        *ret = space;
        return 0;
}

int filler_is_same(int path_fd, const char *path, struct err *e) {
        int r = fake_step("filler_is_same", e);

        (void)path_fd;
        (void)path;
        return r < 0 ? r : same;
}

int filler_memory(uint64_t *ret, struct err *e) {
        int r = fake_step("filler_memory", e);

        if (r < 0)
                return r;
        *ret = 4 * GIB;
        return 0;
}

int filler_probe(int path_fd, struct err *e) {
        int r = fake_step("filler_probe", e);

        return r < 0 ? r : !needs_name(path_fd);
}

int filler_open(int path_fd, const char *name, struct err *e) {
        int r = fake_step("filler_open", e), fd;

        if (r < 0)
                return r;
        if (needs_name(path_fd)) {
                fake_set(fake_key("name:%s", name), "on device %" PRIu64, space.device);
                r = fake_step("filler_open unlink", e);
                if (r < 0)
                        return r;
                (void)fake_del(fake_key("name:%s", name));
        }
        fd = fake_fd("file:filler", "0 bytes");
        return fd < 0 ? err_set(e, fd, "no descriptor") : fd;
}

int filler_unlink(const char *dir, uint64_t device, const char *name, struct err *e) {
        int r = fake_step("filler_unlink", e);

        (void)dir;
        (void)device;
        return r < 0 ? r : fake_del(fake_key("name:%s", name));
}

int filler_start(struct holds *h, int fd, const struct filler_goal *goal, struct filler **ret, struct err *e) {
        struct filler *f;
        int r;

        f = calloc(1, sizeof(*f));
        if (!f || holds_add(h, f, free) < 0)
                return err_set(e, -ENOMEM, "no memory");

        r = child_spawn(h, "chaos-fill", NULL, NULL, &fd, 1, &f->child, e);
        if (r < 0)
                return r;

        f->bytes = goal->bytes;
        fake_set("file:filler", "%" PRIu64 " bytes", goal->bytes);
        *ret = f;
        return 0;
}

enum filler_state filler_wait(const struct filler *f, int timeout_ms, int *ret_error) {
        (void)f;
        (void)timeout_ms;
        *ret_error = outcome_error;
        return outcome;
}

bool filler_has_written(const struct filler *f) {
        (void)f;
        return false;
}

int filler_taken(const struct filler *f, uint64_t *ret, struct err *e) {
        int r = fake_step("filler_taken", e);

        if (r < 0)
                return r;
        *ret = outcome == FILLER_DONE ? f->bytes : f->bytes / 2;
        return 0;
}
