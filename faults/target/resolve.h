/* resolve.h — what the files of this folder share: each resolves one sort of selector for target_resolve(). */
#pragma once

#include "faults/target/target.h"

struct target_pick {
        bool all;
        bool percent;   /* count is parts per million of those found, rounded up */
        uint64_t count;
};

/* target_table.c: the TARGET_* bit that lets a kind use this selector. */
uint64_t target_row_bit(enum target_row row);

/* target_pick.c */
int target_pick_parse(const char *text, struct target_pick *ret, struct err *e); /* NULL = all */
/* How many of found; 0 when more are asked for than there are. */
size_t target_pick_count(const struct target_pick *pick, size_t found);
/* Same seed, same order. */
void target_pick_shuffle(void *items, size_t n, size_t size, uint64_t seed);

/* target_protect.c: why this process is out of bounds, or NULL. Unreadable is not protected: it is gone. */
const char *target_protect_rule(pid_t pid, const struct target_policy *policy, char *buf, size_t size);

/* target_cgroup.c */
int target_cgroup_resolve(const struct target_spec *spec, const struct target_policy *policy, struct target *t,
                          struct err *e);
void target_cgroup_done(struct target_cgroup *cg);
/* Every process in it and below, in any of its hierarchies; unsorted, without doubles. Heap. */
int target_cgroup_list(const struct target_cgroup *cg, pid_t **ret, size_t *ret_n);

/* target_netns.c */
int target_netns_resolve(const char *name, struct target *t, struct err *e);
int target_interface_resolve(const char *name, struct target *t, struct err *e);

/* target_process.c: procs of t; t->cgroups and t->netns_inode, when set, narrow them. */
int target_process_resolve(const struct target_spec *spec, const struct target_policy *policy, uint64_t seed,
                           struct target *t, struct err *e);
