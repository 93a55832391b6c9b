/* text.h — texts that come from the kernel or from users, made fit for JSON and for terminals. */
#pragma once

/* text_clean — replace, in place, every byte that is not part of valid UTF-8 by '?', and so every control character: a
 * text must not steer a terminal or break a log's line. Returns text. */
char *text_clean(char *text);
