/* suggest.h — the nearest known word to a mistyped one. */
#pragma once

#include <stddef.h>

/* Borrowed element of words (n of them) at most 1/3 of its length away by edits, or NULL. */
const char *suggest_word(const char *word, const char *const *words, size_t n);
