/* kfile.h — the kernel's small text files: /proc, /sys, cgroup knobs; always relative to a held directory. */
#pragma once

#include <stddef.h>

struct err;

/* kfile_read — the whole file (at most 1 MiB) as NUL-terminated heap text, one trailing newline removed.
 * dirfd may be AT_FDCWD with an absolute path. Returns 0 or -errno. */
int kfile_read(int dirfd, const char *path, char **ret, struct err *e);

/* kfile_write — one write(2) of text to an existing file. A short write is -EIO. Returns 0 or -errno. */
int kfile_write(int dirfd, const char *path, const char *text, struct err *e);
