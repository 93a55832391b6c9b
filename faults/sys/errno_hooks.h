/* errno_hooks.h — which security hook stands for which system calls. Hooks are coarser than calls: asking for write
 * also refuses pwrite64 and writev. Pure tables. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/sys_errno.h"

struct err;

/* errno_hooks_for — the bits (1 << enum sys_hook) that these calls need. 0, or -EOPNOTSUPP naming the first call that
 * no hook stands for. */
int errno_hooks_for(const char *const *calls, size_t n, uint32_t *ret, struct err *e);

/* "file_open" … as the kernel names it; read and write, which share one, as "file_permission:read" and ":write". */
const char *errno_hook_name(enum sys_hook hook);
