/* Small files are objects "file:<directory's key>/<path>"; one that no test made does not exist. */
#include "faults/mech/kfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"

static const char *key_of(int dirfd, const char *path) {
        const char *dir = fake_fd_key(dirfd);

        return dirfd == AT_FDCWD || path[0] == '/' ? fake_key("file:%s", path)
                                                   : fake_key("file:%s/%s", dir ? dir : "?", path);
}

int kfile_read(int dirfd, const char *path, char **ret, struct err *e) {
        const char *text;
        char *copy;
        int r;

        r = fake_step("kfile_read", e);
        if (r < 0)
                return r;

        text = fake_get(key_of(dirfd, path));
        if (!text)
                return err_set(e, -ENOENT, "open '%s': No such file or directory", path);

        copy = strdup(text);
        if (!copy)
                return err_set(e, -ENOMEM, "no memory");
        *ret = copy;
        return 0;
}

int kfile_write(int dirfd, const char *path, const char *text, struct err *e) {
        int r = fake_step("kfile_write", e);

        if (r < 0)
                return r;
        if (!fake_get(key_of(dirfd, path)))
                return err_set(e, -ENOENT, "open '%s': No such file or directory", path);

        fake_set(key_of(dirfd, path), "%s", text);
        return 0;
}
