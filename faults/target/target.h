/* target.h — what a fault applies to: selectors as users write them, resolved to kernel objects that are held
 * by fd, so that a recycled pid or a renamed interface can never be hit by mistake. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/json.h"
#include "core/param.h"

struct err;

/* Bits for fault_ops.targets. */
#define TARGET_PROCESS   (1ULL << 0) /* pid, process: {exe, comm, cmdline, user, listens}, pick */
#define TARGET_CGROUP    (1ULL << 1) /* cgroup, unit, container, pod */
#define TARGET_NETNS     (1ULL << 2) /* netns: name in /run/netns, absolute path, or "pid:N"; also narrows processes */
#define TARGET_INTERFACE (1ULL << 3)
#define TARGET_PEER      (1ULL << 4) /* peer: {cidr, ports, protocol} */
#define TARGET_PATH      (1ULL << 5)
#define TARGET_MEMBERS   (1ULL << 6) /* a cgroup given without process selectors stands for the processes in it */

/* The selectors of one target, parsed by target_params (one row per selector). */
struct target_process_spec {
        uint64_t set;
        char *exe, *comm, *cmdline, *user; /* exe: absolute path; comm: exact; cmdline: substring */
        uint64_t listens;                  /* TCP port */
};

struct target_peer_spec {
        uint64_t set;
        struct param_list cidr;  /* struct param_cidr */
        struct param_list ports; /* struct param_ports; the peer's port */
        int protocol;            /* index into target_protocols: any, tcp, udp, icmp */
};

struct target_spec {
        uint64_t set;
        struct param_list pid; /* uint64_t */
        struct target_process_spec process;
        char *cgroup, *unit, *container, *pod;
        char *netns, *interface;
        struct target_peer_spec peer;
        char *path;
        char *pick; /* "all" (default), "one", "3", "50%" */
};

enum target_row {
        TARGET_ROW_PID,
        TARGET_ROW_PROCESS,
        TARGET_ROW_CGROUP,
        TARGET_ROW_UNIT,
        TARGET_ROW_CONTAINER,
        TARGET_ROW_POD,
        TARGET_ROW_NETNS,
        TARGET_ROW_INTERFACE,
        TARGET_ROW_PEER,
        TARGET_ROW_PATH,
        TARGET_ROW_PICK,
};
extern const struct param target_params[];
extern const char *const target_protocols[]; /* any tcp udp icmp; parallel to enum target_protocol */
enum target_protocol { TARGET_PROTOCOL_ANY, TARGET_PROTOCOL_TCP, TARGET_PROTOCOL_UDP, TARGET_PROTOCOL_ICMP };

/* What the daemon's policy forbids. */
struct target_policy {
        bool break_glass; /* the user insists and the config file allows it */
        pid_t daemon;     /* chaosd: it, its parents and its children are protected, like PID 1 */
        /* Who asks, 0 = nobody: it and its parents are protected. Their command lines often hold the very words that
         * are searched for. */
        pid_t client;
        const char *const *protected_comms; /* NULL-ended shell patterns, beside target_protected_comms; may be NULL */
};
extern const char *const target_protected_comms[]; /* sshd, kubelet, containerd, systemd-* … */

struct target_proc {
        pid_t pid;
        int pidfd;
        uint64_t start_time; /* field 22 of /proc/PID/stat: with pid, a name that is never reused */
        char comm[16];
        char *exe; /* heap; "" when unreadable */
};

struct target_cgroup {
        char *path;     /* below the hierarchy's mount point, "/" first */
        int v2_fd;      /* directory in the cgroup2 hierarchy, or -1 */
        int freezer_fd; /* the same path in the v1 freezer hierarchy, or -1 */
        int cpu_fd;     /* … in the v1 cpu hierarchy, or -1 */
        int systemd_fd; /* … in systemd's v1 hierarchy, which only lists processes, or -1 */
        uint64_t id;    /* cgroup2 id, 0 when v2_fd is -1 */
};

struct target {
        const struct target_spec *spec; /* borrowed: outlives the target */
        struct target_proc *procs;
        size_t n_procs;
        struct target_cgroup *cgroups;
        size_t n_cgroups;
        int netns_fd; /* -1 = none asked: the daemon's own */
        uint64_t netns_inode;
        unsigned ifindex; /* 0 = none asked; valid inside netns_fd */
        char ifname[16];
        int path_fd; /* O_PATH directory or file, -1 = none asked */
        char *path;
};

/* target_resolve — look every given selector up, choose by pick and seed, check the policy; nothing changes.
 * accepted/required: TARGET_* bits of the kind; optional: nothing given at all is the whole node, which the caller's
 * policy allows. pick is deterministic: same processes, same seed, same choice.
 * Returns 0; -EINVAL (selector not accepted by this kind, or a required one missing), -ESRCH/-ENODEV/-ENOENT (no such
 * thing), -EPERM (protected; e says by what rule). A process that dies meanwhile is left out, never mistaken.
 * e->path names the selector. Free with target_free(). */
int target_resolve(const struct target_spec *spec, uint64_t accepted, uint64_t required, bool optional,
                   const struct target_policy *policy, uint64_t seed, struct target **ret, struct err *e);
void target_free(struct target *t);
DEFINE_SCOPED(struct target, target_free)

/* A cgroup by path, held in every hierarchy that has it (a missing one is -1). 0 or -ENOENT; no policy is asked. */
int target_cgroup_open(const char *path, struct target_cgroup *ret, struct err *e);
void target_cgroup_done(struct target_cgroup *cg);

/* Every process in it and below, in any of its hierarchies; ascending, without doubles. Heap. 0 or -errno. */
int target_cgroup_list(const struct target_cgroup *cg, pid_t **ret, size_t *ret_n);

/* target_describe — what it resolved to, as a JSON array: {"type":"process","pid":7,"comm":"nginx","exe":…},
 * {"type":"interface","netns":"shop-front","name":"up0","index":3}, {"type":"cgroup","path":…}, {"type":"path",…}. */
json_t *target_describe(const struct target *t);

/* Names of the selectors that the bits stand for, as a JSON array (for the catalogue). */
json_t *target_describe_bits(uint64_t bits);
