#include "chaosd/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"

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
