#include "faults/sys/launcher/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/scoped.h"

/* Beyond every native table: new calls get numbers below 600 on all architectures. */
#define NUMBER_END 1024

DEFINE_SCOPED(void, seccomp_release)

int filter_load_names(struct sys_names *ret, struct err *e) {
        const char **words = calloc(NUMBER_END, sizeof(*words));
        size_t n = 0;

        if (!words)
                return err_set(e, -ENOMEM, "no memory");

        for (int nr = 0; nr < NUMBER_END; nr++) {
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

                if (name)
                        words[n++] = name;
        }

        *ret = (struct sys_names){ .words = words, .n = n };
        return 0;
}

void filter_free_names(struct sys_names *names) {
        for (size_t i = 0; i < names->n; i++)
                free((void *)names->words[i]);
        free((void *)names->words);
}

int filter_call_number(const char *name) {
        return seccomp_syscall_resolve_name(name);
}

static int add_rules(scmp_filter_ctx ctx, const struct sys_rule *rules, size_t n_rules, struct err *e) {
        for (size_t i = 0; i < n_rules; i++)
                for (size_t c = 0; c < rules[i].n_calls; c++) {
                        int r = seccomp_rule_add_array(ctx, SCMP_ACT_NOTIFY, filter_call_number(rules[i].calls[c]), 0,
                                                       NULL);

                        /* -EEXIST: an earlier rule names the same call. */
                        if (r < 0 && r != -EEXIST)
                                return err_set(e, r, "filter for %s", rules[i].calls[c]);
                }
        return 0;
}

static int read_program(int fd, struct sock_fprog *ret, struct err *e) {
        SCOPED_FREE struct sock_filter *code = NULL;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_errno(e, "fstat");

        code = malloc((size_t)st.st_size);
        if (!code)
                return err_set(e, -ENOMEM, "no memory");
        if (pread(fd, code, (size_t)st.st_size, 0) != st.st_size)
                return err_set(e, -EIO, "read the filter");

        ret->len = (unsigned short)((size_t)st.st_size / sizeof(*code));
        ret->filter = TAKE_PTR(code);
        return 0;
}

/* A plain errno on every call could be a static SCMP_ACT_ERRNO, free of any round trip. But it could not be counted,
 * could not end at a deadline and could never be taken back: so every call asks us. */
int filter_build(const struct sys_rule *rules, size_t n_rules, struct sock_fprog *ret, struct err *e) {
        SCOPED(seccomp_releasep) void *ctx = seccomp_init(SCMP_ACT_ALLOW);
        SCOPED_FD int fd = -1;
        int r;

        if (!ctx)
                return err_set(e, -ENOMEM, "seccomp_init failed");

        r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
        if (r < 0)
                return err_set(e, r, "seccomp_attr_set failed");

        /* 2: a binary tree, so that the cost for calls that are not asked about stays small with whole groups. */
        (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        r = add_rules(ctx, rules, n_rules, e);
        if (r < 0)
                return r;

        fd = memfd_create("chaos-filter", MFD_CLOEXEC);
        if (fd < 0)
                return err_errno(e, "memfd_create");

        /* Exported and loaded by hand: libseccomp 2.5 cannot ask for SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV. */
        r = seccomp_export_bpf(ctx, fd);
        if (r < 0)
                return err_set(e, r, "seccomp_export_bpf failed");

        return read_program(fd, ret, e);
}
