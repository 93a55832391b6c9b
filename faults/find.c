/* find.c — a kind by name. On its own, because whoever links this links every kind of the build. */
#include <string.h>

#include "faults/fault.h"

const struct fault_ops *fault_find(const char *name) {
        for (const struct fault_ops *const *f = fault_table; *f; f++)
                if (strcmp((*f)->name, name) == 0)
                        return *f;
        return NULL;
}
