#include "faults/holds.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct hold {
        void *thing;
        void (*release)(void *thing);
        struct hold *older;
};

struct holds {
        struct hold *newest;
};

struct holds *holds_new(void) {
        return calloc(1, sizeof(struct holds));
}

void holds_free(struct holds *h) {
        if (!h)
                return;

        while (h->newest) {
                struct hold *hold = h->newest;

                h->newest = hold->older;
                hold->release(hold->thing);
                free(hold);
        }
        free(h);
}

int holds_add(struct holds *h, void *thing, void (*release)(void *thing)) {
        struct hold *hold = calloc(1, sizeof(*hold));

        if (!hold) {
                release(thing);
                return -ENOMEM;
        }

        *hold = (struct hold){ .thing = thing, .release = release, .older = h->newest };
        h->newest = hold;
        return 0;
}

static void close_fd(void *thing) {
        (void)close((int)(intptr_t)thing);
}

int holds_add_fd(struct holds *h, int fd) {
        return holds_add(h, (void *)(intptr_t)fd, close_fd);
}
