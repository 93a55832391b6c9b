#include "faults/sys/launcher/paths.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/scoped.h"
#include "faults/sys/sys_calls.h"

#define PATH_BYTES (2 * PATH_MAX)

/* A NUL-terminated text of the thread's memory. Read in two steps, for it may end just before an unmapped page. */
static bool read_text(pid_t tid, uint64_t address, char buf[static PATH_MAX]) {
        size_t page_left = 4096 - (address & 4095), got = 0;
        SCOPED_FD int fd = -1;
        char name[40];

        (void)snprintf(name, sizeof(name), "/proc/%d/mem", (int)tid);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;

        while (got < PATH_MAX) {
                size_t want = got == 0 && page_left < PATH_MAX ? page_left : PATH_MAX - got;
                ssize_t n = pread(fd, buf + got, want, (off_t)(address + got));

                if (n <= 0)
                        return false;
                if (memchr(buf + got, 0, (size_t)n))
                        return true;
                got += (size_t)n;
        }
        return false;
}

/* What /proc/TID/cwd or /proc/TID/fd/N points at; "" when it is no path (a socket, a pipe) or cannot be read. */
static void read_link(pid_t tid, int fd, char buf[static PATH_MAX]) {
        char name[64];
        ssize_t n;

        if (fd == AT_FDCWD)
                (void)snprintf(name, sizeof(name), "/proc/%d/cwd", (int)tid);
        else
                (void)snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)tid, fd);
        n = readlink(name, buf, PATH_MAX - 1);
        buf[n > 0 ? n : 0] = 0;
        if (buf[0] != '/')
                buf[0] = 0;
}

/* Remove "//", "/./" and "/../" from an absolute path, in place. */
static void clean_path(char *path) {
        char *out = path;
        const char *in = path;

        while (*in) {
                size_t len;

                while (*in == '/')
                        in++;
                len = strcspn(in, "/");
                if (len == 2 && in[0] == '.' && in[1] == '.') {
                        while (out > path && *--out != '/')
                                ;
                } else if (len > 0 && !(len == 1 && in[0] == '.')) {
                        *out++ = '/';
                        memmove(out, in, len);
                        out += len;
                }
                in += len;
        }
        if (out == path)
                *out++ = '/';
        *out = 0;
}

static bool path_argument_matches(const struct seccomp_notif *n, int path_arg, int dirfd_arg, const char *pattern) {
        int dirfd = dirfd_arg == SYS_NO_ARG ? AT_FDCWD : (int)n->data.args[dirfd_arg];
        char text[PATH_MAX], base[PATH_MAX] = "", full[PATH_BYTES + 2];

        if (!read_text((pid_t)n->pid, n->data.args[path_arg], text))
                return false;

        if (text[0] != '/') {
                read_link((pid_t)n->pid, dirfd, base);
                if (!base[0])
                        return false;
        }

        (void)snprintf(full, sizeof(full), "%s/%s", base, text);
        clean_path(full);
        return fnmatch(pattern, full, 0) == 0;
}

bool paths_match(const struct seccomp_notif *n, const struct sys_call *call, const char *pattern) {
        for (size_t i = 0; i < ARRAY_SIZE(call->path); i++)
                if (call->path[i] != SYS_NO_ARG && path_argument_matches(n, call->path[i], call->dirfd[i], pattern))
                        return true;

        if (call->fd != SYS_NO_ARG) {
                char base[PATH_MAX];

                read_link((pid_t)n->pid, (int)n->data.args[call->fd], base);
                return base[0] && fnmatch(pattern, base, 0) == 0;
        }
        return false;
}
