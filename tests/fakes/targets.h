/* targets.h — the fake resolver: turns a parsed target into fake kernel objects, whatever the names. */
#pragma once

#include "faults/target/target.h"

/* fake_target — what target_resolve() would have returned if everything named in spec existed:
 *   pid, process  → processes "process:4242" (one; for pid: [..] each of them), comm nginx
 *   cgroup, unit … → "cgroup:PATH" with a version 2 directory; the kind's TARGET_MEMBERS bit adds a process
 *   netns         → a descriptor "netns:NAME"        interface → "link:NAME", index 7
 *   path          → a descriptor "path:PATH"
 * Free with target_free(); then the descriptors' objects are gone, the others stay until fake_reset(). */
struct target *fake_target(const struct target_spec *spec, uint64_t accepted);
