/* filter.h — the only door to libseccomp: names ↔ numbers of system calls, and the filter that asks the launcher. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "faults/sys/sys_rule.h"

struct err;

/* Every system call that this machine's libseccomp knows, as names. */
int filter_load_names(struct sys_names *ret, struct err *e);
void filter_free_names(struct sys_names *names);

/* Number of a call on the native architecture, or negative: not here. */
int filter_call_number(const char *name);

/* filter_build — a BPF program that notifies for every call of every rule and allows all others.
 * Programs of other architectures (32-bit on a 64-bit kernel) pass untouched. ret->filter: heap.
 * Returns 0 or -errno. */
int filter_build(const struct sys_rule *rules, size_t n_rules, struct sock_fprog *ret, struct err *e);
