#include "faults/mech/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/mech/kfile.h"
#include "faults/target/procfs.h"

static int gone(const struct target_proc *p, struct err *e) {
        return err_set(e, -ESRCH, "process %d has exited", (int)p->pid);
}

/* A file of /proc/PID, for certain of this process: it lived after the reading. */
static int read_proc(const struct target_proc *p, const char *file, char **ret, struct err *e) {
        SCOPED_FREE char *text = NULL;
        char path[64];
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid, file);
        r = kfile_read(AT_FDCWD, path, &text, e);
        if (r < 0)
                return process_has_exited(p) ? gone(p, e) : r;
        if (process_has_exited(p))
                return gone(p, e);

        *ret = TAKE_PTR(text);
        return 0;
}

int process_probe(struct err *e) {
        SCOPED_FD int fd = pidfd_open(getpid(), 0);

        if (fd < 0 || pidfd_send_signal(fd, 0, NULL, 0) < 0)
                return err_set(e, -EOPNOTSUPP, "pidfd_send_signal: %s", strerror(errno));
        return 0;
}

int process_open(pid_t pid, uint64_t start_time, struct target_proc *ret, struct err *e) {
        struct target_proc p = { .pid = pid, .start_time = start_time, .pidfd = pidfd_open(pid, 0) };
        struct procfs_stat stat;

        if (p.pidfd < 0)
                return errno == ESRCH || errno == EINVAL ? gone(&p, e) : err_errno(e, "hold process %d", (int)pid);

        if (procfs_read_stat(pid, &stat) < 0 || stat.start_time != start_time || process_has_exited(&p)) {
                process_close(&p);
                return gone(&p, e);
        }
        (void)snprintf(p.comm, sizeof(p.comm), "%s", stat.comm);
        *ret = p;
        return 0;
}

void process_close(struct target_proc *p) {
        scoped_closep(&p->pidfd);
        p->pidfd = -1;
}

int process_read_state(const struct target_proc *p, struct process_state *ret, struct err *e) {
        struct procfs_stat stat;
        int r = procfs_read_stat(p->pid, &stat);

        if (process_has_exited(p))
                return gone(p, e);
        if (r < 0)
                return err_set(e, r, "read the state of process %d: %s", (int)p->pid, strerror(-r));

        *ret = (struct process_state){ .stopped = stat.state == 'T' || stat.state == 't',
                                       .by_tracer = stat.state == 't' };
        return 0;
}

/* Is bit signal-1 set in "SigCgt:\t0000000000004002" of status? */
static bool has_signal(const char *status, const char *mask, int signal) {
        const char *line = strstr(status, mask);
        uint64_t bits;

        return line && sscanf(line + strlen(mask), " %" SCNx64, &bits) == 1 && (bits >> (signal - 1) & 1);
}

int process_read_disposition(const struct target_proc *p, int signal, enum process_disposition *ret, struct err *e) {
        SCOPED_FREE char *status = NULL;
        int r = read_proc(p, "status", &status, e);

        if (r < 0)
                return r;

        *ret = has_signal(status, "\nSigCgt:", signal)   ? PROCESS_CAUGHT
               : has_signal(status, "\nSigIgn:", signal) ? PROCESS_IGNORED
                                                         : PROCESS_DEFAULT;
        return 0;
}

int process_read_lineage(const struct target_proc *p, struct process_lineage *ret, struct err *e) {
        struct process_lineage l = { 0 };
        struct procfs_stat stat;
        int r = read_proc(p, "cgroup", &l.cgroup, e);

        if (r < 0)
                return r;

        r = procfs_read_stat(p->pid, &stat);
        if (r == 0)
                r = procfs_read_exe(p->pid, &l.exe);
        if (r < 0 || process_has_exited(p)) {
                process_lineage_done(&l);
                return process_has_exited(p) ? gone(p, e) : err_set(e, r, "read what process %d is", (int)p->pid);
        }
        l.parent = stat.ppid;
        *ret = l;
        return 0;
}

int process_signal(const struct target_proc *p, int signal, struct err *e) {
        if (pidfd_send_signal(p->pidfd, signal, NULL, 0) == 0)
                return 0;
        return errno == ESRCH ? gone(p, e)
                              : err_errno(e, "send SIG%s to process %d", sigabbrev_np(signal) ?: "?", (int)p->pid);
}

const char *process_title(const struct target_proc *p, char *buf, size_t size) {
        if (procfs_read_cmdline(p->pid, buf, size) < 0 || !buf[0] || process_has_exited(p))
                (void)snprintf(buf, size, "%s", p->comm);
        for (char *c = buf; *c; c++)
                if (!isprint((unsigned char)*c))
                        *c = '?';
        return buf;
}

int process_has_exited(const struct target_proc *p) {
        return !pidfd_is_alive(p->pidfd);
}

int process_wait_exit(const struct target_proc *p, int timeout_ms) {
        struct pollfd poll_fd = { .fd = p->pidfd, .events = POLLIN };

        return poll(&poll_fd, 1, timeout_ms) == 1;
}

int process_wait_stopped(const struct target_proc *p, int timeout_ms) {
        struct process_state state = { 0 };
        uint64_t until = clock_boottime_us() + (uint64_t)timeout_ms * USEC_PER_MSEC;

        /* Nobody but the parent is told of a stop: look again every millisecond, and wake up at once on an exit. */
        while (process_read_state(p, &state, NULL) == 0 && !state.stopped && clock_boottime_us() < until)
                if (process_wait_exit(p, 1))
                        break;
        return state.stopped;
}

void process_lineage_done(struct process_lineage *l) {
        free(l->exe);
        free(l->cgroup);
        *l = (struct process_lineage){ 0 };
}

bool process_lineage_equal(const struct process_lineage *a, const struct process_lineage *b) {
        return a->parent == b->parent && a->exe && b->exe && strcmp(a->exe, b->exe) == 0 && a->cgroup && b->cgroup &&
               strcmp(a->cgroup, b->cgroup) == 0;
}

uint64_t process_now_ticks(void) {
        return clock_boottime_us() * (uint64_t)sysconf(_SC_CLK_TCK) / USEC_PER_SEC;
}

/* Is everyone in the root cgroup? Then it says nothing about who belongs together. */
static bool is_distinct(const char *cgroup) {
        for (const char *line = cgroup; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                size_t len = strcspn(line, "\n");

                if (len >= 2 && !(line[len - 1] == '/' && line[len - 2] == ':'))
                        return true;
        }
        return false;
}

static bool belongs_to(const struct process_lineage *l, pid_t pid, const struct procfs_stat *stat) {
        SCOPED_FREE char *exe = NULL, *cgroup = NULL;
        char path[64];

        if (!l->exe || procfs_read_exe(pid, &exe) < 0 || strcmp(exe, l->exe) != 0)
                return false;
        if (stat->ppid == l->parent)
                return true;
        if (!l->cgroup || !is_distinct(l->cgroup))
                return false;

        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
        return kfile_read(AT_FDCWD, path, &cgroup, NULL) == 0 && strcmp(cgroup, l->cgroup) == 0;
}

int process_count_since(const struct process_lineage *l, uint64_t since_ticks, unsigned *ret, struct err *e) {
        SCOPED_FREE pid_t *pids = NULL;
        unsigned found = 0;
        size_t n = 0;
        int r = procfs_list(&pids, &n);

        if (r < 0)
                return err_set(e, r, "list processes: %s", strerror(-r));

        for (size_t i = 0; i < n; i++) {
                struct procfs_stat stat;

                if (procfs_read_stat(pids[i], &stat) == 0 && stat.start_time >= since_ticks && stat.state != 'Z' &&
                    stat.state != 'X' && belongs_to(l, pids[i], &stat))
                        found++;
        }
        *ret = found;
        return 0;
}
