#include "chaosd/prober.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "chaosd/daemon.h"
#include "chaosd/log.h"
#include "chaosd/probes.h"
#include "chaosd/server.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"
#include "faults/mark.h"
#include "faults/mech/child.h"

/* What the child tells of one backend; written at once (it is shorter than PIPE_BUF). */
struct answer {
        unsigned kind, backend;
        struct probe_result result;
};

struct prober {
        struct daemon *daemon;
        const struct fault_ops *only; /* NULL = every kind */
        struct holds *holds;          /* the child */
        int fd;                       /* its answers */
        sd_event_source *io, *timer;
        struct answer answer;
        size_t have;
};

struct job {
        struct daemon *daemon;
        const struct fault_ops *only;
        int fd;
};

/* In the child. */
static int try_all(void *arg) {
        const struct job *job = arg;
        struct daemon *d = job->daemon;

        for (unsigned kind = 0; d->kinds[kind]; kind++) {
                const struct fault_ops *ops = d->kinds[kind];

                if (job->only && job->only != ops)
                        continue;
                for (unsigned i = 0; ops->backends[i].name; i++) {
                        struct answer answer = { .kind = kind, .backend = i };

                        answer.result = *probes_ask(d->probes, daemon_env(d), ops, &ops->backends[i]);
                        if (write(job->fd, &answer, sizeof(answer)) != sizeof(answer))
                                return 1;
                }
        }
        return 0;
}

void prober_free(struct prober *p) {
        if (!p)
                return;

        (void)sd_event_source_disable_unref(p->io);
        (void)sd_event_source_disable_unref(p->timer);
        holds_free(p->holds);
        scoped_closep(&p->fd);
        p->daemon->prober = NULL;
        free(p);
}

static void finish(struct prober *p) {
        struct daemon *d = p->daemon;

        for (const struct fault_ops *const *k = d->kinds; *k; k++)
                if (!p->only || p->only == *k)
                        probes_give_up(d->probes, *k, "trying it ended without an answer");
        prober_free(p);
        server_wake(d->server);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *arg) {
        struct prober *p = arg;
        ssize_t n;

        (void)source;
        (void)events;
        n = read(fd, (char *)&p->answer + p->have, sizeof(p->answer) - p->have);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) {
                finish(p);
                return 0;
        }

        p->have += (size_t)n;
        if (p->have == sizeof(p->answer)) {
                probes_learn(p->daemon->probes, p->answer.kind, p->answer.backend, &p->answer.result);
                p->have = 0;
        }
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *arg) {
        (void)source;
        (void)usec;
        log_warning("trying backends took over %d s", PROBER_LIMIT_S);
        finish(arg);
        return 0;
}

static int start(struct daemon *d, struct prober *p, struct err *e) {
        SCOPED_FD int ours = -1, theirs = -1;
        struct job job = { .daemon = d, .only = p->only };
        struct child child;
        int pair[2], r;

        if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
                return err_errno(e, "cannot make a pipe");

        ours = pair[0];
        theirs = pair[1];
        p->holds = holds_new();
        if (!p->holds || fcntl(theirs, F_SETFL, 0) < 0)
                return err_set(e, -ENOMEM, "no memory");

        job.fd = theirs;
        {
                const int keep[] = { theirs, d->env.self_pidfd };

                r = child_spawn(p->holds, MARK_COMM_PREFIX "probe", try_all, &job, keep, ARRAY_SIZE(keep), &child, e);
        }
        if (r < 0)
                return r;

        p->fd = TAKE_FD(ours);
        r = sd_event_add_io(d->event, &p->io, p->fd, EPOLLIN, on_answer, p);
        if (r >= 0)
                r = sd_event_add_time_relative(d->event, &p->timer, CLOCK_MONOTONIC, PROBER_LIMIT_S * USEC_PER_SEC,
                                               USEC_PER_SEC, on_limit, p);
        return r < 0 ? err_set(e, r, "cannot watch the prober: %s", strerror(-r)) : 0;
}

bool prober_is_ready(struct daemon *d, const struct fault_ops *ops) {
        struct prober *p;
        struct err e = { 0 };

        if (d->stopping || probes_are_known(d->probes, ops))
                return true;
        if (d->prober)
                return false;

        p = calloc(1, sizeof(*p));
        if (!p)
                return true; /* what is not known is tried in this process then */

        *p = (struct prober){ .daemon = d, .only = ops, .fd = -1 };
        d->prober = p;
        if (start(d, p, &e) < 0) {
                log_warning("%s", e.msg);
                prober_free(p);
                return true;
        }
        return false;
}
