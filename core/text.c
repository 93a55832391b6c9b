#include "core/text.h"

#include <stddef.h>

/* Length of the valid UTF-8 sequence at p, 0 = none (RFC 3629: no overlong forms, surrogates or beyond U+10FFFF). */
static size_t sequence_length(const unsigned char *p) {
        size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : 0;

        if (p[0] >= 0xF0 && p[0] <= 0xF4)
                n = 4;
        for (size_t i = 1; i < n; i++)
                if ((p[i] & 0xC0) != 0x80)
                        return 0;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
            (p[0] == 0xF4 && p[1] > 0x8F))
                return 0;
        return n;
}

/* C0, DEL, and C1 as UTF-8 writes it: U+0080 to U+009F. */
static int is_control(const unsigned char *p) {
        return p[0] < 0x20 || p[0] == 0x7F || (p[0] == 0xC2 && p[1] < 0xA0);
}

char *text_clean(char *text) {
        for (unsigned char *p = (unsigned char *)text; *p;) {
                size_t n = sequence_length(p);

                if (n == 0 || is_control(p))
                        for (size_t i = 0; i < (n ? n : 1); i++)
                                p[i] = '?';
                p += n ? n : 1;
        }
        return text;
}
