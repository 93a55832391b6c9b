#include "faults/mech/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/mech/kfile.h"
#include "faults/target/target.h"

int freezer_probe(struct err *e) {
        struct target_cgroup root;
        bool can;
        int r = target_cgroup_open("/", &root, e);

        if (r < 0)
                return err_set(e, -EOPNOTSUPP, "no cgroup hierarchy is mounted");

        can = root.v2_fd >= 0 || root.freezer_fd >= 0;
        target_cgroup_done(&root);
        return can ? 0 : err_set(e, -EOPNOTSUPP, "neither cgroup v2 nor the v1 freezer is mounted");
}

static int fill(enum freezer_version version, int fd, const char *path, struct freezer *ret, struct err *e) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_errno(e, "cgroup '%.200s'", path);

        *ret = (struct freezer){ .version = version, .fd = fd, .path = path, .id = st.st_ino };
        return 0;
}

static bool has_line(const char *text, const char *line) {
        const char *at = text ? strstr(text, line) : NULL;

        return at && (at == text || at[-1] == '\n') && (at[strlen(line)] == '\n' || !at[strlen(line)]);
}

int freezer_choose(const struct target_cgroup *cg, struct freezer *ret, struct err *e) {
        SCOPED_FREE char *events = NULL;
        bool v2 = cg->v2_fd >= 0 && faccessat(cg->v2_fd, "cgroup.freeze", W_OK, 0) == 0;

        /* On a hybrid host the path is often in both, and the processes are in one. */
        if (v2 && cg->freezer_fd >= 0 && kfile_read(cg->v2_fd, "cgroup.events", &events, NULL) == 0 &&
            !has_line(events, "populated 1"))
                v2 = false;
        if (v2)
                return fill(FREEZER_V2, cg->v2_fd, cg->path, ret, e);
        if (cg->freezer_fd >= 0 && faccessat(cg->freezer_fd, "freezer.state", W_OK, 0) == 0)
                return fill(FREEZER_V1, cg->freezer_fd, cg->path, ret, e);
        return err_set(e, -EOPNOTSUPP, "cgroup '%.200s' is in no hierarchy that can freeze it", cg->path);
}

int freezer_open(enum freezer_version version, const char *path, uint64_t id, struct freezer *ret, struct err *e) {
        struct target_cgroup cg;
        struct freezer f;
        int fd, r = target_cgroup_open(path, &cg, e);

        if (r < 0)
                return r;

        fd = version == FREEZER_V2 ? TAKE_FD(cg.v2_fd) : TAKE_FD(cg.freezer_fd);
        target_cgroup_done(&cg);
        if (fd < 0)
                return err_set(e, -ENOENT, "no cgroup '%.200s' in the v%d hierarchy", path, (int)version);

        r = fill(version, fd, path, &f, e);
        if (r == 0 && f.id != id)
                r = err_set(e, -ENOENT, "cgroup '%.200s' is not the one that was frozen", path);
        if (r < 0)
                (void)close(fd);
        else
                *ret = f;
        return r;
}

void freezer_close(struct freezer *f) {
        scoped_closep(&f->fd);
        f->fd = -1;
}

static int count_processes(const struct freezer *f, unsigned *ret, struct err *e) {
        const struct target_cgroup cg = { .v2_fd = f->fd, .freezer_fd = -1, .cpu_fd = -1, .systemd_fd = -1 };
        SCOPED_FREE pid_t *pids = NULL;
        size_t n = 0;
        int r = target_cgroup_list(&cg, &pids, &n);

        if (r < 0)
                return err_set(e, r, "list the processes of cgroup '%.200s'", f->path);

        *ret = (unsigned)n;
        return 0;
}

int freezer_read(const struct freezer *f, struct freezer_state *ret, struct err *e) {
        bool v2 = f->version == FREEZER_V2;
        SCOPED_FREE char *asked = NULL, *now = NULL;
        struct freezer_state s;
        int r = kfile_read(f->fd, v2 ? "cgroup.freeze" : "freezer.self_freezing", &asked, e);

        if (r == 0)
                r = kfile_read(f->fd, v2 ? "cgroup.events" : "freezer.state", &now, e);
        if (r == 0)
                r = count_processes(f, &s.processes, e);
        if (r < 0)
                return r;

        s.asked = has_line(asked, "1");
        s.frozen = has_line(now, v2 ? "frozen 1" : "FROZEN");
        *ret = s;
        return 0;
}

int freezer_set(const struct freezer *f, bool frozen, struct err *e) {
        if (f->version == FREEZER_V2)
                return kfile_write(f->fd, "cgroup.freeze", frozen ? "1" : "0", e);
        return kfile_write(f->fd, "freezer.state", frozen ? "FROZEN" : "THAWED", e);
}

int freezer_wait(const struct freezer *f, int timeout_ms) {
        uint64_t until = clock_boottime_us() + (uint64_t)timeout_ms * USEC_PER_MSEC;
        SCOPED_FD int events = -1;
        struct freezer_state s;

        /* v2 announces a change of cgroup.events; v1 says nothing and only makes progress when it is read. */
        if (f->version == FREEZER_V2)
                events = openat(f->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
        while (freezer_read(f, &s, NULL) == 0) {
                uint64_t now = clock_boottime_us();
                struct pollfd p = { .fd = events, .events = POLLPRI };

                if (s.frozen)
                        return 1;
                if (now >= until)
                        return 0;
                (void)poll(&p, 1, events >= 0 ? (int)((until - now) / USEC_PER_MSEC) + 1 : 1);
        }
        return 0;
}
