#include "faults/target/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/scoped.h"

#define KERNEL_THREAD 0x00200000U /* PF_KTHREAD, field 9 of stat */

static int path_of(pid_t pid, const char *file, char *buf, size_t size) {
        (void)snprintf(buf, size, "/proc/%d/%s", pid, file);
        return 0;
}

static int no_process(int code) {
        return code == -ENOENT ? -ESRCH : code;
}

/* At most size - 1 bytes of a file, NUL-terminated; the count, or -errno. */
static ssize_t read_some(pid_t pid, const char *file, char *buf, size_t size) {
        SCOPED_FD int fd = -1;
        char path[64];
        size_t n = 0;

        (void)path_of(pid, file, path, sizeof(path));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return no_process(-errno);

        while (n < size - 1) {
                ssize_t got = read(fd, buf + n, size - 1 - n);

                if (got < 0)
                        return no_process(-errno);
                if (got == 0)
                        break;
                n += (size_t)got;
        }
        buf[n] = 0;
        return (ssize_t)n;
}

int procfs_read_stat(pid_t pid, struct procfs_stat *ret) {
        struct procfs_stat s = { 0 };
        unsigned flags;
        char buf[1024], *open_paren, *close_paren;
        ssize_t n = read_some(pid, "stat", buf, sizeof(buf));

        if (n < 0)
                return (int)n;

        /* comm may itself hold blanks and parentheses: it ends at the last one. */
        open_paren = strchr(buf, '(');
        close_paren = strrchr(buf, ')');
        if (!open_paren || !close_paren || close_paren < open_paren)
                return -EBADMSG;

        *close_paren = 0;
        (void)snprintf(s.comm, sizeof(s.comm), "%s", open_paren + 1);
        if (sscanf(close_paren + 1,
                   " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64, &s.state,
                   &s.ppid, &flags, &s.start_time) != 4)
                return -EBADMSG;

        s.kernel_thread = flags & KERNEL_THREAD;
        *ret = s;
        return 0;
}

int procfs_read_exe(pid_t pid, char **ret) {
        static const char deleted[] = " (deleted)";
        char path[64], exe[PATH_MAX];
        ssize_t n;

        (void)path_of(pid, "exe", path, sizeof(path));
        n = readlink(path, exe, sizeof(exe) - 1);
        if (n < 0)
                return no_process(-errno);

        exe[n] = 0;
        if ((size_t)n > strlen(deleted) && strcmp(exe + n - strlen(deleted), deleted) == 0)
                exe[(size_t)n - strlen(deleted)] = 0;
        *ret = strdup(exe);
        return *ret ? 0 : -ENOMEM;
}

int procfs_read_cmdline(pid_t pid, char *buf, size_t size) {
        ssize_t n = read_some(pid, "cmdline", buf, size);

        if (n < 0)
                return (int)n;

        /* Programs that retitle themselves (nginx) leave NULs behind the title. */
        while (n > 0 && buf[n - 1] == 0)
                n--;
        for (ssize_t i = 0; i < n; i++)
                if (buf[i] == 0)
                        buf[i] = ' ';
        return 0;
}

int procfs_read_uid(pid_t pid, uid_t *ret) {
        char buf[4096];
        const char *line;
        ssize_t n = read_some(pid, "status", buf, sizeof(buf));

        if (n < 0)
                return (int)n;

        line = strstr(buf, "\nUid:");
        return line && sscanf(line, " Uid: %*u %u", ret) == 1 ? 0 : -EBADMSG;
}

int procfs_read_netns(pid_t pid, uint64_t *ret_inode) {
        struct stat st;
        char path[64];

        (void)path_of(pid, "ns/net", path, sizeof(path));
        if (stat(path, &st) < 0)
                return no_process(-errno);

        *ret_inode = st.st_ino;
        return 0;
}

static int compare_pids(const void *a, const void *b) {
        pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

        return (left > right) - (left < right);
}

int procfs_list(pid_t **ret, size_t *ret_n) {
        SCOPED_FREE pid_t *pids = NULL;
        size_t n = 0, room = 0;
        struct dirent *entry;
        DIR *dir = opendir("/proc");

        if (!dir)
                return -errno;

        while ((entry = readdir(dir))) {
                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;

                if (n == room) {
                        pid_t *more = realloc(pids, (room ? room * 2 : 256) * sizeof(*pids));

                        if (!more) {
                                (void)closedir(dir);
                                return -ENOMEM;
                        }
                        pids = more;
                        room = room ? room * 2 : 256;
                }
                pids[n++] = atoi(entry->d_name);
        }
        (void)closedir(dir);
        if (n > 1)
                qsort(pids, n, sizeof(*pids), compare_pids);
        *ret = TAKE_PTR(pids);
        *ret_n = n;
        return 0;
}

/* Does any descriptor of the process lead to this socket? */
static bool has_socket(pid_t pid, uint64_t inode) {
        char path[64], want[40], link[64];
        struct dirent *entry;
        bool found = false;
        DIR *dir;

        (void)snprintf(want, sizeof(want), "socket:[%" PRIu64 "]", inode);
        (void)path_of(pid, "fd", path, sizeof(path));
        dir = opendir(path);
        if (!dir)
                return false;

        while (!found && (entry = readdir(dir))) {
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

                if (n < 0)
                        continue;
                link[n] = 0;
                found = strcmp(link, want) == 0;
        }
        (void)closedir(dir);
        return found;
}

static int listens_in(pid_t pid, const char *table, uint16_t port) {
        char path[64], line[512];
        int found = 0;
        FILE *f;

        (void)path_of(pid, table, path, sizeof(path));
        f = fopen(path, "re");
        if (!f)
                return 0;

        while (!found && fgets(line, sizeof(line), f)) {
                unsigned local, state;
                uint64_t inode;

                /* "0: 0100007F:1F90 00000000:0000 0A tx:rx tr:when retr uid timeout inode"; 0A is LISTEN. */
                if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %" SCNu64, &local,
                           &state, &inode) != 3)
                        continue;
                if (state == 0x0A && local == port)
                        found = has_socket(pid, inode);
        }
        (void)fclose(f);
        return found;
}

int procfs_listens(pid_t pid, uint16_t port) {
        return listens_in(pid, "net/tcp", port) || listens_in(pid, "net/tcp6", port);
}

int pidfd_is_alive(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}
