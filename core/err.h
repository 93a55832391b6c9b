/* err.h — an error that cannot fail: a code, a text, and where in the input it happened.
 * The caller owns the struct; nothing is allocated. */
#pragma once

struct err {
        int code;         /* negative errno; 0 = no error */
        char msg[400];    /* NUL-terminated UTF-8 without control characters, outermost context first */
        char path[160];   /* JSON pointer to the offending input ("/params/delay"), or "" */
        char extack[120]; /* the kernel's own words (netlink's extended acknowledgement), or "" */
};

/* Both return the negative errno, so `return err_set(…)` is the idiom.
 * e may be NULL: the code still travels, only the text is dropped. err_wrap() keeps the old text
 * behind the new one. code must be negative. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_wrap(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_errno — err_set() with ": strerror(errno)" behind the text. Returns -errno (-EIO if errno is 0). */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_at — say that the error happened under this key: prepends "/key" to e->path.
 * Returns e->code, so `return err_at(e, "params")` works on the way out. */
int err_at(struct err *e, const char *key);
int err_at_index(struct err *e, unsigned index);
