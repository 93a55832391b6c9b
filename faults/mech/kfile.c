#include "faults/mech/kfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"

#define KFILE_MAX (1024U * 1024U)

int kfile_read(int dirfd, const char *path, char **ret, struct err *e) {
        SCOPED_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        SCOPED_FREE char *text = NULL;
        size_t len = 0, size = 4096;

        if (fd < 0)
                return err_errno(e, "open '%s'", path);

        text = malloc(size + 1);
        while (text) {
                ssize_t n = read(fd, text + len, size - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_errno(e, "read '%s'", path);
                if (n == 0)
                        break;

                len += (size_t)n;
                if (len == size) {
                        char *more;

                        /* The last byte of the allowance is there to tell "exactly 1 MiB" from "more". */
                        if (size > KFILE_MAX)
                                return err_set(e, -EFBIG, "'%s' is larger than 1 MiB", path);
                        size = size * 2 > KFILE_MAX ? KFILE_MAX + 1 : size * 2;
                        more = realloc(text, size + 1);
                        if (!more)
                                return err_set(e, -ENOMEM, "no memory to read '%s'", path);
                        text = more;
                }
        }
        if (!text)
                return err_set(e, -ENOMEM, "no memory to read '%s'", path);
        if (len > 0 && text[len - 1] == '\n')
                len--;
        text[len] = '\0';

        *ret = TAKE_PTR(text);
        return 0;
}

int kfile_write(int dirfd, const char *path, const char *text, struct err *e) {
        SCOPED_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        size_t len = strlen(text);
        ssize_t n;

        if (fd < 0)
                return err_errno(e, "open '%s'", path);

        do
                n = write(fd, text, len);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return err_errno(e, "write '%.60s' to '%s'", text, path);
        if ((size_t)n != len)
                return err_set(e, -EIO, "short write of '%.60s' to '%s'", text, path);

        return 0;
}
