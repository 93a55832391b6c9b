/* presence.h — lets a reaper see that a daemon on this host has live faults, so that it does not sweep away what
 * carries our mark and is in use. An abstract socket while there are any: it leaves no file and dies with its owner. */
#pragma once

#include <sys/types.h>

/* presence_set — on or off. *fd is -1 at first. Best effort: without it a reaper may sweep too early. */
void presence_set(int *fd, int on);

/* presence_find — pid of a process (root's or our own user's) that says it has live faults, in this or another network
 * namespace; 0 = none. */
pid_t presence_find(void);
