/* The fault grammar of chaos-exec: any text is either refused with words and a column inside it, or a rule whose
 * numbers are in range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "faults/sys/sys_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const words[] = { "openat", "open", "read", "write", "connect", "getpid", "fsync" };
        const struct sys_names names = { words, ARRAY_SIZE(words) };
        char *text = malloc(size + 1);
        struct sys_rule r;
        struct err e = { 0 };
        unsigned column = 0;

        if (!text)
                return 0;

        memcpy(text, data, size);
        text[size] = 0;
        if (sys_rule_parse(text, &names, &r, &column, &e) < 0) {
                if (!e.msg[0] || column < 1 || column > strlen(text) + 1)
                        abort();
        } else {
                if (!r.n_calls || r.n_calls > names.n || !r.when.first || r.when.last < r.when.first || !r.when.step ||
                    !r.ppm || r.ppm > SYS_PPM_ALWAYS || (r.set & SYS_RULE_ERRNO && (r.error < 1 || r.error > 4095)))
                        abort();
                (void)sys_rule_fires(&r, 7, 0, 3);
                sys_rule_done(&r);
        }
        free(text);
        return 0;
}
