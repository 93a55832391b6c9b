/* kinds_main.c — build tool: prints the catalogue of kinds as JSON, for core/kinds.h, schemas and man pages. */
#include <stdio.h>

#include "faults/fault.h"
#include "faults/target/target.h"

int main(void) {
        json_t *kinds = json_array();
        json_t *root;

        for (const struct fault_ops *const *f = fault_table; *f; f++)
                (void)json_array_append_new(kinds, fault_describe(*f));

        root = json_pack("{s:o s:o}", "kinds", kinds, "target", param_describe(target_params));
        if (!root || json_dumpf(root, stdout, JSON_INDENT(1)) < 0)
                return 1;

        json_decref(root);
        return fflush(stdout) != 0;
}
