#include "chaosd/paths.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"

int paths_make_runtime_dir(const char *dir, struct err *e) {
        struct stat st;

        /* A strict umask would hide the socket in it from the group that may use it. */
        if (mkdir(dir, 0755) < 0) {
                if (errno != EEXIST)
                        return err_errno(e, "cannot create the runtime directory %s", dir);
        } else if (chmod(dir, 0755) < 0) {
                return err_errno(e, "cannot open %s to the socket's users", dir);
        }

        if (stat(dir, &st) < 0)
                return err_errno(e, "cannot stat %s", dir);

        if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
                return err_set(e, -EPERM, "%s must be a directory that only this user can write", dir);

        return 0;
}

int paths_join(char *buf, const char *dir, const char *name, struct err *e) {
        if ((size_t)snprintf(buf, PATHS_MAX, "%s/%s", dir, name) >= PATHS_MAX)
                return err_set(e, -ENAMETOOLONG, "%.60s…: name too long", dir);
        return 0;
}

int paths_open_self(void) {
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
}
