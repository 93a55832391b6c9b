#include "faults/sys/sys_calls.h"

#include <string.h>

#include "core/scoped.h"

/* One row a line would be four screens. */
/* clang-format off */
#define NONE { SYS_NO_ARG, SYS_NO_ARG }

/* A path; a path below a directory descriptor; two of each; a descriptor; a socket; a process call. */
#define PATH(n)       { #n, SYS_GROUP_FILE, NONE, { 0, SYS_NO_ARG }, SYS_NO_ARG }
#define PATH2(n)      { #n, SYS_GROUP_FILE, NONE, { 0, 1 }, SYS_NO_ARG }
#define PATH_B(n)     { #n, SYS_GROUP_FILE, NONE, { 1, SYS_NO_ARG }, SYS_NO_ARG }
#define AT(n)         { #n, SYS_GROUP_FILE | SYS_GROUP_DESC, { 0, SYS_NO_ARG }, { 1, SYS_NO_ARG }, SYS_NO_ARG }
#define AT2(n)        { #n, SYS_GROUP_FILE | SYS_GROUP_DESC, { 0, 2 }, { 1, 3 }, SYS_NO_ARG }
#define OPENS(n)      { #n, SYS_GROUP_FILE | SYS_GROUP_DESC, NONE, { 0, SYS_NO_ARG }, SYS_NO_ARG }
#define DESC(n)       { #n, SYS_GROUP_DESC, NONE, NONE, 0 }
#define DESC_AT(n, a) { #n, SYS_GROUP_DESC, NONE, NONE, a }
#define MAKES(n)      { #n, SYS_GROUP_DESC, NONE, NONE, SYS_NO_ARG }
#define SOCK(n)       { #n, SYS_GROUP_NETWORK | SYS_GROUP_DESC, NONE, NONE, 0 }
#define SOCKS(n)      { #n, SYS_GROUP_NETWORK | SYS_GROUP_DESC, NONE, NONE, SYS_NO_ARG }
#define PROC(n)       { #n, SYS_GROUP_PROCESS, NONE, NONE, SYS_NO_ARG }

static const struct sys_call calls[] = {
        OPENS(open), OPENS(creat), AT(openat), AT(openat2), AT(open_tree), AT(name_to_handle_at),
        PATH(access), AT(faccessat), AT(faccessat2), PATH(acct), PATH(chdir), PATH(chmod), AT(fchmodat), AT(fchmodat2),
        PATH(chown), PATH(lchown), AT(fchownat), PATH(chroot), PATH(getxattr), PATH(lgetxattr), PATH(setxattr),
        PATH(lsetxattr), PATH(listxattr), PATH(llistxattr), PATH(removexattr), PATH(lremovexattr), PATH2(link),
        AT2(linkat), PATH(lstat), PATH(stat), PATH(stat64), PATH(lstat64), AT(newfstatat), AT(fstatat64), AT(statx),
        PATH(mkdir), AT(mkdirat), PATH(mknod), AT(mknodat), PATH2(mount), PATH2(pivot_root), PATH(readlink),
        AT(readlinkat), PATH2(rename), AT2(renameat), AT2(renameat2), PATH(rmdir), PATH(statfs), PATH(statfs64),
        PATH(swapon), PATH(swapoff),
        { "symlink", SYS_GROUP_FILE, NONE, { 1, SYS_NO_ARG }, SYS_NO_ARG },
        { "symlinkat", SYS_GROUP_FILE | SYS_GROUP_DESC, { 1, SYS_NO_ARG }, { 2, SYS_NO_ARG }, SYS_NO_ARG },
        PATH(truncate), PATH(umount2), PATH(unlink), AT(unlinkat), PATH(utime), PATH(utimes), AT(futimesat),
        AT(utimensat), PATH(uselib), PATH_B(quotactl), PATH_B(inotify_add_watch), AT2(move_mount),
        { "execve", SYS_GROUP_FILE | SYS_GROUP_PROCESS, NONE, { 0, SYS_NO_ARG }, SYS_NO_ARG },
        { "execveat", SYS_GROUP_FILE | SYS_GROUP_DESC | SYS_GROUP_PROCESS, { 0, SYS_NO_ARG }, { 1, SYS_NO_ARG },
          SYS_NO_ARG },

        DESC(read), DESC(readv), DESC(pread64), DESC(preadv), DESC(preadv2), DESC(write), DESC(writev), DESC(pwrite64),
        DESC(pwritev), DESC(pwritev2), DESC(close), MAKES(close_range), DESC(dup), DESC(dup2), DESC(dup3), DESC(fcntl),
        DESC(fcntl64), DESC(ioctl), DESC(fstat), DESC(fstatfs), DESC(fsync), DESC(fdatasync), DESC(syncfs),
        DESC(sync_file_range), DESC(ftruncate), DESC(fallocate), DESC(fadvise64), DESC(readahead), DESC(lseek),
        DESC(_llseek), DESC(getdents), DESC(getdents64), DESC(fchdir), DESC(fchmod), DESC(fchown), DESC(flock),
        DESC(fgetxattr), DESC(fsetxattr), DESC(flistxattr), DESC(fremovexattr), DESC_AT(sendfile, 1), DESC(splice),
        DESC(tee), DESC(vmsplice), DESC(copy_file_range), DESC_AT(mmap, 4), DESC_AT(mmap2, 4), MAKES(pipe),
        MAKES(pipe2), MAKES(epoll_create), MAKES(epoll_create1), DESC(epoll_ctl), DESC(epoll_wait), DESC(epoll_pwait),
        DESC(epoll_pwait2), MAKES(eventfd), MAKES(eventfd2), MAKES(signalfd), MAKES(signalfd4), MAKES(timerfd_create),
        DESC(timerfd_settime), DESC(timerfd_gettime), MAKES(inotify_init), MAKES(inotify_init1), MAKES(memfd_create),
        MAKES(memfd_secret), MAKES(poll), MAKES(ppoll), MAKES(select), MAKES(pselect6), MAKES(io_uring_setup),
        DESC(io_uring_enter), DESC(io_uring_register), MAKES(userfaultfd), MAKES(pidfd_open), MAKES(pidfd_getfd),
        MAKES(perf_event_open), MAKES(fanotify_init), DESC(fanotify_mark), MAKES(bpf),

        SOCKS(socket), SOCKS(socketpair), SOCK(bind), SOCK(listen), SOCK(accept), SOCK(accept4), SOCK(connect),
        SOCK(getsockname), SOCK(getpeername), SOCK(sendto), SOCK(recvfrom), SOCK(sendmsg), SOCK(recvmsg),
        SOCK(sendmmsg), SOCK(recvmmsg), SOCK(shutdown), SOCK(setsockopt), SOCK(getsockopt),

        PROC(fork), PROC(vfork), PROC(clone), PROC(clone3), PROC(wait4), PROC(waitpid), PROC(waitid), PROC(exit),
        PROC(exit_group), PROC(kill), PROC(tkill), PROC(tgkill), PROC(pidfd_send_signal), PROC(rt_sigqueueinfo),
};
/* clang-format on */

const char *const sys_group_names[] = { "%file", "%desc", "%network", "%net", "%process", NULL };

static const unsigned group_bits[] = { SYS_GROUP_FILE, SYS_GROUP_DESC, SYS_GROUP_NETWORK, SYS_GROUP_NETWORK,
                                       SYS_GROUP_PROCESS };

const struct sys_call *sys_call_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                if (strcmp(calls[i].name, name) == 0)
                        return &calls[i];
        return NULL;
}

const struct sys_call *sys_call_all(size_t *ret_n) {
        *ret_n = ARRAY_SIZE(calls);
        return calls;
}

unsigned sys_group_find(const char *name) {
        for (size_t i = 0; sys_group_names[i]; i++)
                if (strcmp(sys_group_names[i], name) == 0)
                        return group_bits[i];
        return 0;
}
