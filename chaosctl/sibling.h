/* sibling.h — the other programs of this project: beside chaosctl, in ../sbin or ../libexec/chaosd, or in PATH. */
#pragma once

#include <stddef.h>

struct err;

/* sibling_find — absolute path of an executable file. 0, or -ENOENT with the places that were looked at. */
int sibling_find(const char *name, char *buf, size_t size, struct err *e);

/* sibling_exec — become that program; argv[0] is set by the call. Returns only on failure. */
int sibling_exec(const char *name, char **argv, struct err *e);

/* sibling_read — run it and read what it prints (at most 8 MiB; stderr passes through). *ret_status: its exit
 * status. 0, or -errno. Caller frees *ret. */
int sibling_read(const char *name, char *const *argv, char **ret, size_t *ret_len, int *ret_status, struct err *e);
