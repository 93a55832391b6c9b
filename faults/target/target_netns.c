/* target_netns.c — a network namespace by name, path or process, and an interface in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/scoped.h"
#include "core/suggest.h"
#include "core/units.h"
#include "faults/target/procfs.h"
#include "faults/target/resolve.h"

#define NETNS_DIR  "/run/netns"
#define WORDS_MAX  64

/* Opened through the pid while a pidfd proves that the pid was not reused meanwhile. */
static int open_of_pid(const char *text, struct err *e) {
        SCOPED_FD int pidfd = -1, fd = -1;
        uint64_t pid;
        char path[64];

        if (units_parse_uint(text, &pid, NULL) < 0 || pid == 0 || pid > INT32_MAX)
                return err_set(e, -EINVAL, "'pid:%.40s' is not a process id", text);

        pidfd = pidfd_open((pid_t)pid, 0);
        if (pidfd < 0)
                return err_set(e, -ESRCH, "no process %d whose network namespace could be used", (int)pid);

        (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return err_errno(e, "open %s", path);
        if (!pidfd_is_alive(pidfd))
                return err_set(e, -ESRCH, "process %d ended while it was being resolved", (int)pid);
        return TAKE_FD(fd);
}

/* "no network namespace 'shop-frnt'; nearest: 'shop-front'" */
static int no_netns(const char *name, struct err *e) {
        const char *words[WORDS_MAX], *near;
        struct dirent *entry;
        size_t n = 0;
        DIR *dir = opendir(NETNS_DIR);
        int r;

        /* Entries stay valid only until the next readdir(): copies are needed. */
        while (dir && n < WORDS_MAX && (entry = readdir(dir)))
                if (entry->d_name[0] != '.' && (words[n] = strdup(entry->d_name)))
                        n++;
        if (dir)
                (void)closedir(dir);

        near = suggest_word(name, words, n);
        if (near)
                r = err_set(e, -ENOENT, "no network namespace '%.80s' in %s; nearest: '%.80s'", name, NETNS_DIR, near);
        else
                r = err_set(e, -ENOENT, "no network namespace '%.80s' in %s (%zu there)", name, NETNS_DIR, n);
        for (size_t i = 0; i < n; i++)
                free((char *)words[i]);
        return r;
}

static int open_named(const char *name, struct err *e) {
        char path[512];
        int fd;

        if (name[0] == '/')
                (void)snprintf(path, sizeof(path), "%s", name);
        else if (!name[0] || strchr(name, '/') || strlen(name) > NAME_MAX)
                return err_set(e, -EINVAL, "'%.80s': write a name in %s, an absolute path, or pid:N", name, NETNS_DIR);
        else
                (void)snprintf(path, sizeof(path), "%s/%s", NETNS_DIR, name);
        if (strlen(name) >= sizeof(path) - sizeof(NETNS_DIR) - 1)
                return err_set(e, -ENAMETOOLONG, "'%.80s…' is too long a path", name);

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0)
                return fd;
        return errno == ENOENT && name[0] != '/' ? no_netns(name, e) : err_errno(e, "open network namespace %s", path);
}

int target_netns_resolve(const char *name, struct target *t, struct err *e) {
        SCOPED_FD int fd = strncmp(name, "pid:", 4) == 0 ? open_of_pid(name + 4, e) : open_named(name, e);
        struct stat st;

        if (fd < 0)
                return fd;

        if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
                return err_set(e, -EINVAL, "'%.80s' is not a network namespace", name);
        if (fstat(fd, &st) < 0)
                return err_errno(e, "stat network namespace %.80s", name);

        t->netns_inode = st.st_ino;
        t->netns_fd = TAKE_FD(fd);
        return 0;
}

/* In the network namespace that the caller is in now. */
static int find_interface(const char *name, unsigned *ret, struct err *e) {
        const char *words[WORDS_MAX], *near;
        struct if_nameindex *list;
        unsigned index = if_nametoindex(name);
        size_t n = 0;
        int r;

        if (index) {
                *ret = index;
                return 0;
        }
        if (errno != ENODEV && errno != ENXIO)
                return err_errno(e, "look up interface '%.40s'", name);

        list = if_nameindex();
        for (struct if_nameindex *i = list; i && i->if_name && n < WORDS_MAX; i++)
                words[n++] = i->if_name;
        near = suggest_word(name, words, n);
        if (near)
                r = err_set(e, -ENODEV, "no interface '%.40s' here; nearest: '%s'", name, near);
        else
                r = err_set(e, -ENODEV, "no interface '%.40s' here; first of %zu: '%s'", name, n, n ? words[0] : "");
        if (list)
                if_freenameindex(list);
        return r;
}

int target_interface_resolve(const char *name, struct target *t, struct err *e) {
        SCOPED_FD int home = -1;
        unsigned index = 0;
        int r;

        if (!name[0] || strlen(name) >= IFNAMSIZ || strchr(name, '/'))
                return err_set(e, -EINVAL, "'%.40s' is not an interface name", name);

        if (t->netns_fd >= 0) {
                home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
                if (home < 0)
                        return err_errno(e, "open own network namespace");
                if (setns(t->netns_fd, CLONE_NEWNET) < 0)
                        return err_errno(e, "enter network namespace");
        }
        r = find_interface(name, &index, e);
        if (home >= 0 && setns(home, CLONE_NEWNET) < 0)
                return err_errno(e, "come back from network namespace");
        if (r < 0)
                return r;

        t->ifindex = index;
        (void)snprintf(t->ifname, sizeof(t->ifname), "%s", name);
        return 0;
}
