/* text.h — texts that come from the kernel or from users, made fit for JSON. */
#pragma once

/* text_clean — replace, in place, every byte that is not part of valid UTF-8 by '?'. Returns text. */
char *text_clean(char *text);
