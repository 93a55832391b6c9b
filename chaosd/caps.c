#include "chaosd/caps.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "core/err.h"
#include "core/scoped.h"

/* Linux 5.8; the number is ABI (linux/capability.h), libcap's own header may be older than the kernel. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static const cap_value_t kept[] = {
        CAP_NET_ADMIN,    /* net.*: clsact, filters, our own devices; BPF classifiers and cgroup programs */
        CAP_NET_RAW,      /* net.delay: the relay lane's packet socket */
        CAP_SYS_NICE,     /* net.delay: the relay's realtime priority */
        CAP_IPC_LOCK,     /* net.delay: the relay's memory stays in memory */
        CAP_SYS_ADMIN,    /* setns() into a target's network namespace; BPF below 5.8; cgroup v1 */
        CAP_BPF,          /* sys.*, net.*: loading programs and maps */
        CAP_PERFMON,      /* sys.*: tracing programs; finding objects that carry our mark */
        CAP_KILL,         /* proc.*: signals to processes of other users */
        CAP_SYS_PTRACE,   /* targets: /proc/PID/exe and /proc/PID/ns of other users' processes */
        CAP_DAC_OVERRIDE, /* disk.fill: directories of other users; cgroup.procs of delegated cgroups */
        CAP_SYS_RESOURCE, /* RLIMIT_MEMLOCK for BPF below 5.11; disk.fill: the share that is reserved for root */
        CAP_SETUID,       /* children become nobody (child_confine) */
        CAP_SETGID,       /* … and leave root's groups */
};

static int is_kept(cap_value_t cap) {
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (kept[i] == cap)
                        return 1;
        return 0;
}

static int limit_sets(cap_t now, cap_t next, struct err *e) {
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
                cap_flag_value_t have = CAP_CLEAR;

                if (cap_get_flag(now, kept[i], CAP_PERMITTED, &have) < 0 || have == CAP_CLEAR)
                        continue;
                if (cap_set_flag(next, CAP_PERMITTED, 1, &kept[i], CAP_SET) < 0 ||
                    cap_set_flag(next, CAP_EFFECTIVE, 1, &kept[i], CAP_SET) < 0)
                        return err_errno(e, "cannot compose capabilities");
        }

        if (cap_set_proc(next) < 0)
                return err_errno(e, "cannot drop capabilities");

        return 0;
}

int caps_drop(struct err *e) {
        cap_t now = cap_get_proc(), next = cap_init();
        int r = 0;

        /* The bounding set first: dropping from it needs CAP_SETPCAP, which goes next. Without it (not root) there
         * is nothing that an exec could regain, for no_new_privs is set. */
        for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
                if (!is_kept(cap))
                        (void)cap_drop_bound(cap);

        if (!now || !next)
                r = err_errno(e, "cannot read capabilities");
        else
                r = limit_sets(now, next, e);
        (void)cap_free(now);
        (void)cap_free(next);
        if (r < 0)
                return r;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return err_errno(e, "cannot set no_new_privs");

        return 0;
}
