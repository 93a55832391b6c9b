// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* sys_lsm — refuses at the kernel's security hooks. Only the programs of the hooks that a fault asks for are loaded. */
#include "bpf/sys_members.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MAY_WRITE 2
#define MAY_READ  4
#define EXEC_OPEN 0x20 /* __FMODE_EXEC: the kernel opens a program for execve, not the process a file */

/* ret: what security modules before us said; a refusal of theirs stands and is not counted as ours.
 * In 64 bits, for a negative int would arrive zero-extended; and compared once more where the compiler cannot see that
 * it is needless: the verifier forgets the range of a number that is negated, and insists on -4095 … 0. */
static __always_inline long refuse(int ret, enum sys_hook hook) {
        long error;

        if (ret)
                return ret;

        error = -(long)sys_decide(hook);
        asm volatile("" : "+r"(error));
        return error < -4095 || error > 0 ? 0 : error;
}

SEC("lsm/file_open")
long BPF_PROG(chaos_file_open, struct file *file, int ret) {
        return file->f_flags & EXEC_OPEN ? ret : refuse(ret, SYS_HOOK_OPEN);
}

SEC("lsm/file_permission")
long BPF_PROG(chaos_file_permission, struct file *file, int mask, int ret) {
        if (mask & MAY_WRITE)
                return refuse(ret, SYS_HOOK_WRITE);
        if (mask & MAY_READ)
                return refuse(ret, SYS_HOOK_READ);
        return ret;
}

SEC("lsm/file_ioctl")
long BPF_PROG(chaos_file_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret) {
        return refuse(ret, SYS_HOOK_IOCTL);
}

SEC("lsm/mmap_file")
long BPF_PROG(chaos_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags,
              int ret) {
        return refuse(ret, SYS_HOOK_MMAP);
}

SEC("lsm/inode_unlink")
long BPF_PROG(chaos_inode_unlink, void *dir, void *dentry, int ret) {
        return refuse(ret, SYS_HOOK_UNLINK);
}

SEC("lsm/inode_mkdir")
long BPF_PROG(chaos_inode_mkdir, void *dir, void *dentry, __u32 mode, int ret) {
        return refuse(ret, SYS_HOOK_MKDIR);
}

SEC("lsm/inode_rmdir")
long BPF_PROG(chaos_inode_rmdir, void *dir, void *dentry, int ret) {
        return refuse(ret, SYS_HOOK_RMDIR);
}

SEC("lsm/inode_rename")
long BPF_PROG(chaos_inode_rename, void *old_dir, void *old_dentry, void *new_dir, void *new_dentry, int ret) {
        return refuse(ret, SYS_HOOK_RENAME);
}

SEC("lsm/inode_link")
long BPF_PROG(chaos_inode_link, void *old_dentry, void *dir, void *new_dentry, int ret) {
        return refuse(ret, SYS_HOOK_LINK);
}

SEC("lsm/inode_symlink")
long BPF_PROG(chaos_inode_symlink, void *dir, void *dentry, const char *old_name, int ret) {
        return refuse(ret, SYS_HOOK_SYMLINK);
}

/* kern: a socket that the kernel makes for itself while the process runs. */
SEC("lsm/socket_create")
long BPF_PROG(chaos_socket_create, int family, int type, int protocol, int kern, int ret) {
        return kern ? ret : refuse(ret, SYS_HOOK_SOCKET);
}

SEC("lsm/socket_bind")
long BPF_PROG(chaos_socket_bind, void *sock, void *address, int addrlen, int ret) {
        return refuse(ret, SYS_HOOK_BIND);
}

SEC("lsm/socket_connect")
long BPF_PROG(chaos_socket_connect, void *sock, void *address, int addrlen, int ret) {
        return refuse(ret, SYS_HOOK_CONNECT);
}

SEC("lsm/socket_listen")
long BPF_PROG(chaos_socket_listen, void *sock, int backlog, int ret) {
        return refuse(ret, SYS_HOOK_LISTEN);
}

SEC("lsm/socket_accept")
long BPF_PROG(chaos_socket_accept, void *sock, void *newsock, int ret) {
        return refuse(ret, SYS_HOOK_ACCEPT);
}

SEC("lsm/socket_sendmsg")
long BPF_PROG(chaos_socket_sendmsg, void *sock, void *msg, int size, int ret) {
        return refuse(ret, SYS_HOOK_SENDMSG);
}

SEC("lsm/socket_recvmsg")
long BPF_PROG(chaos_socket_recvmsg, void *sock, void *msg, int size, int flags, int ret) {
        return refuse(ret, SYS_HOOK_RECVMSG);
}

SEC("lsm/bprm_check_security")
long BPF_PROG(chaos_exec, void *bprm, int ret) {
        return refuse(ret, SYS_HOOK_EXEC);
}

SEC("lsm/task_alloc")
long BPF_PROG(chaos_task_alloc, void *task, unsigned long clone_flags, int ret) {
        return refuse(ret, SYS_HOOK_FORK);
}

SEC("lsm/task_kill")
long BPF_PROG(chaos_task_kill, void *task, void *info, int sig, void *cred, int ret) {
        return refuse(ret, SYS_HOOK_KILL);
}
