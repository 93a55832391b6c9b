#include "fakes/fake_kernel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "faults/holds.h"

#define OBJECTS_MAX 256

struct object {
        char key[160];
        char *state;
        int fd;    /* -1: not tied to a descriptor */
        ino_t ino; /* of fd when it was made: tells it from a later file with the same number */
};

static struct {
        struct object objects[OBJECTS_MAX]; /* sorted by key */
        unsigned n;
        unsigned steps, fail_at;
        char failed[64];
} kernel;

static void remove_at(unsigned i) {
        free(kernel.objects[i].state);
        memmove(&kernel.objects[i], &kernel.objects[i + 1], (kernel.n - i - 1) * sizeof(kernel.objects[0]));
        kernel.n--;
}

static bool is_open(const struct object *o) {
        struct stat st;

        return o->fd < 0 || (fstat(o->fd, &st) == 0 && st.st_ino == o->ino);
}

static void drop_closed(void) {
        for (unsigned i = kernel.n; i > 0; i--)
                if (!is_open(&kernel.objects[i - 1]))
                        remove_at(i - 1);
}

static struct object *find(const char *key) {
        drop_closed();
        for (unsigned i = 0; i < kernel.n; i++)
                if (strcmp(kernel.objects[i].key, key) == 0)
                        return &kernel.objects[i];
        return NULL;
}

static struct object *insert(const char *key) {
        unsigned i = 0;

        if (kernel.n == OBJECTS_MAX || strlen(key) >= sizeof(kernel.objects[0].key)) {
                (void)fprintf(stderr, "fake kernel: no room for '%s'\n", key);
                abort();
        }

        while (i < kernel.n && strcmp(kernel.objects[i].key, key) < 0)
                i++;
        memmove(&kernel.objects[i + 1], &kernel.objects[i], (kernel.n - i) * sizeof(kernel.objects[0]));
        kernel.n++;
        kernel.objects[i] = (struct object){ .fd = -1 };
        (void)snprintf(kernel.objects[i].key, sizeof(kernel.objects[i].key), "%s", key);
        return &kernel.objects[i];
}

__attribute__((format(printf, 2, 0))) static struct object *set(const char *key, const char *fmt, va_list ap) {
        struct object *o = find(key);
        char *state;

        if (vasprintf(&state, fmt, ap) < 0)
                abort();
        if (!o)
                o = insert(key);

        free(o->state);
        o->state = state;
        return o;
}

void fake_reset(void) {
        while (kernel.n > 0)
                remove_at(kernel.n - 1);
        fake_fail_at(0);
}

char *fake_snapshot(void) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                abort();

        drop_closed();
        for (unsigned i = 0; i < kernel.n; i++)
                (void)fprintf(f, "%s = %s\n", kernel.objects[i].key, kernel.objects[i].state);
        if (fclose(f) != 0)
                abort();
        return text;
}

void fake_fail_at(unsigned n) {
        kernel.steps = 0;
        kernel.fail_at = n;
        kernel.failed[0] = '\0';
}

unsigned fake_steps(void) {
        return kernel.steps;
}

const char *fake_failed(void) {
        return kernel.failed;
}

int fake_step(const char *name, struct err *e) {
        if (++kernel.steps != kernel.fail_at)
                return 0;

        (void)snprintf(kernel.failed, sizeof(kernel.failed), "%s", name);
        return err_set(e, -EIO, "%s: injected failure", name);
}

void fake_set(const char *key, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        (void)set(key, fmt, ap);
        va_end(ap);
}

const char *fake_get(const char *key) {
        struct object *o = find(key);

        return o ? o->state : NULL;
}

bool fake_del(const char *key) {
        struct object *o = find(key);

        if (o)
                remove_at((unsigned)(o - kernel.objects));
        return o;
}

const char *fake_key(const char *fmt, ...) {
        static char keys[8][160];
        static unsigned next;
        char *key = keys[next++ % 8];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(key, sizeof(keys[0]), fmt, ap);
        va_end(ap);
        return key;
}

static void release_owned(void *thing) {
        (void)fake_del(thing);
        free(thing);
}

int fake_own(struct holds *h, const char *key, const char *fmt, ...) {
        char *copy = strdup(key);
        va_list ap;

        if (!copy)
                return -ENOMEM;

        va_start(ap, fmt);
        (void)set(key, fmt, ap);
        va_end(ap);
        return holds_add(h, copy, release_owned);
}

int fake_fd(const char *key, const char *fmt, ...) {
        int fd = memfd_create("fake", MFD_CLOEXEC);
        struct object *o;
        struct stat st;
        va_list ap;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;

        va_start(ap, fmt);
        o = set(key, fmt, ap);
        va_end(ap);
        o->fd = fd;
        o->ino = st.st_ino;
        return fd;
}

const char *fake_fd_key(int fd) {
        drop_closed();
        for (unsigned i = 0; i < kernel.n; i++)
                if (fd >= 0 && kernel.objects[i].fd == fd)
                        return kernel.objects[i].key;
        return NULL;
}
