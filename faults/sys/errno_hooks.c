#include "faults/sys/errno_hooks.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"

static const struct {
        const char *name, *calls; /* calls: each between blanks */
} hooks[] = {
        [SYS_HOOK_OPEN] = { "file_open", " open openat openat2 creat " },
        [SYS_HOOK_READ] = { "file_permission:read", " read pread64 readv preadv preadv2 getdents getdents64 " },
        [SYS_HOOK_WRITE] = { "file_permission:write", " write pwrite64 writev pwritev pwritev2 " },
        [SYS_HOOK_IOCTL] = { "file_ioctl", " ioctl " },
        [SYS_HOOK_MMAP] = { "mmap_file", " mmap mmap2 " },
        [SYS_HOOK_UNLINK] = { "inode_unlink", " unlink unlinkat " },
        [SYS_HOOK_MKDIR] = { "inode_mkdir", " mkdir mkdirat " },
        [SYS_HOOK_RMDIR] = { "inode_rmdir", " rmdir " },
        [SYS_HOOK_RENAME] = { "inode_rename", " rename renameat renameat2 " },
        [SYS_HOOK_LINK] = { "inode_link", " link linkat " },
        [SYS_HOOK_SYMLINK] = { "inode_symlink", " symlink symlinkat " },
        [SYS_HOOK_SOCKET] = { "socket_create", " socket socketpair " },
        [SYS_HOOK_BIND] = { "socket_bind", " bind " },
        [SYS_HOOK_CONNECT] = { "socket_connect", " connect " },
        [SYS_HOOK_LISTEN] = { "socket_listen", " listen " },
        [SYS_HOOK_ACCEPT] = { "socket_accept", " accept accept4 " },
        [SYS_HOOK_SENDMSG] = { "socket_sendmsg", " sendto sendmsg sendmmsg " },
        [SYS_HOOK_RECVMSG] = { "socket_recvmsg", " recvfrom recvmsg recvmmsg " },
        [SYS_HOOK_EXEC] = { "bprm_check_security", " execve execveat " },
        [SYS_HOOK_FORK] = { "task_alloc", " fork vfork clone clone3 " },
        [SYS_HOOK_KILL] = { "task_kill", " kill tkill tgkill " },
};
_Static_assert(ARRAY_SIZE(hooks) == SYS_HOOK_COUNT, "one row per hook");

const char *errno_hook_name(enum sys_hook hook) {
        return hooks[hook].name;
}

/* Is call one of the blank-separated words? */
static int is_word(const char *words, const char *call) {
        size_t len = strlen(call);

        for (const char *p = words; (p = strstr(p, call)); p++)
                if (p[-1] == ' ' && p[len] == ' ')
                        return 1;
        return 0;
}

int errno_hooks_for(const char *const *calls, size_t n, uint32_t *ret, struct err *e) {
        uint32_t bits = 0;

        for (size_t i = 0; i < n; i++) {
                size_t h = 0;

                while (h < SYS_HOOK_COUNT && !is_word(hooks[h].calls, calls[i]))
                        h++;
                if (h == SYS_HOOK_COUNT)
                        return err_set(e, -EOPNOTSUPP,
                                       "bpf-lsm: the kernel has no security hook for %s (bpf-override "
                                       "reaches every call, where the kernel allows it)",
                                       calls[i]);
                bits |= 1U << h;
        }
        *ret = bits;
        return 0;
}
