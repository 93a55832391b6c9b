#include "faults/sys/launcher/notif.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"

/* Newer than Debian 12's headers. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

int notif_shared_new(struct notif_shared **ret, struct err *e) {
        struct seccomp_notif_sizes sizes;
        struct notif_shared *s;
        size_t slot;

        if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
                return err_errno(e, "this kernel has no seccomp user notification (Linux 5.0, CONFIG_SECCOMP_FILTER)");

        /* The kernel may know a longer struct than our headers, and writes all of it. */
        slot = sizes.seccomp_notif > sizeof(struct seccomp_notif) ? sizes.seccomp_notif : sizeof(struct seccomp_notif);
        slot = (slot + 7) & ~(size_t)7;
        s = mmap(NULL, sizeof(*s) + NOTIF_SLOTS * slot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s == MAP_FAILED)
                return err_errno(e, "mmap");

        s->listener = -1;
        s->child_pidfd = -1;
        s->slot_size = slot;
        *ret = s;
        return 0;
}

int notif_receive(struct notif_shared *s, int listener, size_t i) {
        return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notif_slot(s, i)) < 0 ? -errno : 0;
}

int notif_answer(struct notif_shared *s, int listener, size_t i, int error, int64_t value, uint32_t flags) {
        struct seccomp_notif *n = notif_slot(s, i);
        struct seccomp_notif_resp answer = { .id = n->id, .val = value, .error = error, .flags = flags };
        int r = ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -errno : 0;

        memset(n, 0, s->slot_size);
        return r;
}

int notif_is_valid(struct notif_shared *s, int listener, size_t i) {
        return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif_slot(s, i)->id) == 0;
}

void notif_set_sync_wakeup(int listener) {
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}
