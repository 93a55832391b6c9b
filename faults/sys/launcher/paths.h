/* paths.h — which files a waiting call is about, for path= rules.
 * What is read here is what the command's memory said a moment ago: another thread of it can change the text before
 * the kernel reads it. So path= chooses what to break; it is no access control (seccomp_unotify(2)). */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>

struct sys_call;

/* paths_match — is any path of this call, made absolute and without "." and "..", matched by the pattern? Symbolic
 * links are not followed. For calls on a descriptor: the name under which it is open. */
bool paths_match(const struct seccomp_notif *n, const struct sys_call *call, const char *pattern);
