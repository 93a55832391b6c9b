#include "faults/mech/bpf.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"

/* libbpf's print callback takes no context: this is the one place where the text can wait for bpf_fail(). */
static char first_warning[240];

static int __attribute__((format(printf, 2, 0)))
keep_warning(enum libbpf_print_level level, const char *format, va_list args) {
        if (level != LIBBPF_WARN || first_warning[0])
                return 0;

        (void)vsnprintf(first_warning, sizeof(first_warning), format, args);
        first_warning[strcspn(first_warning, "\n")] = '\0';
        return 0;
}

void bpf_quiet(void) {
        first_warning[0] = '\0';
        (void)libbpf_set_print(keep_warning);
}

int bpf_fail(struct err *e, int code, const char *what) {
        const char *text = first_warning[0] ? first_warning : strerror(-code);

        return err_set(e, code, "%s: %s", what, strncmp(text, "libbpf: ", 8) == 0 ? text + 8 : text);
}
