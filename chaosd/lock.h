/* lock.h — who owns a runtime directory. Record locks (fcntl): the kernel knows the holder's pid, frees them with it,
 * and forked children do not inherit them. */
#pragma once

#include <sys/types.h>

struct err;

/* lock_take — the file's write lock. ret_fd keeps it: the lock ends when any descriptor of this file is closed in
 * this process, so the file is opened here only. Returns 0; -EBUSY held (ret_holder, when given, is its pid). */
int lock_take(const char *path, int *ret_fd, pid_t *ret_holder, struct err *e);

/* lock_take_after_heal — the same, but where the guard of a killed daemon holds the lock to heal the node, it is
 * awaited (at most 10 s): it is in nobody's way for long. */
int lock_take_after_heal(const char *path, int *ret_fd, pid_t *ret_holder, struct err *e);

/* lock_holder — pid of the process whose lock stands in the way of a write lock; 0 = none or no such file. */
pid_t lock_holder(const char *path);
pid_t lock_holder_after_heal(const char *path);
