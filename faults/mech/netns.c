#include "faults/mech/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"

#define STACK_BYTES (256 * 1024)

struct visit {
        int netns_fd; /* -1 = a new namespace */
        int (*run)(void *arg, struct err *e);
        void *arg;
        struct err *e;
        int result;
};

static int visit_run(struct visit *v) {
        if (v->netns_fd < 0 ? unshare(CLONE_NEWNET) < 0 : setns(v->netns_fd, CLONE_NEWNET) < 0)
                return err_errno(v->e, "%s network namespace", v->netns_fd < 0 ? "create a" : "enter the");

        return v->run(v->arg, v->e);
}

static void *visit_main(void *arg) {
        struct visit *v = arg;

        v->result = visit_run(v);
        return NULL;
}

static int visit(struct visit *v) {
        pthread_attr_t attr;
        pthread_t thread;
        int r;

        r = pthread_attr_init(&attr);
        if (r == 0) {
                (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
                r = pthread_create(&thread, &attr, visit_main, v);
                (void)pthread_attr_destroy(&attr);
        }
        if (r != 0)
                return err_set(v->e, -r, "thread for a network namespace: %s", strerror(r));

        (void)pthread_join(thread, NULL);
        return v->result;
}

int netns_run(int netns_fd, int (*run)(void *arg, struct err *e), void *arg, struct err *e) {
        struct visit v = { .netns_fd = netns_fd, .run = run, .arg = arg, .e = e };

        return netns_fd < 0 ? run(arg, e) : visit(&v);
}

static int open_own(void *arg, struct err *e) {
        int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return err_errno(e, "open /proc/thread-self/ns/net");

        *(int *)arg = fd;
        return 0;
}

int netns_scratch(int *ret_fd, struct err *e) {
        struct visit v = { .netns_fd = -1, .run = open_own, .arg = ret_fd, .e = e };

        return visit(&v);
}

int netns_inode(int netns_fd, uint64_t *ret, struct err *e) {
        struct stat st;

        if (netns_fd < 0 ? stat("/proc/thread-self/ns/net", &st) < 0 : fstat(netns_fd, &st) < 0)
                return err_errno(e, "stat the network namespace");

        *ret = st.st_ino;
        return 0;
}

bool netns_is_host(uint64_t inode) {
        struct stat st;

        return (stat("/proc/1/ns/net", &st) == 0 && st.st_ino == inode) ||
               (stat("/proc/thread-self/ns/net", &st) == 0 && st.st_ino == inode);
}

/* Opens path if it is a namespace; inode 0 = any. */
static int open_if(const char *path, uint64_t inode) {
        SCOPED_FD int fd = -1;
        struct statfs fs;
        struct stat st;

        /* stat() first: opening a stranger in /run/netns might block or have effects. */
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || (inode && st.st_ino != inode))
                return -1;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0 || (inode && st.st_ino != inode))
                return -1;
        /* What `ip netns del` could not remove is an ordinary file. */
        if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
                return -1;
        return TAKE_FD(fd);
}

struct seen {
        uint64_t *inodes;
        size_t n;
};

/* 1 = new, 0 = known. */
static int seen_add(struct seen *s, uint64_t inode) {
        uint64_t *bigger;

        for (size_t i = 0; i < s->n; i++)
                if (s->inodes[i] == inode)
                        return 0;

        bigger = reallocarray(s->inodes, s->n + 1, sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;

        s->inodes = bigger;
        s->inodes[s->n++] = inode;
        return 1;
}

typedef int (*seen_fn)(void *arg, int fd, const char *path, struct err *e);

static int visit_path(struct seen *s, const char *path, seen_fn seen, void *arg, struct err *e) {
        SCOPED_FD int fd = -1;
        struct stat st;
        int r;

        if (stat(path, &st) < 0)
                return 0;

        r = seen_add(s, st.st_ino);
        if (r <= 0)
                return r;

        fd = open_if(path, st.st_ino);
        return fd < 0 ? 0 : seen(arg, fd, path, e);
}

static int visit_dir(struct seen *s, const char *dir, const char *suffix, seen_fn seen, void *arg, struct err *e) {
        DIR *d = opendir(dir);
        int r = 0;

        if (!d)
                return 0;

        for (struct dirent *entry; r >= 0 && (entry = readdir(d));) {
                char path[NETNS_PATH_SIZE];

                /* In /proc only processes: "self" would lead every reader elsewhere. */
                if (entry->d_name[0] == '.' || (suffix[0] && (entry->d_name[0] < '0' || entry->d_name[0] > '9')))
                        continue;

                (void)snprintf(path, sizeof(path), "%s/%s%s", dir, entry->d_name, suffix);
                r = visit_path(s, path, seen, arg, e);
        }
        (void)closedir(d);
        return r;
}

int netns_each(seen_fn seen, void *arg, struct err *e) {
        /* Names first: they are what people know a namespace by. */
        static const struct {
                const char *dir, *suffix;
        } places[] = { { "/run/netns", "" }, { "/run/docker/netns", "" }, { "/proc", "/ns/net" } };
        struct seen s = { 0 };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(places); i++)
                r = visit_dir(&s, places[i].dir, places[i].suffix, seen, arg, e);
        free(s.inodes);
        return r < 0 ? r : 0;
}

struct wanted {
        uint64_t inode;
        char path[NETNS_PATH_SIZE];
        int fd;
};

#define FOUND (-ECANCELED) /* ends netns_each() early; never leaves this file */

static int match(void *arg, int fd, const char *path, struct err *e) {
        struct wanted *w = arg;
        uint64_t inode;

        if (netns_inode(fd, &inode, e) < 0 || inode != w->inode)
                return 0;

        w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        (void)snprintf(w->path, sizeof(w->path), "%s", path);
        return w->fd < 0 ? err_errno(e, "duplicate a descriptor") : FOUND;
}

static int search(struct wanted *w, struct err *e) {
        int r = netns_each(match, w, e);

        if (r == FOUND)
                return 0;
        return r < 0 ? r : err_set(e, -ENOENT, "no network namespace has inode %llu", (unsigned long long)w->inode);
}

int netns_path(uint64_t inode, char *ret, unsigned size, struct err *e) {
        struct wanted w = { .inode = inode, .fd = -1 };
        int r = search(&w, e);

        if (r < 0)
                return r;

        (void)close(w.fd);
        (void)snprintf(ret, size, "%s", w.path);
        return 0;
}

int netns_find(uint64_t inode, const char *hint, int *ret_fd, struct err *e) {
        struct wanted w = { .inode = inode, .fd = -1 };
        int fd, r;

        fd = hint && *hint ? open_if(hint, inode) : -1;
        if (fd >= 0) {
                *ret_fd = fd;
                return 0;
        }

        r = search(&w, e);
        if (r < 0)
                return r;

        *ret_fd = w.fd;
        return 0;
}
