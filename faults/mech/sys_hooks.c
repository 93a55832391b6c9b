#include "faults/mech/sys_hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/sys_lsm.skel.h"
#include "bpf/sys_override.skel.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"
#include "faults/mech/bpf.h"
#include "faults/target/procfs.h"

DEFINE_SCOPED(struct holds, holds_free)

/* Entry points as SYSCALL_DEFINE names them. */
#if defined(__x86_64__)
#define ENTRY_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define ENTRY_PREFIX "__arm64_sys_"
#elif defined(__riscv)
#define ENTRY_PREFIX "__riscv_sys_"
#elif defined(__s390x__)
#define ENTRY_PREFIX "__s390x_sys_"
#else
#define ENTRY_PREFIX "sys_"
#endif

/* A child that is born while we look may have a parent that we have not marked yet: look again until nothing is new. */
#define DESCENDANT_PASSES 16

#define LINKS_MAX (SYS_ERRNO_SLOTS + 1)

struct sys_hooks {
        struct sys_override *override; /* one of the two */
        struct sys_lsm *lsm;
        struct bpf_object *object; /* borrowed from it */
        struct bpf_link *links[LINKS_MAX];
        size_t n_links;
        struct sys_errno_rule rule; /* what the kernel has */
        int rule_fd, state_fd, members_fd, cgroups_fd;
};

static const char *const hook_programs[] = {
        [SYS_HOOK_OPEN] = "chaos_file_open",
        [SYS_HOOK_READ] = "chaos_file_permission",
        [SYS_HOOK_WRITE] = "chaos_file_permission",
        [SYS_HOOK_IOCTL] = "chaos_file_ioctl",
        [SYS_HOOK_MMAP] = "chaos_mmap_file",
        [SYS_HOOK_UNLINK] = "chaos_inode_unlink",
        [SYS_HOOK_MKDIR] = "chaos_inode_mkdir",
        [SYS_HOOK_RMDIR] = "chaos_inode_rmdir",
        [SYS_HOOK_RENAME] = "chaos_inode_rename",
        [SYS_HOOK_LINK] = "chaos_inode_link",
        [SYS_HOOK_SYMLINK] = "chaos_inode_symlink",
        [SYS_HOOK_SOCKET] = "chaos_socket_create",
        [SYS_HOOK_BIND] = "chaos_socket_bind",
        [SYS_HOOK_CONNECT] = "chaos_socket_connect",
        [SYS_HOOK_LISTEN] = "chaos_socket_listen",
        [SYS_HOOK_ACCEPT] = "chaos_socket_accept",
        [SYS_HOOK_SENDMSG] = "chaos_socket_sendmsg",
        [SYS_HOOK_RECVMSG] = "chaos_socket_recvmsg",
        [SYS_HOOK_EXEC] = "chaos_exec",
        [SYS_HOOK_FORK] = "chaos_task_alloc",
        [SYS_HOOK_KILL] = "chaos_task_kill",
};
_Static_assert(ARRAY_SIZE(hook_programs) == SYS_HOOK_COUNT, "one program per hook");

static void sys_hooks_free(void *thing) {
        struct sys_hooks *k = thing;

        while (k->n_links > 0)
                (void)bpf_link__destroy(k->links[--k->n_links]);
        sys_override__destroy(k->override);
        sys_lsm__destroy(k->lsm);
        free(k);
}

static int add_link(struct sys_hooks *k, struct bpf_link *link, const char *what, struct err *e) {
        int r = link ? 0 : -errno;

        if (r < 0)
                return bpf_fail(e, r, what);

        k->links[k->n_links++] = link;
        return 0;
}

static int attach_call(struct sys_hooks *k, const char *call, unsigned slot, struct err *e) {
        LIBBPF_OPTS(bpf_kprobe_opts, opts, .bpf_cookie = slot);
        char entry[80], what[100];

        (void)snprintf(entry, sizeof(entry), ENTRY_PREFIX "%s", call);
        (void)snprintf(what, sizeof(what), "attach to %s", entry);
        return add_link(k, bpf_program__attach_kprobe_opts(k->override->progs.chaos_override, entry, &opts), what, e);
}

/* Asked with the smallest program there is, for the refusal of the real one could have any reason. */
static bool is_override_refused(void) {
        const struct bpf_insn program[] = {
                { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
                { .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_override_return },
                { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
                { .code = BPF_JMP | BPF_EXIT },
        };
        SCOPED_FD int fd =
                bpf_prog_load(BPF_PROG_TYPE_KPROBE, "chaos_probe", "GPL", program, ARRAY_SIZE(program), NULL);

        return fd < 0 && errno == EINVAL;
}

static int load_override(struct sys_hooks *k, const struct sys_hooks_spec *spec, struct err *e) {
        int r;

        k->override = sys_override__open();
        if (!k->override)
                return bpf_fail(e, -errno, "open sys_override");

        r = sys_override__load(k->override);
        if (r < 0 && is_override_refused())
                return err_set(e, -EOPNOTSUPP,
                               "kernel without CONFIG_BPF_KPROBE_OVERRIDE: bpf_override_return was "
                               "refused by the verifier");
        if (r < 0)
                return bpf_fail(e, r, "load sys_override");

        k->object = k->override->obj;
        r = add_link(k, bpf_program__attach(k->override->progs.chaos_fork), "attach to sched_process_fork", e);
        for (size_t i = 0; r == 0 && i < spec->n_calls; i++)
                r = attach_call(k, spec->calls[i], (unsigned)i, e);
        return r;
}

static bool is_wanted(const struct bpf_program *p, uint32_t hooks) {
        if (strcmp(bpf_program__name(p), "chaos_fork") == 0)
                return true;
        for (unsigned i = 0; i < SYS_HOOK_COUNT; i++)
                if (hooks & (1U << i) && strcmp(bpf_program__name(p), hook_programs[i]) == 0)
                        return true;
        return false;
}

static int load_lsm(struct sys_hooks *k, const struct sys_hooks_spec *spec, struct err *e) {
        struct bpf_program *p;
        int r;

        k->lsm = sys_lsm__open();
        if (!k->lsm)
                return bpf_fail(e, -errno, "open sys_lsm");

        bpf_object__for_each_program(p, k->lsm->obj) {
                (void)bpf_program__set_autoload(p, is_wanted(p, spec->hooks));
        }
        r = sys_lsm__load(k->lsm);
        if (r < 0)
                return bpf_fail(e, r, "load sys_lsm");

        k->object = k->lsm->obj;
        bpf_object__for_each_program(p, k->lsm->obj) {
                char what[80];

                if (!is_wanted(p, spec->hooks))
                        continue;
                (void)snprintf(what, sizeof(what), "attach %s", bpf_program__name(p));
                r = add_link(k, bpf_program__attach(p), what, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int write_rule(struct sys_hooks *k, const struct sys_errno_rule *rule, struct err *e) {
        __u32 zero = 0;

        if (bpf_map_update_elem(k->rule_fd, &zero, rule, BPF_ANY) < 0)
                return err_errno(e, "write the rule map");

        k->rule = *rule;
        return 0;
}

int sys_hooks_attach(struct holds *h, const struct sys_hooks_spec *spec, struct sys_hooks **ret, struct err *e) {
        struct sys_hooks *k = calloc(1, sizeof(*k));
        struct sys_errno_rule rule = {
                .seed = spec->seed, .when = spec->when, .ppm = spec->ppm, .error = (__u32)spec->error
        };
        int r;

        if (!k)
                return err_set(e, -ENOMEM, "no memory");

        r = holds_add(h, k, sys_hooks_free);
        if (r < 0)
                return err_set(e, r, "no memory");

        bpf_quiet();
        r = spec->backend == SYS_BY_OVERRIDE ? load_override(k, spec, e) : load_lsm(k, spec, e);
        if (r < 0)
                return r;

        k->rule_fd = bpf_object__find_map_fd_by_name(k->object, SYS_ERRNO_RULE_MAP);
        k->state_fd = bpf_object__find_map_fd_by_name(k->object, "chaos_sys_state");
        k->members_fd = bpf_object__find_map_fd_by_name(k->object, "chaos_members");
        k->cgroups_fd = bpf_object__find_map_fd_by_name(k->object, "chaos_cgroups");

        (void)snprintf(rule.uid, sizeof(rule.uid), "%s", spec->uid);
        rule.slots = spec->backend == SYS_BY_LSM ? spec->hooks : (__u32)((1ULL << spec->n_calls) - 1);
        r = write_rule(k, &rule, e);
        if (r == 0)
                *ret = k;
        return r;
}

/* 1 marked, 0 gone or marked already. */
static int mark_process(struct sys_hooks *k, int pidfd, struct err *e) {
        __u8 mark = 1;

        if (bpf_map_update_elem(k->members_fd, &pidfd, &mark, BPF_NOEXIST) == 0)
                return 1;
        if (errno == EEXIST || errno == ESRCH || errno == ENOENT)
                return 0;
        return err_errno(e, "mark a process as target");
}

/* One process of the list, when its parent is marked: the pidfd is opened first and the parent read again behind it, so
 * that the mark can only meet the process that was looked at. */
static int mark_if_child(struct sys_hooks *k, pid_t pid, struct err *e) {
        SCOPED_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), parent = -1;
        struct procfs_stat stat;
        __u8 mark;

        if (pidfd < 0 || procfs_read_stat(pid, &stat) < 0 || stat.ppid <= 1)
                return 0;

        parent = (int)syscall(SYS_pidfd_open, stat.ppid, 0);
        if (parent < 0 || bpf_map_lookup_elem(k->members_fd, &parent, &mark) < 0)
                return 0;
        return mark_process(k, pidfd, e);
}

static int mark_descendants(struct sys_hooks *k, unsigned *marked, struct err *e) {
        for (unsigned pass = 0; pass < DESCENDANT_PASSES; pass++) {
                SCOPED_FREE pid_t *pids = NULL;
                unsigned found = 0;
                size_t n;
                int r = procfs_list(&pids, &n);

                if (r < 0)
                        return err_set(e, r, "list processes");
                for (size_t i = 0; i < n; i++) {
                        r = mark_if_child(k, pids[i], e);
                        if (r < 0)
                                return r;
                        found += (unsigned)r;
                }
                if (!found)
                        return 0;
                *marked += found;
        }
        return err_set(e, -EAGAIN, "the target starts processes faster than they can be listed");
}

int sys_hooks_add_process(struct sys_hooks *k, pid_t pid, int pidfd, unsigned *ret, struct err *e) {
        unsigned marked;
        int r = mark_process(k, pidfd, e);

        (void)pid;
        if (r < 0)
                return r;

        marked = (unsigned)r;
        r = marked ? mark_descendants(k, &marked, e) : 0;
        if (r == 0)
                *ret = marked;
        return r;
}

int sys_hooks_add_cgroup(struct sys_hooks *k, int v2_fd, struct err *e) {
        struct sys_errno_rule rule = k->rule;

        if (rule.n_cgroups == SYS_ERRNO_CGROUPS_MAX)
                return err_set(e, -ENOSPC, "over %d cgroups in one fault", SYS_ERRNO_CGROUPS_MAX);
        if (bpf_map_update_elem(k->cgroups_fd, &rule.n_cgroups, &v2_fd, BPF_ANY) < 0)
                return err_errno(e, "add a cgroup");

        rule.n_cgroups++;
        return write_rule(k, &rule, e);
}

int sys_hooks_arm(struct sys_hooks *k, uint64_t deadline_us, struct err *e) {
        struct sys_errno_rule rule = k->rule;

        rule.deadline_ns = deadline_us * 1000;
        return write_rule(k, &rule, e);
}

int sys_hooks_read(struct sys_hooks *k, struct sys_errno_state *ret, struct err *e) {
        struct sys_errno_state state;
        __u32 zero = 0;

        if (bpf_map_lookup_elem(k->state_fd, &zero, &state) < 0)
                return err_errno(e, "read the counters");

        *ret = state;
        return 0;
}

/* An errno that opening /dev/null never gives by itself. */
#define PROBE_ERROR ENOTRECOVERABLE

int sys_hooks_probe(enum sys_backend backend, struct err *e) {
        static const char *const calls[] = { "openat" };
        const struct sys_hooks_spec spec = { .backend = backend,
                                             .calls = calls,
                                             .n_calls = 1,
                                             .uid = "probe",
                                             .hooks = 1U << SYS_HOOK_OPEN,
                                             .when = { 1, SYS_WHEN_NO_END, 1 },
                                             .ppm = SYS_PPM_ALWAYS,
                                             .error = PROBE_ERROR };
        SCOPED(holds_freep) struct holds *h = holds_new();
        SCOPED_FD int self = (int)syscall(SYS_pidfd_open, getpid(), 0), fd = -1;
        struct sys_hooks *k;
        int r;

        if (!h || self < 0)
                return err_errno(e, "probe");

        r = sys_hooks_attach(h, &spec, &k, e);
        if (r < 0)
                return err_wrap(e, -EOPNOTSUPP, "not on this kernel");

        r = mark_process(k, self, e);
        if (r < 0)
                return r;

        r = sys_hooks_arm(k, clock_boottime_us() + USEC_PER_SEC, e);
        if (r < 0)
                return r;

        fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
        r = fd < 0 && errno == PROBE_ERROR;
        (void)sys_hooks_arm(k, 0, NULL);
        if (r)
                return 0;
        if (backend == SYS_BY_LSM)
                return err_set(e, -EOPNOTSUPP,
                               "the program was attached, but the kernel never asked it: 'bpf' is not in "
                               "the list of security modules (boot parameter lsm=)");
        return err_set(e, -EOPNOTSUPP, "the program was attached, but a call did not fail as it was told to");
}

/* The map's element, when this is one of ours and of the fault in question. */
static int open_rule(__u32 id, const char *uid, struct sys_errno_rule *ret) {
        SCOPED_FD int fd = bpf_map_get_fd_by_id(id);
        struct bpf_map_info info = { 0 };
        __u32 len = sizeof(info), zero = 0;

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || strcmp(info.name, SYS_ERRNO_RULE_MAP) != 0 ||
            info.value_size != sizeof(*ret) || bpf_map_lookup_elem(fd, &zero, ret) < 0)
                return -ENOENT;
        if (uid && strncmp(uid, ret->uid, sizeof(ret->uid)) != 0)
                return -ENOENT;
        return TAKE_FD(fd);
}

int sys_hooks_disarm(const char *uid, bool dry_run, void (*found)(void *arg, const char *uid), void *arg, unsigned *ret,
                     struct err *e) {
        unsigned n = 0;
        __u32 id = 0;

        while (bpf_map_get_next_id(id, &id) == 0) {
                struct sys_errno_rule rule;
                SCOPED_FD int fd = open_rule(id, uid, &rule);
                __u32 zero = 0;

                if (fd < 0)
                        continue;

                n++;
                rule.uid[sizeof(rule.uid) - 1] = 0;
                if (found)
                        found(arg, rule.uid);
                rule.deadline_ns = 0;
                if (!dry_run && bpf_map_update_elem(fd, &zero, &rule, BPF_ANY) < 0)
                        return err_errno(e, "disarm the rule of fault %s", rule.uid);
        }
        if (errno != ENOENT)
                return err_errno(e, "list BPF maps");

        *ret = n;
        return 0;
}
