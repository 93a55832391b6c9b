/* cgroup.h — where a process lives among control groups, version 2 and each version 1 hierarchy alike, held by
 * directory descriptor; moving our own children there; reading what its CPUs may and did do. */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct target_cgroup;
struct target_proc;

enum cgroup_hierarchy {
        CGROUP_UNIFIED, /* version 2 */
        CGROUP_CPU,     /* version 1, each wherever it is mounted: cpu and cpuacct are often one */
        CGROUP_CPUACCT,
        CGROUP_CPUSET,
        CGROUP_MEMORY,
        CGROUP_HIERARCHIES,
};

/* One place in every hierarchy that this host has. Starts as CGROUP_NONE. */
struct cgroup {
        int fds[CGROUP_HIERARCHIES]; /* O_PATH directories; -1 = no such hierarchy, or no such directory there */
        char path[256];              /* the most specific of its paths, for people */
};
#define CGROUP_NONE ((struct cgroup){ .fds = { -1, -1, -1, -1, -1 } })
void cgroup_done(struct cgroup *c); /* closes; accepts one that is CGROUP_NONE or done */
#define SCOPED_CGROUP SCOPED(cgroup_done)

/* cgroup_open_process — the groups that a process is in now. The pidfd makes sure that the pid was not reused.
 * Returns 0; -ESRCH gone; -ENOENT no control groups are mounted here. *ret is untouched on failure. */
int cgroup_open_process(const struct target_proc *proc, struct cgroup *ret, struct err *e);

/* cgroup_open — a group as the target resolver found it: its version 2 directory, and the same path in every
 * version 1 hierarchy that has it. Returns 0, or -ENOENT when no hierarchy has it any more. */
int cgroup_open(const struct target_cgroup *group, struct cgroup *ret, struct err *e);

/* cgroup_check_leaf — may a process live in it? Version 2 forbids that where controllers are handed on to
 * children. Returns 0, or -EBUSY with the reason. */
int cgroup_check_leaf(const struct cgroup *c, struct err *e);

/* cgroup_move — put a process into the group in every hierarchy. Not undone on failure: only for children of
 * ours, which are then killed. Returns 0 or -errno. */
int cgroup_move(const struct cgroup *c, pid_t pid, struct err *e);

/* cgroup_cpu_usage_us — CPU time used so far by all that lives or lived in the group: version 2's cpu.stat (the
 * field is there without the controller), else version 1's cpuacct.usage. Returns 0 or -errno. */
int cgroup_cpu_usage_us(const struct cgroup *c, uint64_t *ret, struct err *e);

/* cgroup_cpu_quota — the tightest limit on the way up to the root, in millionths of one CPU (1500000 = 1.5 CPUs).
 * Returns 1 with *ret, 0 when nothing limits it, or -errno. */
int cgroup_cpu_quota(const struct cgroup *c, uint64_t *ret_ppm, struct err *e);

/* cgroup_cpus — the CPUs that a process in the group may run on: its cpuset, or the CPUs of this process when
 * no cpuset speaks. Returns 0 or -errno. */
int cgroup_cpus(const struct cgroup *c, cpu_set_t *ret, struct err *e);

/* cgroup_cpu_of_process — the CPUs that one process may run on (sched_getaffinity). pid 0 = the caller. */
int cgroup_cpus_of_process(pid_t pid, cpu_set_t *ret, struct err *e);
