/* bpf.h — what every user of libbpf here needs: its words in our errors instead of on stderr. */
#pragma once

#include <bpf/libbpf.h>
#include <stdarg.h>

struct err;

/* bpf_quiet — from now on libbpf's warnings are kept instead of printed; call before opening a skeleton. The text kept
 * is the first one since this call: what comes behind it only says that something failed. */
void bpf_quiet(void);

/* bpf_fail — err_set(e, code, "what: <libbpf's first warning, or strerror>"). Returns code. */
int bpf_fail(struct err *e, int code, const char *what);
