#include "faults/mech/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/mech/kfile.h"
#include "faults/target/target.h"

#define DEPTH_MAX 64 /* how far up limits are looked for */

/* The controller's name in /proc/PID/cgroup and in the mount options; version 2 has none. */
static const char *const controllers[CGROUP_HIERARCHIES] = {
        [CGROUP_UNIFIED] = "",      [CGROUP_CPU] = "cpu",       [CGROUP_CPUACCT] = "cpuacct",
        [CGROUP_CPUSET] = "cpuset", [CGROUP_MEMORY] = "memory",
};

/* Where a hierarchy is mounted, and which of its directories that mount shows as its root. */
struct mount_point {
        char dir[PATH_MAX];
        char root[PATH_MAX];
};

void cgroup_done(struct cgroup *c) {
        for (int h = 0; h < CGROUP_HIERARCHIES; h++)
                scoped_closep(&c->fds[h]);
        *c = CGROUP_NONE;
}

/* Is word one of the comma-separated words of list? */
static bool has_word(const char *list, const char *word) {
        size_t len = strlen(word);

        for (const char *p = list; *p; p += strcspn(p, ",")) {
                p += *p == ',';
                if (strncmp(p, word, len) == 0 && (p[len] == ',' || p[len] == '\0'))
                        return true;
        }
        return false;
}

/* One line of /proc/self/mountinfo: "id parent dev root dir options … - type source superoptions". */
static bool parse_mount(const char *line, enum cgroup_hierarchy h, struct mount_point *ret) {
        const char *tail = strstr(line, " - ");
        char type[32], options[512];

        if (!tail || sscanf(tail, " - %31s %*s %511s", type, options) != 2)
                return false;
        if (h == CGROUP_UNIFIED ? strcmp(type, "cgroup2") != 0
                                : strcmp(type, "cgroup") != 0 || !has_word(options, controllers[h]))
                return false;
        return sscanf(line, "%*s %*s %*s %4095s %4095s", ret->root, ret->dir) == 2;
}

static bool find_mount(char *mountinfo, enum cgroup_hierarchy h, struct mount_point *ret) {
        for (char *line = mountinfo; line && *line;) {
                char *end = strchr(line, '\n');
                bool found;

                if (end)
                        *end = '\0';
                found = parse_mount(line, h, ret);
                if (end)
                        *end = '\n';
                if (found)
                        return true;
                line = end ? end + 1 : NULL;
        }
        return false;
}

/* The directory of path in a hierarchy, or -1. */
static int open_in(char *mountinfo, enum cgroup_hierarchy h, const char *path) {
        SCOPED_FREE struct mount_point *m = malloc(sizeof(*m));
        SCOPED_FREE char *full = NULL;
        size_t root_len;

        if (!m || !find_mount(mountinfo, h, m))
                return -1;

        /* A mount inside a container shows a part of the tree: paths start above it. */
        root_len = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);
        if (strncmp(path, m->root, root_len) == 0 && (path[root_len] == '/' || path[root_len] == '\0'))
                path += root_len;
        if (asprintf(&full, "%s/%s", m->dir, path) < 0) {
                full = NULL;
                return -1;
        }
        return open(full, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int check_any(const struct cgroup *c, const char *what, struct err *e) {
        for (int h = 0; h < CGROUP_HIERARCHIES; h++)
                if (c->fds[h] >= 0)
                        return 0;
        return err_set(e, -ENOENT, "%s is in no control group hierarchy of this host", what);
}

/* "4:cpu,cpuacct:/path" or "0::/path": does the line speak of the hierarchy? Returns the path, or NULL. */
static const char *path_in_line(char *line, enum cgroup_hierarchy h) {
        char *names = strchr(line, ':'), *path;
        bool match;

        if (!names)
                return NULL;
        path = strchr(++names, ':');
        if (!path)
                return NULL;

        *path = '\0';
        match = h == CGROUP_UNIFIED ? names == path : has_word(names, controllers[h]);
        *path = ':';
        return match ? path + 1 : NULL;
}

static void open_lines(char *mountinfo, char *lines, struct cgroup *c) {
        char *save = NULL;

        for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                for (int h = 0; h < CGROUP_HIERARCHIES; h++) {
                        const char *path = path_in_line(line, h);

                        if (!path)
                                continue;
                        c->fds[h] = open_in(mountinfo, h, path);
                        if (c->fds[h] >= 0 && strlen(path) > strlen(c->path) && strlen(path) < sizeof(c->path))
                                (void)snprintf(c->path, sizeof(c->path), "%.255s", path);
                }
}

int cgroup_open_process(const struct target_proc *proc, struct cgroup *ret, struct err *e) {
        SCOPED_FREE char *mountinfo = NULL, *lines = NULL;
        SCOPED_CGROUP struct cgroup c = CGROUP_NONE;
        char name[64];
        int r;

        r = kfile_read(AT_FDCWD, "/proc/self/mountinfo", &mountinfo, e);
        if (r < 0)
                return r;

        (void)snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)proc->pid);
        r = kfile_read(AT_FDCWD, name, &lines, e);
        if (r < 0)
                return err_wrap(e, r == -ENOENT ? -ESRCH : r, "process %d", (int)proc->pid);
        /* Read before asking: had it died, the number might be somebody else's now. */
        if (syscall(SYS_pidfd_send_signal, proc->pidfd, 0, NULL, 0) < 0)
                return err_errno(e, "process %d", (int)proc->pid);

        (void)snprintf(c.path, sizeof(c.path), "/");
        open_lines(mountinfo, lines, &c);
        (void)snprintf(name, sizeof(name), "process %d", (int)proc->pid);
        r = check_any(&c, name, e);
        if (r < 0)
                return r;

        *ret = c;
        c = CGROUP_NONE;
        return 0;
}

int cgroup_open(const struct target_cgroup *group, struct cgroup *ret, struct err *e) {
        SCOPED_CGROUP struct cgroup c = CGROUP_NONE;
        SCOPED_FREE char *mountinfo = NULL;
        int r;

        r = kfile_read(AT_FDCWD, "/proc/self/mountinfo", &mountinfo, e);
        if (r < 0)
                return r;

        (void)snprintf(c.path, sizeof(c.path), "%s", group->path);
        for (int h = 0; h < CGROUP_HIERARCHIES; h++)
                if (h != CGROUP_UNIFIED)
                        c.fds[h] = open_in(mountinfo, h, group->path);
        if (group->v2_fd >= 0)
                c.fds[CGROUP_UNIFIED] = fcntl(group->v2_fd, F_DUPFD_CLOEXEC, 3);
        r = check_any(&c, group->path, e);
        if (r < 0)
                return r;

        *ret = c;
        c = CGROUP_NONE;
        return 0;
}

bool cgroup_is_same(const struct cgroup *a, const struct cgroup *b) {
        for (int h = 0; h < CGROUP_HIERARCHIES; h++) {
                struct stat left, right;

                if (a->fds[h] < 0 && b->fds[h] < 0)
                        continue;
                if (a->fds[h] < 0 || b->fds[h] < 0 || fstat(a->fds[h], &left) < 0 || fstat(b->fds[h], &right) < 0 ||
                    left.st_dev != right.st_dev || left.st_ino != right.st_ino)
                        return false;
        }
        return true;
}

int cgroup_check_leaf(const struct cgroup *c, struct err *e) {
        SCOPED_FREE char *handed_on = NULL, *type = NULL;
        int fd = c->fds[CGROUP_UNIFIED], r;

        if (fd < 0 || kfile_read(fd, "cgroup.type", &type, NULL) < 0)
                return 0; /* version 1, or the root of version 2: both may hold processes */
        if (strcmp(type, "domain") != 0)
                return err_set(e, -EBUSY, "cgroup %s is of type '%s' and takes no process", c->path, type);

        r = kfile_read(fd, "cgroup.subtree_control", &handed_on, e);
        if (r < 0)
                return r;
        if (handed_on[0])
                return err_set(e, -EBUSY,
                               "cgroup %s hands '%s' on to its children and so takes no process; name a leaf", c->path,
                               handed_on);
        return 0;
}

int cgroup_move(const struct cgroup *c, pid_t pid, struct err *e) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d", (int)pid);
        for (int h = 0; h < CGROUP_HIERARCHIES; h++) {
                int r;

                if (c->fds[h] < 0)
                        continue;
                r = kfile_write(c->fds[h], "cgroup.procs", text, e);
                if (r < 0)
                        return err_wrap(e, r, "move %d into the %s cgroup %s", (int)pid,
                                        h == CGROUP_UNIFIED ? "unified" : controllers[h], c->path);
        }
        return 0;
}

int cgroup_cpu_usage_us(const struct cgroup *c, uint64_t *ret, struct err *e) {
        SCOPED_FREE char *text = NULL;
        unsigned long long usage;
        int r;

        if (c->fds[CGROUP_UNIFIED] >= 0 && kfile_read(c->fds[CGROUP_UNIFIED], "cpu.stat", &text, NULL) == 0 &&
            sscanf(text, "usage_usec %llu", &usage) == 1) {
                *ret = usage;
                return 0;
        }
        if (c->fds[CGROUP_CPUACCT] < 0)
                return err_set(e, -EOPNOTSUPP, "no hierarchy counts the CPU time of cgroup %s", c->path);

        free(TAKE_PTR(text));
        r = kfile_read(c->fds[CGROUP_CPUACCT], "cpuacct.usage", &text, e);
        if (r < 0)
                return r;
        if (sscanf(text, "%llu", &usage) != 1)
                return err_set(e, -EIO, "cpuacct.usage of %s says '%.40s'", c->path, text);

        *ret = usage / 1000;
        return 0;
}

/* The limit that one directory sets: 1 and *ret, or 0. */
static int quota_here(int fd, bool unified, uint64_t *ret_ppm) {
        SCOPED_FREE char *quota = NULL, *period = NULL;
        long long q = 0, p = 0;

        if (unified) {
                if (kfile_read(fd, "cpu.max", &quota, NULL) < 0 || sscanf(quota, "%lld %lld", &q, &p) != 2)
                        return 0; /* "max 100000" is no limit */
        } else {
                if (kfile_read(fd, "cpu.cfs_quota_us", &quota, NULL) < 0 ||
                    kfile_read(fd, "cpu.cfs_period_us", &period, NULL) < 0 || sscanf(quota, "%lld", &q) != 1 ||
                    sscanf(period, "%lld", &p) != 1)
                        return 0;
        }
        if (q <= 0 || p <= 0)
                return 0;

        *ret_ppm = (uint64_t)q * 1000000U / (uint64_t)p;
        return 1;
}

static int quota_upwards(int fd, bool unified, uint64_t *ret_ppm) {
        SCOPED_FD int dir = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        uint64_t lowest = UINT64_MAX;

        for (int depth = 0; dir >= 0 && depth < DEPTH_MAX; depth++) {
                uint64_t ppm = 0;
                int up;

                if (faccessat(dir, "cgroup.procs", F_OK, 0) < 0)
                        break; /* above the mount */
                if (quota_here(dir, unified, &ppm) == 1 && ppm < lowest)
                        lowest = ppm;

                up = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                (void)close(dir);
                dir = up;
        }
        if (lowest == UINT64_MAX)
                return 0;

        *ret_ppm = lowest;
        return 1;
}

int cgroup_cpu_quota(const struct cgroup *c, uint64_t *ret_ppm, struct err *e) {
        static const enum cgroup_hierarchy both[] = { CGROUP_UNIFIED, CGROUP_CPU };
        int found = 0;

        (void)e;
        for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
                uint64_t ppm;

                if (c->fds[both[i]] < 0 || !quota_upwards(c->fds[both[i]], both[i] == CGROUP_UNIFIED, &ppm))
                        continue;
                if (!found || ppm < *ret_ppm)
                        *ret_ppm = ppm;
                found = 1;
        }
        return found;
}

/* "0-3,7" */
static int parse_cpus(const char *text, cpu_set_t *ret) {
        CPU_ZERO(ret);
        for (const char *p = text; *p; p += *p == ',') {
                char *end;
                unsigned long first = strtoul(p, &end, 10), last = first;

                if (end == p)
                        return -EIO;
                if (*end == '-')
                        last = strtoul(end + 1, &end, 10);
                for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
                        CPU_SET(cpu, ret);
                p = end;
        }
        return CPU_COUNT(ret) > 0 ? 0 : -ENOENT;
}

int cgroup_cpus(const struct cgroup *c, cpu_set_t *ret, struct err *e) {
        static const struct {
                enum cgroup_hierarchy hierarchy;
                const char *file;
        } sources[] = {
                { CGROUP_UNIFIED, "cpuset.cpus.effective" },
                { CGROUP_CPUSET, "cpuset.effective_cpus" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                SCOPED_FREE char *text = NULL;
                int fd = c->fds[sources[i].hierarchy];

                if (fd >= 0 && kfile_read(fd, sources[i].file, &text, NULL) == 0 && parse_cpus(text, ret) == 0)
                        return 0;
        }
        return cgroup_cpus_of_process(0, ret, e);
}

int cgroup_cpus_of_process(pid_t pid, cpu_set_t *ret, struct err *e) {
        cpu_set_t cpus;

        CPU_ZERO(&cpus);
        if (sched_getaffinity(pid, sizeof(cpus), &cpus) < 0)
                return err_errno(e, "CPUs of process %d", (int)pid);

        *ret = cpus;
        return 0;
}
