#include "core/sha256.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "core/err.h"

#define DIGEST_BYTES 32

int sha256_hex(const void *data, size_t len, char ret[SHA256_TEXT_SIZE], struct err *e) {
        static const char digits[] = "0123456789abcdef";
        unsigned char digest[DIGEST_BYTES];
        int r;

        r = gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, digest);
        if (r < 0)
                return err_set(e, -EIO, "SHA-256: %s", gnutls_strerror(r));

        for (size_t i = 0; i < DIGEST_BYTES; i++) {
                ret[2 * i] = digits[digest[i] >> 4];
                ret[2 * i + 1] = digits[digest[i] & 15];
        }
        ret[2 * DIGEST_BYTES] = 0;
        return 0;
}
