/* target_cgroup.c — a cgroup by path, systemd unit, container or pod, in the v2 hierarchy and in v1's. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/target/procfs.h"
#include "faults/target/resolve.h"

#define DEPTH_MAX 16 /* levels of cgroups that a search goes down */
#define FOUND_MAX 8  /* more than one is an error: these are named in it */

enum hierarchy { HIERARCHY_V2, HIERARCHY_FREEZER, HIERARCHY_CPU, HIERARCHY_SYSTEMD, HIERARCHY_COUNT };

/* Mount options that tell the v1 hierarchies apart. */
static const char *const hierarchy_options[HIERARCHY_COUNT] = {
        [HIERARCHY_FREEZER] = "freezer",
        [HIERARCHY_CPU] = "cpu",
        [HIERARCHY_SYSTEMD] = "name=systemd",
};

struct mounts {
        char at[HIERARCHY_COUNT][PATH_MAX]; /* "" = not mounted */
};

static int read_mounts(struct mounts *ret, struct err *e) {
        struct mntent entry;
        char buf[8192];
        FILE *f = setmntent("/proc/self/mounts", "re");

        if (!f)
                return err_errno(e, "open /proc/self/mounts");

        memset(ret, 0, sizeof(*ret));
        while (getmntent_r(f, &entry, buf, sizeof(buf)))
                for (int h = 0; h < HIERARCHY_COUNT; h++) {
                        bool is_it = h == HIERARCHY_V2 ? strcmp(entry.mnt_type, "cgroup2") == 0
                                                       : strcmp(entry.mnt_type, "cgroup") == 0 &&
                                                                 hasmntopt(&entry, hierarchy_options[h]);

                        if (is_it && !ret->at[h][0])
                                (void)snprintf(ret->at[h], PATH_MAX, "%s", entry.mnt_dir);
                }
        (void)endmntent(f);
        return 0;
}

/* visit(arg, directory, path below the mount) for this cgroup and all below; a cgroup that vanishes is skipped.
 * Takes dirfd over. Stops at the first negative result of visit. */
static int walk(int dirfd, const char *path, int depth, int (*visit)(void *arg, int dirfd, const char *path),
                void *arg) {
        struct dirent *entry;
        DIR *dir = fdopendir(dirfd);
        int r;

        if (!dir) {
                (void)close(dirfd);
                return -ENOMEM;
        }

        r = visit(arg, dirfd, path);
        while (r >= 0 && depth > 0 && (entry = readdir(dir))) {
                char below[PATH_MAX];
                int fd;

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
                        continue;

                fd = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        continue;
                if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >= (int)sizeof(below)) {
                        (void)close(fd);
                        continue;
                }
                r = walk(fd, below, depth - 1, visit, arg);
        }
        (void)closedir(dir);
        return r;
}

struct pid_list {
        pid_t *pids;
        size_t n, room;
};

static int add_pid(struct pid_list *list, pid_t pid) {
        if (list->n == list->room) {
                size_t room = list->room ? list->room * 2 : 64;
                pid_t *more = realloc(list->pids, room * sizeof(*more));

                if (!more)
                        return -ENOMEM;
                list->pids = more;
                list->room = room;
        }
        list->pids[list->n++] = pid;
        return 0;
}

static int visit_procs(void *arg, int dirfd, const char *path) {
        struct pid_list *list = arg;
        int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid, r = 0;
        FILE *f;

        (void)path;
        if (fd < 0)
                return 0;

        f = fdopen(fd, "r");
        if (!f) {
                (void)close(fd);
                return -ENOMEM;
        }
        /* 0 stands for a process outside of our pid namespace: there is no way to name it from here. */
        while (r >= 0 && fscanf(f, "%d", &pid) == 1)
                if (pid > 0)
                        r = add_pid(list, pid);
        (void)fclose(f);
        return r;
}

static int compare_pids(const void *a, const void *b) {
        pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

        return (left > right) - (left < right);
}

int target_cgroup_list(const struct target_cgroup *cg, pid_t **ret, size_t *ret_n) {
        const int fds[] = { cg->v2_fd, cg->freezer_fd, cg->cpu_fd, cg->systemd_fd };
        struct pid_list list = { 0 };
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(fds) && r >= 0; i++) {
                /* A new open file description: reading a directory moves its offset. */
                int fd = fds[i] >= 0 ? openat(fds[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

                if (fd >= 0)
                        r = walk(fd, "", DEPTH_MAX, visit_procs, &list);
        }
        if (r < 0) {
                free(list.pids);
                return r;
        }

        if (list.n > 1)
                qsort(list.pids, list.n, sizeof(*list.pids), compare_pids);
        for (size_t i = 0; i < list.n; i++)
                if (n == 0 || list.pids[n - 1] != list.pids[i])
                        list.pids[n++] = list.pids[i];
        *ret = list.pids;
        *ret_n = n;
        return 0;
}

void target_cgroup_done(struct target_cgroup *cg) {
        free(cg->path);
        scoped_closep(&cg->v2_fd);
        scoped_closep(&cg->freezer_fd);
        scoped_closep(&cg->cpu_fd);
        scoped_closep(&cg->systemd_fd);
}

/* Hold the path in every hierarchy that has it. */
static int open_cgroup(const struct mounts *mounts, const char *path, struct target_cgroup *ret, struct err *e) {
        int fds[HIERARCHY_COUNT], n = 0;
        struct stat st;

        for (int h = 0; h < HIERARCHY_COUNT; h++) {
                char full[PATH_MAX + NAME_MAX];

                fds[h] = -1;
                if (!mounts->at[h][0] ||
                    snprintf(full, sizeof(full), "%s%s", mounts->at[h], path) >= (int)sizeof(full))
                        continue;

                fds[h] = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                n += fds[h] >= 0;
        }
        if (n == 0)
                return err_set(e, -ENOENT, "no cgroup '%.200s'", path);

        *ret = (struct target_cgroup){ .path = strdup(path),
                                       .v2_fd = fds[HIERARCHY_V2],
                                       .freezer_fd = fds[HIERARCHY_FREEZER],
                                       .cpu_fd = fds[HIERARCHY_CPU],
                                       .systemd_fd = fds[HIERARCHY_SYSTEMD] };
        if (ret->v2_fd >= 0 && fstat(ret->v2_fd, &st) == 0)
                ret->id = st.st_ino;
        if (ret->path)
                return 0;

        target_cgroup_done(ret);
        return err_set(e, -ENOMEM, "no memory for a cgroup");
}

/* "/a/b" from "/a/b/", "a/b" and "/sys/fs/cgroup/a/b"; ".." is refused. */
static int normalise_path(const struct mounts *mounts, const char *text, char *buf, size_t size, struct err *e) {
        size_t skip = 0, n = 0;
        const char *p;

        for (int h = 0; h < HIERARCHY_COUNT; h++) {
                size_t len = strlen(mounts->at[h]);

                if (len > skip && strncmp(text, mounts->at[h], len) == 0 && (text[len] == '/' || !text[len]))
                        skip = len;
        }

        for (p = text + skip; *p;) {
                size_t len;

                p += strspn(p, "/");
                len = strcspn(p, "/");
                if (len == 0)
                        break;
                if ((len == 2 && strncmp(p, "..", 2) == 0) || (len == 1 && *p == '.'))
                        return err_set(e, -EINVAL, "'%.200s': '.' and '..' are not allowed in a cgroup path", text);
                if (n + len + 2 > size)
                        return err_set(e, -ENAMETOOLONG, "'%.80s…' is too long a cgroup path", text);
                buf[n++] = '/';
                memcpy(buf + n, p, len);
                n += len;
                p += len;
        }
        if (n == 0)
                buf[n++] = '/';
        buf[n] = 0;
        return 0;
}

struct search {
        const char *wanted;
        bool (*matches)(const char *name, const char *wanted);
        char *paths[FOUND_MAX];
        size_t n;
};

static int visit_search(void *arg, int dirfd, const char *path) {
        struct search *s = arg;
        const char *name = strrchr(path, '/');

        (void)dirfd;
        if (!name || !s->matches(name + 1, s->wanted) || s->n == FOUND_MAX)
                return 0;

        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->paths[i], path) == 0)
                        return 0;
        s->paths[s->n] = strdup(path);
        if (!s->paths[s->n])
                return -ENOMEM;
        s->n++;
        return 0;
}

static bool is_unit(const char *name, const char *wanted) {
        size_t len = strlen(wanted);

        return strncmp(name, wanted, len) == 0 &&
               (name[len] == 0 || (!strchr(wanted, '.') && strcmp(name + len, ".service") == 0));
}

/* "docker-<id>.scope", "cri-containerd-<id>.scope", plain "<id>": the id is at least 12 hex digits to its end. */
static bool is_container(const char *name, const char *wanted) {
        static const char *const prefixes[] = { "docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-", "" };
        size_t len = strcspn(name, ".");

        if (name[len] && strcmp(name + len, ".scope") != 0)
                return false;

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
                size_t skip = strlen(prefixes[i]), digits = 0;

                if (strncmp(name, prefixes[i], skip) != 0)
                        continue;
                while (skip + digits < len && isxdigit((unsigned char)name[skip + digits]))
                        digits++;
                if (digits >= 12 && skip + digits == len && strncasecmp(name + skip, wanted, strlen(wanted)) == 0)
                        return true;
        }
        return false;
}

/* "kubepods-burstable-pod1b2c_….slice" (systemd driver) and "pod1b2c-…" (cgroupfs driver). */
static bool is_pod(const char *name, const char *wanted) {
        const char *uid = strstr(name, "pod");

        while (uid && strncmp(uid, "pods", 4) == 0)
                uid = strstr(uid + 4, "pod");
        if (!uid)
                return false;

        uid += 3;
        for (; *wanted; wanted++, uid++)
                if (*uid != *wanted && !(*uid == '_' && *wanted == '-'))
                        return false;
        return *uid == 0 || strcmp(uid, ".slice") == 0;
}

static int check_container(const char *id, struct err *e) {
        size_t len = strlen(id);

        if (len < 6 || len > 64 || strspn(id, "0123456789abcdefABCDEF") != len)
                return err_set(e, -EINVAL, "'%.80s' is not a container id: write at least 6 of its hex digits", id);
        return 0;
}

static int check_name(const char *name, struct err *e) {
        if (!name[0] || strchr(name, '/') || strlen(name) > NAME_MAX)
                return err_set(e, -EINVAL, "'%.80s' is not a name", name);
        return 0;
}

static int search_path(const struct mounts *mounts, struct search *s, const char *what, char *buf, size_t size,
                       struct err *e) {
        int r = 0;

        for (int h = 0; h < HIERARCHY_COUNT && r >= 0; h++) {
                int fd = mounts->at[h][0] ? open(mounts->at[h], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

                if (fd >= 0)
                        r = walk(fd, "", DEPTH_MAX, visit_search, s);
        }
        if (r < 0)
                r = err_set(e, r, "search the cgroups of %s '%.80s'", what, s->wanted);
        else if (s->n == 0)
                r = err_set(e, -ENOENT, "no cgroup of a %s '%.80s' on this node", what, s->wanted);
        else if (s->n > 1)
                r = err_set(e, -EINVAL, "%s '%.80s' is not one cgroup: '%.100s' and '%.100s'", what, s->wanted,
                            s->paths[0], s->paths[1]);
        else
                (void)snprintf(buf, size, "%s", s->paths[0]);
        for (size_t i = 0; i < s->n; i++)
                free(s->paths[i]);
        return r;
}

static int check_policy(const struct target_cgroup *cg, const struct target_policy *policy, struct err *e) {
        SCOPED_FREE pid_t *pids = NULL;
        size_t n = 0;
        int r;

        if (policy->break_glass)
                return 0;
        if (strcmp(cg->path, "/") == 0)
                return err_set(e, -EPERM, "cgroup '/' is protected: it holds the whole node");

        r = target_cgroup_list(cg, &pids, &n);
        if (r < 0)
                return err_set(e, r, "list the processes of cgroup '%.200s'", cg->path);

        for (size_t i = 0; i < n; i++) {
                char buf[96];
                const char *rule = target_protect_rule(pids[i], policy, buf, sizeof(buf));

                if (rule)
                        return err_set(e, -EPERM, "cgroup '%.200s' is protected: process %d is in it, and %s", cg->path,
                                       (int)pids[i], rule);
        }
        return 0;
}

/* One row for each selector that names a cgroup. */
static const struct {
        const char *key;
        size_t offset;
        int (*check)(const char *text, struct err *e);
        bool (*matches)(const char *name, const char *wanted); /* NULL = the text is the path */
} cgroup_selectors[] = {
        { "cgroup", offsetof(struct target_spec, cgroup), NULL, NULL },
        { "unit", offsetof(struct target_spec, unit), check_name, is_unit },
        { "container", offsetof(struct target_spec, container), check_container, is_container },
        { "pod", offsetof(struct target_spec, pod), check_name, is_pod },
};

static int resolve_one(const struct mounts *mounts, size_t i, const char *text, const struct target_policy *policy,
                       struct target_cgroup *ret, struct err *e) {
        struct target_cgroup cg;
        char path[PATH_MAX];
        int r;

        if (cgroup_selectors[i].matches) {
                struct search s = { .wanted = text, .matches = cgroup_selectors[i].matches };

                r = cgroup_selectors[i].check(text, e);
                if (r == 0)
                        r = search_path(mounts, &s, cgroup_selectors[i].key, path, sizeof(path), e);
        } else {
                r = normalise_path(mounts, text, path, sizeof(path), e);
        }
        if (r < 0)
                return r;

        r = open_cgroup(mounts, path, &cg, e);
        if (r < 0)
                return r;

        r = check_policy(&cg, policy, e);
        if (r < 0)
                target_cgroup_done(&cg);
        else
                *ret = cg;
        return r;
}

int target_cgroup_resolve(const struct target_spec *spec, const struct target_policy *policy, struct target *t,
                          struct err *e) {
        SCOPED_FREE struct mounts *mounts = malloc(sizeof(*mounts));
        int r;

        t->cgroups = calloc(1, sizeof(*t->cgroups));
        if (!mounts || !t->cgroups)
                return err_set(e, -ENOMEM, "no memory for cgroups");

        r = read_mounts(mounts, e);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ARRAY_SIZE(cgroup_selectors); i++) {
                const char *text = *(char *const *)((const char *)spec + cgroup_selectors[i].offset);

                if (!text)
                        continue;
                r = t->n_cgroups ? err_set(e, -EINVAL, "give one of cgroup, unit, container and pod")
                                 : resolve_one(mounts, i, text, policy, &t->cgroups[0], e);
                if (r < 0) {
                        (void)err_at(e, cgroup_selectors[i].key);
                        return r;
                }
                t->n_cgroups++;
        }
        return 0;
}
