/* prober.h — find out which backends work without holding the event loop up: a child tries them and tells. It takes
 * the memory that trying takes (kernel type information for BPF) along when it goes. */
#pragma once

#include <stdbool.h>

#include "faults/fault.h"

struct daemon;
struct prober;

/* prober_is_ready — are the answers for this kind (NULL: for every kind) there? If not, a child is started, unless one
 * is at work already; server_wake() is called when it has finished. An answer comes in any case: what the child did not
 * find out in PROBER_LIMIT_S counts as not working. */
#define PROBER_LIMIT_S 20
bool prober_is_ready(struct daemon *d, const struct fault_ops *ops);

void prober_free(struct prober *p);
