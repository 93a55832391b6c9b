/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* kernel_types.h — the few fields of kernel structs that our programs read. libbpf finds their real places in the
 * running kernel's BTF (CO-RE), so this needs no vmlinux.h and fits no single kernel version. */
#pragma once

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
        struct task_struct *group_leader;
};

struct file {
        unsigned int f_flags;
};

#pragma clang attribute pop
