#include "core/suggest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 64

/* Edits (insert, delete, replace) between two words, case folded; WORD_MAX for words too long to compare. */
static size_t edit_distance(const char *a, const char *b) {
        size_t la = strlen(a), lb = strlen(b);
        size_t row[WORD_MAX + 1];

        if (la > WORD_MAX || lb > WORD_MAX)
                return WORD_MAX;

        for (size_t j = 0; j <= lb; j++)
                row[j] = j;
        for (size_t i = 1; i <= la; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= lb; j++) {
                        size_t replace =
                                diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
                        size_t insert_or_delete = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);

                        diagonal = row[j];
                        row[j] = replace < insert_or_delete ? replace : insert_or_delete;
                }
        }
        return row[lb];
}

const char *suggest_word(const char *word, const char *const *words, size_t n) {
        size_t best = 1 + strlen(word) / 3;
        const char *nearest = NULL;

        for (size_t i = 0; i < n; i++) {
                size_t d = edit_distance(word, words[i]);

                if (d < best || (d == best && !nearest)) {
                        best = d;
                        nearest = words[i];
                }
        }
        return nearest;
}
