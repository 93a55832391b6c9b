#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

int err_set(struct err *e, int code, const char *fmt, ...) {
        va_list ap;

        if (!e)
                return code;

        e->code = code;
        e->path[0] = 0;
        e->extack[0] = 0;
        va_start(ap, fmt);
        (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        (void)text_clean(e->msg);
        return code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...) {
        char old[sizeof(e->msg)];
        va_list ap;
        int n;

        if (!e)
                return code;

        memcpy(old, e->msg, sizeof(old));
        e->code = code;
        va_start(ap, fmt);
        n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof(e->msg) && old[0] &&
            snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", old) < 0)
                e->msg[n] = 0;
        (void)text_clean(e->msg);
        return code;
}

int err_errno(struct err *e, const char *fmt, ...) {
        int code = errno > 0 ? -errno : -EIO;
        va_list ap;
        int n;

        if (!e)
                return code;

        e->code = code;
        e->path[0] = 0;
        e->extack[0] = 0;
        va_start(ap, fmt);
        n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof(e->msg))
                (void)snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", strerror(-code));
        (void)text_clean(e->msg);
        return code;
}

int err_at(struct err *e, const char *key) {
        char old[sizeof(e->path)];

        if (!e)
                return -EINVAL;

        memcpy(old, e->path, sizeof(old));
        (void)snprintf(e->path, sizeof(e->path), "/%.60s%.98s", key, old);
        (void)text_clean(e->path);
        return e->code;
}

int err_at_index(struct err *e, unsigned index) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%u", index);
        return err_at(e, key);
}
