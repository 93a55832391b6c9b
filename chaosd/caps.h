/* caps.h — what the daemon may still do as root: only what a fault kind needs. The only door to libcap. */
#pragma once

struct err;

/* caps_drop — keep the listed capabilities that we have, drop every other from the permitted, effective, inheritable
 * and bounding sets, and set no_new_privs. Returns 0 or -errno. */
int caps_drop(struct err *e);
