/* paths.h — the runtime directory and what lies in it. */
#pragma once

struct err;

#define PATHS_MAX    4096
#define PATHS_LOCK   "lock"
#define PATHS_HALTED "halted"

/* paths_make_runtime_dir — create it (0755) when missing; refuse one that others can write to. */
int paths_make_runtime_dir(const char *dir, struct err *e);

/* paths_join — DIR/NAME into buf[PATHS_MAX]; -ENAMETOOLONG. */
int paths_join(char *buf, const char *dir, const char *name, struct err *e);

/* paths_open_self — pidfd of this process, or -1. */
int paths_open_self(void);
