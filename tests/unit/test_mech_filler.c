/* Real files in a temporary directory: taking space, stopping at the floor, giving it back, and the name that a
 * killed daemon could have left. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"
#include "faults/mech/filler.h"
#include "lib/check.h"

#define MIB     (1ULL << 20)
#define NOWHERE 0xfffULL /* a device number that is mounted nowhere */
#define WAIT_MS 20000

static char dir[] = "/tmp/chaos-filler.XXXXXX";

/* Fills, waits, and checks the end state. Returns the bytes that the file holds. */
static uint64_t fill(const struct filler_goal *goal, enum filler_state want) {
        SCOPED_FD int path_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct holds *h = holds_new();
        struct err e = { 0 };
        struct filler *f = NULL;
        uint64_t taken = 0;
        int fd, error = 0, r;

        fd = filler_open(path_fd, ".chaos-fill-test", &e);
        CHECK(fd >= 0, "open: %s", e.msg);
        (void)holds_add_fd(h, fd);
        r = filler_start(h, fd, goal, &f, &e);
        CHECK(r == 0, "start: %s", e.msg);
        if (r == 0) {
                enum filler_state state = filler_wait(f, WAIT_MS, &error);

                CHECK(state == want, "state %d, want %d: %s", state, want, strerror(error));
                CHECK(filler_taken(f, &taken, &e) == 0, "%s", e.msg);
        }
        holds_free(h);
        CHECK(fcntl(fd, F_GETFD) < 0, "the descriptor is still open");
        return taken;
}

static void test_takes(void) {
        uint64_t taken;

        taken = fill(&(struct filler_goal){ .bytes = 3 * MIB }, FILLER_DONE);
        CHECK(taken >= 3 * MIB && taken < 4 * MIB, "%llu bytes by fallocate", (unsigned long long)taken);
        taken = fill(&(struct filler_goal){ .bytes = 3 * MIB, .write = true }, FILLER_DONE);
        CHECK(taken >= 3 * MIB && taken < 4 * MIB, "%llu bytes by writing", (unsigned long long)taken);
        taken = fill(&(struct filler_goal){ .bytes = MIB, .floor = UINT64_MAX }, FILLER_FLOOR);
        CHECK(taken == 0, "%llu bytes under the floor", (unsigned long long)taken);
}

static bool is_name_left(void) {
        char path[64];

        (void)snprintf(path, sizeof(path), "%s/.chaos-fill-test", dir);
        return access(path, F_OK) == 0;
}

static void test_places(void) {
        static const char *const refused[] = { "/proc", "/sys", "/dev/pts" };
        SCOPED_FD int here = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct filler_space space;
        struct err e = { 0 };
        uint64_t memory = 0;

        CHECK(filler_space(here, &space, &e) == 0 && !space.refusal && space.total > 0, "%s", e.msg);
        CHECK(filler_is_same(here, "/tmp", &e) == 1, "/tmp and a directory in it: %s", e.msg);
        CHECK(filler_is_same(here, "/proc", &e) == 0, "/tmp and /proc: %s", e.msg);
        CHECK(filler_is_same(here, "/no/such", &e) == -ENOENT, "%s", e.msg);
        CHECK(filler_memory(&memory, &e) == 0 && memory > MIB, "%s", e.msg);
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                SCOPED_FD int fd = open(refused[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

                if (fd >= 0)
                        CHECK(filler_space(fd, &space, &e) == 0 && space.refusal, "%s is not refused", refused[i]);
        }
}

static void test_unlink(void) {
        SCOPED_FD int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st = { 0 };
        struct err e = { 0 };
        int r;

        CHECK(fstat(fd, &st) == 0, "stat");
        CHECK(filler_unlink(dir, st.st_dev, "name", &e) == 0, "nothing there: %s", e.msg);
        (void)close(openat(fd, "name", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        CHECK(filler_unlink(dir, NOWHERE, "name", &e) == 0, "an unmounted filesystem: %s", e.msg);
        CHECK(filler_unlink("/no/such", NOWHERE, "name", &e) == 0, "gone with its filesystem: %s", e.msg);
        r = filler_unlink("/no/such", st.st_dev, "name", &e);
        CHECK(r == -ESTALE, "its filesystem is still mounted, but '%s' (%d)", e.msg, r);
        CHECK(faccessat(fd, "name", F_OK, 0) == 0, "removed by the wrong record");
        CHECK(filler_unlink(dir, st.st_dev, "name", &e) == 1, "%s", e.msg);
        CHECK(filler_unlink(dir, st.st_dev, "name", &e) == 0, "%s", e.msg);
        CHECK(symlinkat("/etc/passwd", fd, "name") == 0, "symlink");
        CHECK(filler_unlink(dir, st.st_dev, "name", &e) == -EPERM, "a link was followed or removed");
        (void)unlinkat(fd, "name", 0);
}

int main(void) {
        if (!mkdtemp(dir))
                return 1;

        test_takes();
        CHECK(!is_name_left(), "a name is left");
        test_places();
        test_unlink();
        (void)rmdir(dir);
        return check_result();
}
