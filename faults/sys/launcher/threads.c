#include "faults/sys/launcher/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/scoped.h"

/* A tid cannot come round again faster than this; younger records need no look at /proc. */
#define REUSE_AFTER_US USEC_PER_SEC

struct threads {
        struct thread *places; /* open addressing; n_places is a power of two */
        size_t n_places, n_used, n_counts;
        uint32_t n_seen;
};

struct threads *threads_new(size_t n_counts) {
        struct threads *t = calloc(1, sizeof(*t));

        if (!t)
                return NULL;

        t->n_places = 64;
        t->n_counts = n_counts;
        t->places = calloc(t->n_places, sizeof(*t->places));
        if (!t->places) {
                free(t);
                return NULL;
        }
        return t;
}

void threads_free(struct threads *t) {
        if (!t)
                return;

        for (size_t i = 0; i < t->n_places; i++)
                free(t->places[i].counts);
        free(t->places);
        free(t);
}

static struct thread *find_place(struct thread *places, size_t n_places, pid_t tid) {
        size_t i = ((size_t)tid * 2654435761U) & (n_places - 1);

        while (places[i].tid && places[i].tid != tid)
                i = (i + 1) & (n_places - 1);
        return &places[i];
}

/* Field 22 of /proc/TID/stat, behind the last parenthesis; 0 when it cannot be read. */
static uint64_t read_start_time(pid_t tid) {
        SCOPED_FD int fd = -1;
        char buf[512], *p;
        ssize_t n;

        (void)snprintf(buf, sizeof(buf), "/proc/%d/stat", (int)tid);
        fd = open(buf, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;

        n = read(fd, buf, sizeof(buf) - 1);
        if (n <= 0)
                return 0;

        buf[n] = 0;
        p = strrchr(buf, ')');
        for (unsigned field = 2; p && field < 22; field++)
                p = strchr(p + 1, ' ');
        return p ? strtoull(p, NULL, 10) : 0;
}

static bool is_dead(pid_t tid) {
        return kill(tid, 0) < 0 && errno == ESRCH;
}

/* Twice the places, without the threads that have ended. */
static int grow(struct threads *t) {
        size_t n_places = t->n_places * 2;
        struct thread *places = calloc(n_places, sizeof(*places));

        if (!places)
                return -ENOMEM;

        t->n_used = 0;
        for (size_t i = 0; i < t->n_places; i++) {
                struct thread *old = &t->places[i];

                if (!old->tid)
                        continue;
                if (is_dead(old->tid)) {
                        free(old->counts);
                        continue;
                }
                *find_place(places, n_places, old->tid) = *old;
                t->n_used++;
        }
        free(t->places);
        t->places = places;
        t->n_places = n_places;
        return 0;
}

struct thread *threads_get(struct threads *t, pid_t tid, uint64_t now_us) {
        struct thread *th = find_place(t->places, t->n_places, tid);

        if (!th->tid) {
                if ((t->n_used + 1) * 4 > t->n_places * 3) {
                        if (grow(t) < 0)
                                return NULL;
                        th = find_place(t->places, t->n_places, tid);
                }
                th->counts = calloc(t->n_counts, sizeof(*th->counts));
                if (!th->counts)
                        return NULL;

                th->tid = tid;
                th->number = t->n_seen++;
                th->start_time = read_start_time(tid);
                t->n_used++;
        } else if (now_us - th->seen_us > REUSE_AFTER_US && read_start_time(tid) != th->start_time) {
                memset(th->counts, 0, t->n_counts * sizeof(*th->counts));
                th->number = t->n_seen++;
                th->start_time = read_start_time(tid);
        }
        th->seen_us = now_us;
        return th;
}
