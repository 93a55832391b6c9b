/* sha256.h — the only door to GnuTLS: the hash that chains run records and audit lines. */
#pragma once

#include <stddef.h>

struct err;

#define SHA256_TEXT_SIZE 65 /* 64 lower-case hex digits and NUL */

/* sha256_hex — hash of len bytes as text. Returns 0, or -EIO when the library refuses; ret is untouched then. */
int sha256_hex(const void *data, size_t len, char ret[SHA256_TEXT_SIZE], struct err *e);
