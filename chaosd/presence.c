#include "chaosd/presence.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* Is there a name of ours in this table of Unix sockets? Its owner's pid, or otherwise where asking is impossible. */
static pid_t find_in(const char *table, pid_t otherwise) {
        char line[256];
        pid_t found = 0;
        FILE *f;

        f = fopen(table, "re");
        while (f && !found && fgets(line, sizeof(line), f)) {
                char *at = strstr(line, " @" PREFIX);

                line[strcspn(line, "\n")] = 0;
                if (at)
                        found = otherwise ? otherwise : ask(at + 2);
        }
        if (f)
                (void)fclose(f);
        return found;
}

static bool is_daemon(const char *pid) {
        char path[300], comm[20] = "";
        struct stat st;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
        f = fopen(path, "re");
        if (!f)
                return false;
        if (!fgets(comm, sizeof(comm), f) || fstat(fileno(f), &st) < 0)
                comm[0] = 0;
        (void)fclose(f);
        return strcmp(comm, "chaosd\n") == 0 && (st.st_uid == 0 || st.st_uid == geteuid());
}

/* Abstract sockets belong to a network namespace: a daemon in another one (a container) cannot be asked, but the table
 * of its namespace can be read. */
static pid_t find_elsewhere(void) {
        struct dirent *d;
        pid_t found = 0;
        DIR *proc = opendir("/proc");

        while (proc && !found && (d = readdir(proc))) {
                char table[300];

                if (!isdigit((unsigned char)d->d_name[0]) || !is_daemon(d->d_name))
                        continue;
                (void)snprintf(table, sizeof(table), "/proc/%s/net/unix", d->d_name);
                found = find_in(table, (pid_t)strtol(d->d_name, NULL, 10));
        }
        if (proc)
                (void)closedir(proc);
        return found;
}

pid_t presence_find(void) {
        pid_t found = find_in("/proc/net/unix", 0);

        return found ? found : find_elsewhere();
}
