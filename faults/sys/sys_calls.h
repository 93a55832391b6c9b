/* sys_calls.h — which arguments of a system call name a file, and which family it belongs to. Names only: numbers
 * differ per machine and are the launcher's and the kernel's business. */
#pragma once

#include <stddef.h>

enum sys_group {
        SYS_GROUP_FILE = 1 << 0,    /* takes a path */
        SYS_GROUP_DESC = 1 << 1,    /* takes or makes a descriptor */
        SYS_GROUP_NETWORK = 1 << 2, /* sockets */
        SYS_GROUP_PROCESS = 1 << 3, /* makes, ends or waits for processes */
};

#define SYS_NO_ARG (-1)

struct sys_call {
        const char *name;
        unsigned groups;
        int dirfd[2]; /* argument that the path before it is relative to; SYS_NO_ARG = the working directory */
        int path[2];  /* argument number of a path, or SYS_NO_ARG */
        int fd;       /* argument number of a descriptor that is acted on, or SYS_NO_ARG */
};

/* NULL when the table does not know it: such a call takes neither path nor descriptor that a rule could ask for. */
const struct sys_call *sys_call_find(const char *name);

/* Every row of the table, n of them. */
const struct sys_call *sys_call_all(size_t *ret_n);

/* "%file" → SYS_GROUP_FILE; 0 when there is no such group. */
unsigned sys_group_find(const char *name);
extern const char *const sys_group_names[]; /* NULL-ended, with the percent sign */
