#include "faults/sys/launcher/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/scoped.h"
#include "faults/mark.h"

/* Keep two descriptors, in a table of our own; 0 to 2 lead nowhere. */
static void leave_table(int a, int b) {
        int low = a < b ? a : b, high = a < b ? b : a;
        int null;

        (void)syscall(SYS_close_range, high + 1, ~0U, CLOSE_RANGE_UNSHARE);
        if (high > low + 1)
                (void)syscall(SYS_close_range, low + 1, high - 1, 0);
        if (low > 3)
                (void)syscall(SYS_close_range, 3, low - 1, 0);

        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd < 3; fd++)
                if (fd != a && fd != b && (null < 0 || dup2(null, fd) < 0))
                        (void)close(fd);
        IGNORE_RESULT(chdir("/")); /* only so as not to keep a filesystem busy */
}

static void answer_all(struct notif_shared *s, int listener) {
        for (size_t i = 0; i < NOTIF_SLOTS; i++)
                if (notif_slot(s, i)->pid)
                        (void)notif_answer(s, listener, i, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* The launcher is dead: every call continues, until nobody is left to make one. */
_Noreturn static void take_over(struct notif_shared *s, int listener) {
        struct pollfd p = { .fd = listener, .events = POLLIN };

        answer_all(s, listener);
        for (;;) {
                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        _exit(1);
                if (p.revents & POLLIN && notif_receive(s, listener, 0) == 0)
                        (void)notif_answer(s, listener, 0, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
                else if (p.revents & (POLLHUP | POLLERR))
                        _exit(0);
        }
}

/* The launcher died before it could say go: does the command's process have its filter, or will it yet? */
static int await_listener(struct notif_shared *s) {
        struct pollfd child = { .fd = s->child_pidfd, .events = POLLIN };

        if (child.fd < 0)
                return -1;

        while (s->listener < 0 && poll(&child, 1, 1) <= 0)
                ;
        return s->listener;
}

_Noreturn void guard_run(struct notif_shared *s, int launcher_pidfd, int go) {
        struct pollfd launcher = { .fd = launcher_pidfd, .events = POLLIN };
        struct pollfd p[2] = { launcher, { .fd = go, .events = POLLIN } };
        int listener;

        (void)setsid();
        (void)prctl(PR_SET_NAME, MARK_COMM_PREFIX "execguard", 0, 0, 0);
        while (poll(p, 2, -1) < 0)
                if (errno != EINTR)
                        _exit(1);

        listener = p[0].revents ? await_listener(s) : s->listener;
        if (listener < 0)
                _exit(0);

        leave_table(launcher_pidfd, listener);
        /* No events asked of the listener: only POLLHUP, when the last process under the filter is gone. */
        p[1] = (struct pollfd){ .fd = listener };
        for (;;) {
                if (poll(p, 2, -1) < 0 && errno != EINTR)
                        _exit(1);
                if (p[1].revents)
                        _exit(0);
                if (p[0].revents)
                        take_over(s, listener);
        }
}
