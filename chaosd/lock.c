#include "chaosd/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chaosd/guard.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"

#define HEAL_US (10 * USEC_PER_SEC)

static pid_t ask_holder(int fd) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
                return 0;
        return lock.l_pid;
}

int lock_take(const char *path, int *ret_fd, pid_t *ret_holder, struct err *e) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        SCOPED_FD int fd = -1;
        pid_t holder;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return err_errno(e, "cannot open lock file %s", path);

        if (fcntl(fd, F_SETLK, &lock) < 0) {
                if (errno != EAGAIN && errno != EACCES)
                        return err_errno(e, "cannot lock %s", path);

                holder = ask_holder(fd);
                if (ret_holder)
                        *ret_holder = holder;
                return err_set(e, -EBUSY, "%s is held by process %d", path, (int)holder);
        }

        *ret_fd = TAKE_FD(fd);
        return 0;
}

pid_t lock_holder(const char *path) {
        SCOPED_FD int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

        return fd < 0 ? 0 : ask_holder(fd);
}

static bool is_guard(pid_t pid) {
        char path[64], comm[32] = "";
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        f = fopen(path, "re");
        if (!f)
                return false;

        IGNORE_RESULT(fgets(comm, sizeof(comm), f));
        (void)fclose(f);
        comm[strcspn(comm, "\n")] = 0;
        return strcmp(comm, GUARD_COMM) == 0;
}

/* Is the holder a guard that has ended before end_us? Then it is worth another look. */
static bool outlive(pid_t holder, uint64_t end_us) {
        struct pollfd exit = { .fd = (int)syscall(SYS_pidfd_open, holder, 0), .events = POLLIN };
        uint64_t now_us = clock_boottime_us();
        bool gone;

        if (exit.fd < 0) /* gone between two looks */
                return errno == ESRCH && now_us < end_us;

        gone = is_guard(holder) && now_us < end_us && poll(&exit, 1, (int)((end_us - now_us) / USEC_PER_MSEC)) == 1;
        (void)close(exit.fd);
        return gone;
}

int lock_take_after_heal(const char *path, int *ret_fd, pid_t *ret_holder, struct err *e) {
        uint64_t end_us = clock_boottime_us() + HEAL_US;
        bool again = true; /* once, when the lock was freed before its holder could be asked for */
        pid_t holder;
        int r;

        for (;;) {
                holder = 0;
                r = lock_take(path, ret_fd, &holder, e);
                if (r != -EBUSY || !(holder ? outlive(holder, end_us) : again))
                        break;
                again = holder != 0;
        }

        if (ret_holder)
                *ret_holder = holder;
        return r;
}

pid_t lock_holder_after_heal(const char *path) {
        uint64_t end_us = clock_boottime_us() + HEAL_US;
        pid_t holder;

        do {
                holder = lock_holder(path);
        } while (holder && outlive(holder, end_us));

        return holder;
}
