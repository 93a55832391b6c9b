/* process.h — signals and states of processes that are held by pidfd, and never hit by number. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "faults/target/target.h"

struct err;

struct process_state {
        bool stopped; /* by a signal or a tracer */
        bool by_tracer;
};

enum process_disposition { PROCESS_DEFAULT, PROCESS_CAUGHT, PROCESS_IGNORED };

/* What a restarted process has in common with the one before it. */
struct process_lineage {
        char *exe; /* heap */
        pid_t parent;
        char *cgroup; /* heap: text of /proc/PID/cgroup */
};

/* process_probe — does this kernel signal by pidfd? 0 or -EOPNOTSUPP. */
int process_probe(struct err *e);

/* process_open — hold the process with this pid if it is still the one that started at start_time.
 * Returns 0, -ESRCH (it is gone; somebody else may have its pid), or -errno. Free with process_close(). */
int process_open(pid_t pid, uint64_t start_time, struct target_proc *ret, struct err *e);
void process_close(struct target_proc *p);

/* All of these return -ESRCH once the process has exited. */
int process_read_state(const struct target_proc *p, struct process_state *ret, struct err *e);
int process_read_disposition(const struct target_proc *p, int signal, enum process_disposition *ret, struct err *e);
int process_read_lineage(const struct target_proc *p, struct process_lineage *ret, struct err *e);
int process_signal(const struct target_proc *p, int signal, struct err *e);

/* Its command line, or its name where that is empty, with what is not printable replaced. Never fails; returns buf. */
const char *process_title(const struct target_proc *p, char *buf, size_t size);

int process_has_exited(const struct target_proc *p); /* 1 yes (also a zombie has), 0 no */

/* Wait at most timeout_ms. 1 it is so, 0 not yet; an exit ends both. */
int process_wait_exit(const struct target_proc *p, int timeout_ms);
int process_wait_stopped(const struct target_proc *p, int timeout_ms);

void process_lineage_done(struct process_lineage *l);
bool process_lineage_equal(const struct process_lineage *a, const struct process_lineage *b);

/* Now, in the unit of start_time. */
uint64_t process_now_ticks(void);

/* process_count_since — living processes that began at or after since: the same program, and the same parent or the
 * same cgroup. What a supervisor has put in the place of one that died. 0 or -errno. */
int process_count_since(const struct process_lineage *l, uint64_t since_ticks, unsigned *ret, struct err *e);
