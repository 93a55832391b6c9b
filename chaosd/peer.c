#include "chaosd/peer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"

#define GROUPS_MAX 4096

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* Linux 4.13 */
#endif

int peer_read(int fd, struct audit_peer *ret, struct err *e) {
        struct ucred cred;
        socklen_t len = sizeof(cred);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
                return err_errno(e, "cannot read the peer's credentials");

        *ret = (struct audit_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
        return 0;
}

/* The groups that the peer had when it connected. */
static bool has_group_in_socket(int fd, gid_t wanted) {
        SCOPED_FREE gid_t *groups = calloc(GROUPS_MAX, sizeof(*groups));
        socklen_t len = GROUPS_MAX * sizeof(*groups);

        if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
                return false;

        for (size_t i = 0; i < len / sizeof(*groups); i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

int peer_check(int fd, const struct audit_peer *peer, const char *group, struct err *e) {
        const struct group *entry;

        if (peer->uid == 0 || peer->uid == geteuid())
                return 0;

        entry = group ? getgrnam(group) : NULL;
        if (!entry)
                return err_set(e, -EACCES, "user %u may not use this daemon: only root may, for there is no group '%s'",
                               (unsigned)peer->uid, group ? group : "");

        if (peer->gid == entry->gr_gid || has_group_in_socket(fd, entry->gr_gid))
                return 0;

        return err_set(e, -EACCES, "user %u may not use this daemon: not a member of the group '%s'",
                       (unsigned)peer->uid, group);
}
