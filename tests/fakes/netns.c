/* Fake network namespaces: one for everything, plus scratch ones in which nothing is remembered (see tc.c). */
#include "faults/mech/netns.h"

#include <stdio.h>

#include "core/err.h"
#include "core/scoped.h"
#include "fakes/fake_kernel.h"

#define INODE 4026532000U /* as in targets.c */

static int open_fake(const char *key, int *ret, struct err *e) {
        int fd = fake_fd(key, "held");

        if (fd < 0)
                return err_set(e, fd, "no descriptor");

        *ret = fd;
        return 0;
}

int netns_run(int netns_fd, int (*run)(void *arg, struct err *e), void *arg, struct err *e) {
        int r = fake_step("netns_run", e);

        (void)netns_fd;
        return r < 0 ? r : run(arg, e);
}

int netns_inode(int netns_fd, uint64_t *ret, struct err *e) {
        int r = fake_step("netns_inode", e);

        if (r < 0)
                return r;
        *ret = netns_fd < 0 ? 1 : INODE;
        return 0;
}

bool netns_is_host(uint64_t inode) {
        return inode == 1;
}

int netns_path(uint64_t inode, char *ret, unsigned size, struct err *e) {
        int r = fake_step("netns_path", e);

        if (r < 0)
                return r;
        (void)snprintf(ret, size, "/run/netns/fake %llu", (unsigned long long)inode);
        return 0;
}

int netns_find(uint64_t inode, const char *hint, int *ret_fd, struct err *e) {
        int r = fake_step("netns_find", e);

        (void)inode;
        (void)hint;
        return r < 0 ? r : open_fake("netns-found", ret_fd, e);
}

int netns_each(int (*seen)(void *arg, int fd, const char *path, struct err *e), void *arg, struct err *e) {
        SCOPED_FD int fd = -1;
        int r = fake_step("netns_each", e);

        if (r >= 0)
                r = open_fake("netns-seen", &fd, e);
        return r < 0 ? r : seen(arg, fd, "/run/netns/fake", e);
}

int netns_scratch(int *ret_fd, struct err *e) {
        int r = fake_step("netns_scratch", e);

        return r < 0 ? r : open_fake("netns-scratch", ret_fd, e);
}
