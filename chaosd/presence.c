#include "chaosd/presence.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "chaosd/log.h"
#include "core/scoped.h"

#define PREFIX "chaosd-live/"

/* name without the leading NUL that makes it abstract. */
static socklen_t make_address(struct sockaddr_un *address, const char *name) {
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        (void)snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s", name);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address->sun_path + 1));
}

void presence_set(int *fd, int on) {
        struct sockaddr_un address;
        char name[40];
        socklen_t len;

        if (!on) {
                scoped_closep(fd);
                *fd = -1;
                return;
        }
        if (*fd >= 0)
                return;

        (void)snprintf(name, sizeof(name), PREFIX "%d", (int)getpid());
        len = make_address(&address, name);
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (*fd < 0 || bind(*fd, (struct sockaddr *)&address, len) < 0 || listen(*fd, 1) < 0)
                log_warning("cannot tell reapers of live faults: %s", strerror(errno));
}

/* Anybody may bind such a name: only the word of root or of our own user counts. */
static pid_t ask(const char *name) {
        SCOPED_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address;
        socklen_t len = make_address(&address, name);
        struct ucred cred;
        socklen_t size = sizeof(cred);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) < 0)
                return 0;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
                return 0;
        return cred.uid == 0 || cred.uid == geteuid() ? cred.pid : 0;
}

pid_t presence_find(void) {
        char line[256];
        pid_t found = 0;
        FILE *f;

        f = fopen("/proc/net/unix", "re");
        while (f && !found && fgets(line, sizeof(line), f)) {
                char *at = strstr(line, " @" PREFIX);

                line[strcspn(line, "\n")] = 0;
                if (at)
                        found = ask(at + 2);
        }
        if (f)
                (void)fclose(f);
        return found;
}
