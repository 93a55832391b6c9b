/* notif.h — the kernel's side of seccomp notifications, and the memory that launcher and guard share. */
#pragma once

#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* How many calls may wait for an answer at once (delays); with all slots taken, more are not even received. */
#define NOTIF_SLOTS 4096

/* Shared by launcher, guard and, until its execve, the command. The kernel itself writes each notification into a
 * slot, so there is no moment at which a received call is known only to a launcher that may be killed: the guard
 * answers every slot that is in use. A slot is free when all its bytes are zero. */
struct notif_shared {
        _Atomic int listener;   /* descriptor number, -1 until the command has its filter */
        _Atomic int fail_errno; /* of the command's process before or in execve; 0 = none */
        _Atomic int fail_step;  /* enum notif_step */
        _Atomic int release;    /* the launcher is ending and wants the guard to answer everything */
        int child_pidfd;        /* written by clone(); -1 before */
        size_t slot_size;
        char slots[]; /* NOTIF_SLOTS times slot_size */
};

enum notif_step { NOTIF_STEP_NONE, NOTIF_STEP_NNP, NOTIF_STEP_FILTER, NOTIF_STEP_EXEC };

/* notif_shared_new — anonymous shared memory, zeroed. Never freed. Returns 0 or -errno (old kernel: with words). */
int notif_shared_new(struct notif_shared **ret, struct err *e);

static inline struct seccomp_notif *notif_slot(struct notif_shared *s, size_t i) {
        return (struct seccomp_notif *)(s->slots + i * s->slot_size);
}

/* notif_receive — the next call into slot i. 0; -ENOENT its thread died meanwhile; -EINTR; -errno. */
int notif_receive(struct notif_shared *s, int listener, size_t i);

/* notif_answer — and free the slot. error: negative errno or 0; flags: SECCOMP_USER_NOTIF_FLAG_CONTINUE or 0.
 * 0; -ENOENT when nobody waits any more. */
int notif_answer(struct notif_shared *s, int listener, size_t i, int error, int64_t value, uint32_t flags);

/* Still the same thread in the same call? What was read about it before this said yes is true. */
int notif_is_valid(struct notif_shared *s, int listener, size_t i);

/* Fewer context switches per call where the kernel can (6.6): waking hands the processor over at once. */
void notif_set_sync_wakeup(int listener);
