/* mark.h — how everything that we make on a host is recognised, record or not. */
#pragma once

#define MARK_DEVICE_PREFIX "chx"       /* network devices: "chx" + up to 12 hex digits of the fault's uid */
#define MARK_NAME_PREFIX   "chaos_"    /* BPF programs and maps */
#define MARK_CGROUP_PREFIX "chaos-"    /* cgroups */
#define MARK_COMM_PREFIX   "chaos-"    /* child processes: comm, at most 15 bytes */
#define MARK_QDISC_MAJOR   0xC4A0U     /* qdiscs: this handle major, on our own devices only */
#define MARK_FILTER_HANDLE 0xC4A05000U /* tc filters: handle & 0xFFFFF000 */
#define MARK_FILTER_MASK   0xFFFFF000U
