/* netns.h — network namespaces: do something inside one and be certain to come back, and find one again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

#define NETNS_PATH_SIZE 288

/* netns_run — call run(arg) inside the namespace netns_fd (-1: the caller's own, called directly).
 * It runs on a thread of its own that ends afterwards, so that no failure can leave the caller in another namespace;
 * what it opens there (sockets, TAP devices) stays bound to that namespace.
 * Returns what run() returns, or -errno of entering. */
int netns_run(int netns_fd, int (*run)(void *arg, struct err *e), void *arg, struct err *e);

/* netns_inode — identity of a namespace; netns_fd -1: the caller's own. */
int netns_inode(int netns_fd, uint64_t *ret, struct err *e);

/* True when it is the namespace of PID 1 or the caller's own. */
bool netns_is_host(uint64_t inode);

/* netns_path — where a namespace can be found by others: "/run/netns/NAME" or "/proc/PID/ns/net"; ret holds size bytes.
 * -ENOENT when only its descriptor leads to it. */
int netns_path(uint64_t inode, char *ret, unsigned size, struct err *e);

/* netns_find — open the namespace with that inode: first hint (may be NULL), then every place in /run/netns and /proc.
 * Returns 0, or -ENOENT when nobody has it any more: then it is gone, with everything in it. */
int netns_find(uint64_t inode, const char *hint, int *ret_fd, struct err *e);

/* netns_each — every namespace of this host once: seen(arg, fd, path); stops at the first negative result. */
int netns_each(int (*seen)(void *arg, int fd, const char *path, struct err *e), void *arg, struct err *e);

/* netns_scratch — a fresh namespace that lives as long as the descriptor: where probes try things. */
int netns_scratch(int *ret_fd, struct err *e);
