/* guard.h — a second process that outlives chaosd by the moment it takes to undo what the journal holds. For faults
 * whose change no kernel object owns (a stopped process, a cgroup's knob), it makes them die with the daemon. */
#pragma once

#include "faults/mark.h"

#define GUARD_COMM MARK_COMM_PREFIX "guard"

struct daemon;
struct err;
struct guard;

/* guard_start — fork it, before anything is changed. It holds nothing of the daemon's but its pidfd. Should it die,
 * another one is forked; guard_watch() makes the event loop notice. */
int guard_start(struct daemon *d, const char *runtime_dir, struct guard **ret, struct err *e);
int guard_watch(struct guard *g, struct err *e);

/* guard_dismiss — a clean exit: tell it to go, and wait until it has. Accepts NULL. */
void guard_dismiss(struct guard *g);
