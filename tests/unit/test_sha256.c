/* The published test vectors of FIPS 180-4, and that length counts, not NUL. */
#include "core/sha256.h"

#include "core/err.h"
#include "lib/check.h"

int main(void) {
        static const struct {
                const char *text;
                size_t len;
                const char *want;
        } vectors[] = {
                { "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
                { "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
                { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        };
        char zero[SHA256_TEXT_SIZE] = "", one[SHA256_TEXT_SIZE] = "";

        for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
                struct err e = { 0 };
                char hex[SHA256_TEXT_SIZE] = "";

                CHECK(sha256_hex(vectors[i].text, vectors[i].len, hex, &e) == 0, "%s", e.msg);
                CHECK_STR(hex, vectors[i].want);
        }
        CHECK(sha256_hex("a\0b", 3, zero, NULL) == 0 && sha256_hex("a\0c", 3, one, NULL) == 0, "hash");
        CHECK(strcmp(zero, one) != 0, "bytes behind a NUL must count");
        return check_result();
}
