/* A cgroup of the fake host is known by its path and runs, unless "frozen:PATH" says otherwise. It has four processes.
 * No test needs to make it. Its descriptors may be anything, v2's -1 means v1. */
#include "faults/mech/freezer.h"

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/target/target.h"

#define PROCESSES 4
#define ID        77

static const char *key_of(const char *path) {
        return fake_key("frozen:%s", path);
}

int freezer_probe(struct err *e) {
        return fake_step("freezer_probe", e);
}

int freezer_choose(const struct target_cgroup *cg, struct freezer *ret, struct err *e) {
        int r = fake_step("freezer_choose", e);

        if (r == 0)
                *ret = (struct freezer){ cg->v2_fd >= 0 ? FREEZER_V2 : FREEZER_V1, -1, cg->path, ID };
        return r;
}

int freezer_open(enum freezer_version version, const char *path, uint64_t id, struct freezer *ret, struct err *e) {
        int r = fake_step("freezer_open", e);

        if (r == 0)
                *ret = (struct freezer){ version, -1, path, id };
        return r;
}

void freezer_close(struct freezer *f) {
        (void)f;
}

int freezer_read(const struct freezer *f, struct freezer_state *ret, struct err *e) {
        bool frozen = fake_get(key_of(f->path));
        int r = fake_step("freezer_read", e);

        if (r == 0)
                *ret = (struct freezer_state){ .asked = frozen, .frozen = frozen, .processes = PROCESSES };
        return r;
}

int freezer_set(const struct freezer *f, bool frozen, struct err *e) {
        int r = fake_step("freezer_set", e);

        if (r < 0)
                return r;

        if (frozen)
                fake_set(key_of(f->path), "v%d", (int)f->version);
        else
                (void)fake_del(key_of(f->path));
        return 0;
}

int freezer_wait(const struct freezer *f, int timeout_ms) {
        (void)timeout_ms;
        return fake_get(key_of(f->path)) != NULL;
}
