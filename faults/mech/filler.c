#include "faults/mech/filler.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/mech/kfile.h"

/* Not in linux/magic.h of Debian 12. */
#define MAGIC_XFS    0x58465342
#define MAGIC_NTFS3  0x7366746e
#define MAGIC_ZFS    0x2fc12fc1
#define MAGIC_EXFAT  0x2011BAB0
#define MAGIC_LUSTRE 0x0BD00BD0

static const char no_disk[] = "it is not a place for files";
static const char shared[] =
        "it is shared over a network or served by a process: space would not come back when we die";

static const struct filesystem {
        unsigned long magic;
        const char *name;
        bool in_memory;
        const char *refusal;
} filesystems[] = {
        { EXT4_SUPER_MAGIC, "ext4", false, NULL },
        { MAGIC_XFS, "xfs", false, NULL },
        { BTRFS_SUPER_MAGIC, "btrfs", false, NULL },
        { TMPFS_MAGIC, "tmpfs", true, NULL },
        { F2FS_SUPER_MAGIC, "f2fs", false, NULL },
        { MAGIC_ZFS, "zfs", false, NULL },
        { MAGIC_EXFAT, "exfat", false, NULL },
        { MSDOS_SUPER_MAGIC, "vfat", false, NULL },
        { MAGIC_NTFS3, "ntfs3", false, NULL },
        { OVERLAYFS_SUPER_MAGIC, "overlay", false, NULL },
        { RAMFS_MAGIC, "ramfs", true, "it has no limit, so it could only take all memory" },
        { NFS_SUPER_MAGIC, "nfs", false, shared },
        { SMB2_SUPER_MAGIC, "smb", false, shared },
        { CIFS_SUPER_MAGIC, "cifs", false, shared },
        { V9FS_MAGIC, "9p", false, shared },
        { FUSE_SUPER_MAGIC, "fuse", false, shared },
        { CEPH_SUPER_MAGIC, "ceph", false, shared },
        { MAGIC_LUSTRE, "lustre", false, shared },
        { PROC_SUPER_MAGIC, "proc", false, no_disk },
        { SYSFS_MAGIC, "sysfs", false, no_disk },
        { CGROUP_SUPER_MAGIC, "cgroup", false, no_disk },
        { CGROUP2_SUPER_MAGIC, "cgroup2", false, no_disk },
        { DEBUGFS_MAGIC, "debugfs", false, no_disk },
        { TRACEFS_MAGIC, "tracefs", false, no_disk },
        { SECURITYFS_MAGIC, "securityfs", false, no_disk },
        { EFIVARFS_MAGIC, "efivarfs", false, no_disk },
        { PSTOREFS_MAGIC, "pstore", false, no_disk },
        { HUGETLBFS_MAGIC, "hugetlbfs", true, no_disk },
        { DEVPTS_SUPER_MAGIC, "devpts", false, no_disk },
        { BPF_FS_MAGIC, "bpf", false, no_disk },
        { SQUASHFS_MAGIC, "squashfs", false, "it cannot be written" },
        { ISOFS_SUPER_MAGIC, "iso9660", false, "it cannot be written" },
};

static const struct filesystem *filesystem_of(unsigned long magic) {
        for (size_t i = 0; i < ARRAY_SIZE(filesystems); i++)
                if (filesystems[i].magic == magic)
                        return &filesystems[i];
        return NULL;
}

int filler_space(int fd, struct filler_space *ret, struct err *e) {
        const struct filesystem *known;
        struct statfs fs;
        struct stat st;
        uint64_t unit;

        if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
                return err_errno(e, "look at the filesystem");

        known = filesystem_of((unsigned long)fs.f_type);
        unit = (uint64_t)(fs.f_frsize > 0 ? fs.f_frsize : fs.f_bsize);
        *ret = (struct filler_space){
                .total = fs.f_blocks * unit,
                .free = fs.f_bfree * unit,
                .available = fs.f_bavail * unit,
                .block_size = unit,
                .device = st.st_dev,
                .type = known ? known->name : "other",
                .in_memory = known && known->in_memory,
                .refusal = known ? known->refusal : NULL,
        };
        if (!ret->refusal && ret->total == 0)
                ret->refusal = no_disk; /* a pseudo filesystem that the table does not know */
        if (!ret->refusal && (fs.f_flags & ST_RDONLY))
                ret->refusal = "it is mounted read-only";
        return 0;
}

int filler_is_same(int path_fd, const char *path, struct err *e) {
        SCOPED_FD int other_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct filler_space here, other;
        int r;

        if (other_fd < 0)
                return err_errno(e, "open '%s'", path);

        r = filler_space(path_fd, &here, e);
        if (r == 0)
                r = filler_space(other_fd, &other, e);
        if (r < 0)
                return r;

        if (here.device == other.device)
                return 1;
        /* overlayfs and btrfs subvolumes have device numbers of their own, but report the space of what is below. */
        return here.total == other.total && here.free == other.free && here.available == other.available &&
               !(here.in_memory && other.in_memory);
}

int filler_memory(uint64_t *ret, struct err *e) {
        SCOPED_FREE char *text = NULL;
        unsigned long long kib;
        const char *line;
        int r;

        r = kfile_read(AT_FDCWD, "/proc/meminfo", &text, e);
        if (r < 0)
                return r;

        line = strstr(text, "MemAvailable:");
        if (!line || sscanf(line, "MemAvailable: %llu", &kib) != 1)
                return err_set(e, -EIO, "no MemAvailable in /proc/meminfo");

        *ret = kib * 1024;
        return 0;
}

static int open_nameless(int path_fd) {
        return openat(path_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
}

/* "Not supported" wears several faces: EISDIR and EINVAL come from kernels and filesystems that ignore the flag. */
static bool is_unsupported(int error) {
        return error == EOPNOTSUPP || error == EISDIR || error == EINVAL || error == ENOENT;
}

int filler_probe(int path_fd, struct err *e) {
        SCOPED_FD int fd = open_nameless(path_fd);

        if (fd >= 0)
                return 1;
        return is_unsupported(errno) ? 0 : err_errno(e, "make a file");
}

int filler_open(int path_fd, const char *name, struct err *e) {
        SCOPED_FD int fd = open_nameless(path_fd);

        if (fd >= 0)
                return TAKE_FD(fd);
        if (!is_unsupported(errno))
                return err_errno(e, "make a file");

        fd = openat(path_fd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return err_errno(e, "create '%s'", name);
        if (unlinkat(path_fd, name, 0) < 0)
                return err_errno(e, "unlink '%s'", name);

        return TAKE_FD(fd);
}

/* Is the filesystem with this number still mounted anywhere? When in doubt, yes. In a chroot whose root is no mount
 * point, mountinfo does not list the filesystem of "/". */
static bool is_mounted(uint64_t device) {
        SCOPED_FREE char *text = NULL;
        struct stat root;
        char numbers[32];

        if (stat("/", &root) < 0 || root.st_dev == device)
                return true;
        if (kfile_read(AT_FDCWD, "/proc/self/mountinfo", &text, NULL) < 0)
                return true;
        (void)snprintf(numbers, sizeof(numbers), " %u:%u ", major(device), minor(device));
        return strstr(text, numbers);
}

int filler_unlink(const char *dir, uint64_t device, const char *name, struct err *e) {
        SCOPED_FD int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st = { 0 };

        if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
                return err_errno(e, "open '%s'", dir);
        if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != device) {
                if (is_mounted(device))
                        return err_set(e, -ESTALE, "'%s' is no longer on device %u:%u, where '%s' may be left", dir,
                                       major(device), minor(device), name);
                return 0;
        }

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : err_errno(e, "look at '%s/%s'", dir, name);
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
                return err_set(e, -EPERM, "'%s/%s' is not a file of ours", dir, name);
        if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
                return err_errno(e, "unlink '%s/%s'", dir, name);
        return 1;
}
