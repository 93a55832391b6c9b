/* guard.h — the process that keeps promise 1 when the launcher dies: without anybody who holds the listener, the
 * kernel would answer ENOSYS to every call that the filter names, for as long as the command lives. */
#pragma once

#include "faults/sys/launcher/notif.h"

/* guard_run — wait until the launcher is dead (its pidfd is readable), then let every call continue until the last
 * process under the filter is gone. go: an eventfd that says when the listener exists; from then on the guard has a
 * descriptor table, a session and a directory of its own, and holds nobody's pipe or terminal open. */
_Noreturn void guard_run(struct notif_shared *s, int launcher_pidfd, int go);
