// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* sys_override — one program on the entry of each chosen system call: a call whose turn it is returns an errno and
 * never runs. Needs CONFIG_BPF_KPROBE_OVERRIDE. */
#include "bpf/sys_members.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The link's cookie says which call this is: the slot of its counters. */
SEC("kprobe")
int chaos_override(struct pt_regs *ctx) {
        __u32 error = sys_decide((__u32)bpf_get_attach_cookie(ctx));

        if (error)
                bpf_override_return(ctx, (unsigned long)-(long)error);
        return 0;
}
