/* target_protect.c — what no fault may touch unless the config file and the user both break the glass. */
#include <fnmatch.h>
#include <stdio.h>

#include "faults/target/procfs.h"
#include "faults/target/resolve.h"

/* What people and machines need to reach a node and heal it, and ourselves. The config file can only add to it. */
const char *const target_protected_comms[] = {
        "systemd",      "systemd-*", "(sd-pam)",     "init",         "sshd",           "sshd-*",   "agetty",
        "login",        "sudo",      "dbus-daemon",  "dbus-broker*", "kubelet",        "dockerd",  "containerd",
        "containerd-*", "crio",      "conmon*",      "podman",       "runc",           "crun",     "kube-proxy",
        "etcd",         "flanneld",  "cilium-agent", "calico-node",  "NetworkManager", "dhclient", "chaosd",
        "chaosctl",     "chaos-*",   NULL,
};

/* Is one the other's parent, grandparent …? Bounded: a chain of parents ends at 1 (or at 0 in a namespace). */
static bool is_ancestor(pid_t ancestor, pid_t pid) {
        struct procfs_stat stat;

        for (int depth = 0; depth < 256 && pid > 0; depth++) {
                if (procfs_read_stat(pid, &stat) < 0)
                        return false;
                if (stat.ppid == ancestor)
                        return true;
                pid = stat.ppid;
        }
        return false;
}

static bool has_match(const char *const *patterns, const char *comm) {
        for (; patterns && *patterns; patterns++)
                if (fnmatch(*patterns, comm, 0) == 0)
                        return true;
        return false;
}

const char *target_protect_rule(pid_t pid, const struct target_policy *policy, char *buf, size_t size) {
        struct procfs_stat stat;

        if (policy->break_glass || procfs_read_stat(pid, &stat) < 0)
                return NULL;
        if (pid == 1)
                return "it is PID 1";
        if (stat.kernel_thread)
                return "it is a kernel thread";
        if (pid == policy->daemon)
                return "it is the daemon itself";
        if (policy->daemon > 0 && is_ancestor(pid, policy->daemon))
                return "it is a parent of the daemon";
        if (policy->daemon > 0 && is_ancestor(policy->daemon, pid))
                return "it is a child of the daemon";
        if (policy->client > 0 && (pid == policy->client || is_ancestor(pid, policy->client)))
                return "it is the client that asks, or a parent of it";
        if (!has_match(target_protected_comms, stat.comm) && !has_match(policy->protected_comms, stat.comm))
                return NULL;

        (void)snprintf(buf, size, "comm '%s' is on the list of protected processes", stat.comm);
        return buf;
}
