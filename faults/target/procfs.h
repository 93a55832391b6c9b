/* procfs.h — reading /proc/PID. A pid is only a name: whoever acts holds a pidfd, reads here, and then checks
 * that the pidfd is still alive; only then were the readings about that process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procfs_stat {
        char comm[16];
        char state; /* R S D T t Z X I */
        pid_t ppid;
        bool kernel_thread;
        uint64_t start_time; /* clock ticks since boot: with the pid, a name that is never reused */
};

/* All return 0 or -errno; -ESRCH when there is no such process (any more). */
int procfs_read_stat(pid_t pid, struct procfs_stat *ret);
int procfs_read_exe(pid_t pid, char **ret);                       /* heap; " (deleted)" cut off */
int procfs_read_cmdline(pid_t pid, char *buf, size_t size);       /* arguments joined by blanks */
int procfs_read_uid(pid_t pid, uid_t *ret);                       /* effective */
int procfs_read_netns(pid_t pid, uint64_t *ret_inode);
int procfs_list(pid_t **ret, size_t *ret_n);                      /* every process, ascending; heap */

/* procfs_listens — does the process hold a socket that listens on this TCP port in its network namespace?
 * 1 yes, 0 no or not readable. */
int procfs_listens(pid_t pid, uint16_t port);

/* pidfd_is_alive — 1 the process runs, 0 it has exited (a zombie has). */
int pidfd_is_alive(int pidfd);
