/* A process of the fake host is known by its pid alone and runs, unless "stopped:PID" or "exited:PID" says otherwise.
 * No test needs to make it. Its pidfd may be anything. One with "deaf:PID" gets signals and does nothing about them. */
#include "faults/mech/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"

static const char *stopped_key(pid_t pid) {
        return fake_key("stopped:%d", (int)pid);
}

static const char *exited_key(pid_t pid) {
        return fake_key("exited:%d", (int)pid);
}

static int enter(const char *name, const struct target_proc *p, struct err *e) {
        int r = fake_step(name, e);

        if (r == 0 && process_has_exited(p))
                r = err_set(e, -ESRCH, "process %d has exited", (int)p->pid);
        return r;
}

int process_probe(struct err *e) {
        return fake_step("process_probe", e);
}

int process_open(pid_t pid, uint64_t start_time, struct target_proc *ret, struct err *e) {
        struct target_proc p = { .pid = pid, .start_time = start_time, .pidfd = -1, .comm = "fake" };
        int r = enter("process_open", &p, e);

        if (r == 0)
                *ret = p;
        return r;
}

void process_close(struct target_proc *p) {
        (void)p;
}

int process_read_state(const struct target_proc *p, struct process_state *ret, struct err *e) {
        int r = enter("process_read_state", p, e);

        if (r == 0)
                *ret = (struct process_state){ .stopped = fake_get(stopped_key(p->pid)) };
        return r;
}

int process_read_disposition(const struct target_proc *p, int signal, enum process_disposition *ret, struct err *e) {
        int r = enter("process_read_disposition", p, e);

        (void)signal;
        if (r == 0)
                *ret = PROCESS_DEFAULT;
        return r;
}

int process_read_lineage(const struct target_proc *p, struct process_lineage *ret, struct err *e) {
        int r = enter("process_read_lineage", p, e);

        if (r == 0)
                *ret = (struct process_lineage){ .exe = strdup("/usr/bin/fake"),
                                                 .parent = 1,
                                                 .cgroup = strdup("0::/fake") };
        return r;
}

int process_signal(const struct target_proc *p, int signal, struct err *e) {
        int r = enter("process_signal", p, e);

        if (r < 0)
                return r;

        if (fake_get(fake_key("deaf:%d", (int)p->pid)))
                return 0;
        if (signal == SIGSTOP) {
                fake_set(stopped_key(p->pid), "by SIGSTOP");
        } else if (signal == SIGCONT) {
                (void)fake_del(stopped_key(p->pid));
        } else {
                fake_set(exited_key(p->pid), "by signal %d", signal);
        }
        return 0;
}

const char *process_title(const struct target_proc *p, char *buf, size_t size) {
        (void)snprintf(buf, size, "%s", p->comm);
        return buf;
}

int process_has_exited(const struct target_proc *p) {
        return fake_get(exited_key(p->pid)) != NULL;
}

int process_wait_exit(const struct target_proc *p, int timeout_ms) {
        (void)timeout_ms;
        return process_has_exited(p);
}

int process_wait_stopped(const struct target_proc *p, int timeout_ms) {
        (void)timeout_ms;
        return fake_get(stopped_key(p->pid)) != NULL;
}

void process_lineage_done(struct process_lineage *l) {
        free(l->exe);
        free(l->cgroup);
        *l = (struct process_lineage){ 0 };
}

bool process_lineage_equal(const struct process_lineage *a, const struct process_lineage *b) {
        return a->exe && b->exe && a->parent == b->parent;
}

uint64_t process_now_ticks(void) {
        return 1000;
}

int process_count_since(const struct process_lineage *l, uint64_t since_ticks, unsigned *ret, struct err *e) {
        int r = fake_step("process_count_since", e);

        (void)l;
        (void)since_ticks;
        if (r == 0)
                *ret = 1;
        return r;
}
