/* holds.h — a bag of things that live exactly as long as a fault in this process: descriptors, BPF links,
 * children. Released last-in first-out; the kernel releases them when the process dies. */
#pragma once

struct holds;

struct holds *holds_new(void); /* NULL = no memory */
/* Release everything, then the bag. Accepts NULL. */
void holds_free(struct holds *h);

/* holds_add — on failure (-ENOMEM) the thing is released at once, so the caller never leaks. */
int holds_add(struct holds *h, void *thing, void (*release)(void *thing));
int holds_add_fd(struct holds *h, int fd);
