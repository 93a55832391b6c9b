/* peer.h — who is at the other end of a Unix socket, and whether it may command this daemon. */
#pragma once

#include <stdbool.h>

#include "chaosd/audit.h"

struct err;

/* peer_read — credentials of a connected socket. Returns 0 or -errno. */
int peer_read(int fd, struct audit_peer *ret, struct err *e);

/* peer_check — root, the daemon's own user, or a member of group: the groups that the peer's process has, which is
 * what the socket's mode looks at too. Returns 0; -EACCES with words. */
int peer_check(int fd, const struct audit_peer *peer, const char *group, struct err *e);
