#include "chaosctl/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/err.h"

static void signals(sigset_t *set) {
        (void)sigemptyset(set);
        (void)sigaddset(set, SIGINT);
        (void)sigaddset(set, SIGTERM);
        (void)sigaddset(set, SIGHUP);
}

int interrupt_init(struct interrupt *i, struct err *e) {
        sigset_t set;
        int fd;

        /* A reader that went away (| head) must not keep us from reverting. */
        (void)signal(SIGPIPE, SIG_IGN);
        signals(&set);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return err_errno(e, "cannot block signals");

        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return err_errno(e, "cannot wait for signals");

        *i = (struct interrupt){ .fd = fd };
        return 0;
}

bool interrupt_wait(struct interrupt *i, int timeout_ms) {
        struct pollfd p = { .fd = i->fd, .events = POLLIN };
        struct signalfd_siginfo info;

        if (i->signal)
                return true;
        if (poll(&p, 1, timeout_ms) > 0 && read(i->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                i->signal = (int)info.ssi_signo;
        return i->signal != 0;
}

const char *interrupt_name(const struct interrupt *i) {
        return i->signal == SIGINT ? "Ctrl-C" : i->signal == SIGTERM ? "SIGTERM" : "SIGHUP";
}

void interrupt_done(struct interrupt *i) {
        if (i->fd >= 0)
                (void)close(i->fd);
        i->fd = -1;
}
