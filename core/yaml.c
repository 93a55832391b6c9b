#include "core/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/yaml_build.h"

#define FILE_MAX (4U << 20)

void yaml_free(struct yaml_file *f) {
        if (!f)
                return;

        for (size_t i = 0; i < f->n; i++) {
                json_decref(f->documents[i].value);
                yaml_mark_free(f->documents[i].marks);
        }
        free(f->documents);
        free(f->name);
        free(f);
}

/* Length of the UTF-8 sequence at p, or 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *p, size_t left) {
        size_t n = *p < 0x80                 ? 1
                   : *p >= 0xc2 && *p < 0xe0 ? 2
                   : (*p & 0xf0) == 0xe0     ? 3
                   : *p >= 0xf0 && *p < 0xf5 ? 4
                                             : 0;

        if (n == 0 || n > left)
                return 0;

        for (size_t i = 1; i < n; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
            (*p == 0xf4 && p[1] >= 0x90))
                return 0;
        return n;
}

/* What the library would read past, or say poorly. */
static int check_bytes(const struct yaml_file *f, const char *text, size_t len, struct err *e) {
        unsigned line = 1, column = 1;

        for (size_t i = 0, n; i < len; i += n) {
                n = utf8_length((const unsigned char *)text + i, len - i);
                if (n == 0)
                        return err_set(e, -EINVAL, "%s:%u:%u: not valid UTF-8", f->name, line, column);
                if (text[i] == 0)
                        return err_set(e, -EINVAL, "%s:%u:%u: a NUL character is not allowed", f->name, line, column);

                column++;
                if (text[i] == '\n') {
                        line++;
                        column = 1;
                }
        }
        return 0;
}

int yaml_read_text(const char *text, size_t len, const char *name, struct yaml_file **ret, struct err *e) {
        SCOPED(yaml_freep) struct yaml_file *f = NULL;
        int r;

        if (len > FILE_MAX)
                return err_set(e, -EINVAL, "%s:1:1: over 4 MiB", name);

        f = calloc(1, sizeof(*f));
        if (!f)
                return err_set(e, -ENOMEM, "%s: out of memory", name);
        f->name = strdup(name);
        if (!f->name)
                return err_set(e, -ENOMEM, "%s: out of memory", name);

        r = check_bytes(f, text, len, e);
        if (r >= 0 && len > 0)
                r = yaml_build(f, text, len, e);
        if (r == -ENOMEM)
                return err_set(e, r, "%s: out of memory", name);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}

static int read_file(const char *path, char **ret, size_t *ret_len, struct err *e) {
        SCOPED_FREE char *text = NULL;
        SCOPED_FD int fd = -1;
        struct stat st;
        size_t len = 0;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return err_errno(e, "read %s", path);
        if (!S_ISREG(st.st_mode))
                return err_set(e, -EINVAL, "%s: not a regular file", path);
        if (st.st_size > FILE_MAX)
                return err_set(e, -EINVAL, "%s:1:1: over 4 MiB", path);

        text = malloc(FILE_MAX + 1);
        if (!text)
                return err_set(e, -ENOMEM, "%s: out of memory", path);

        for (ssize_t n; (n = read(fd, text + len, FILE_MAX + 1 - len)) != 0; len += (size_t)n)
                if (n < 0)
                        return err_errno(e, "read %s", path);

        *ret = TAKE_PTR(text);
        *ret_len = len;
        return 0;
}

int yaml_read(const char *path, struct yaml_file **ret, struct err *e) {
        SCOPED_FREE char *text = NULL;
        size_t len = 0;
        int r;

        r = read_file(path, &text, &len, e);
        if (r < 0)
                return r;

        return yaml_read_text(text, len, path, ret, e);
}

size_t yaml_count(const struct yaml_file *f) {
        return f->n;
}

json_t *yaml_document(const struct yaml_file *f, size_t i) {
        return i < f->n ? f->documents[i].value : NULL;
}

const char *yaml_name(const struct yaml_file *f) {
        return f->name;
}

/* ── marks ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static const struct yaml_mark *child_at(const struct yaml_mark *m, const char *key, size_t len) {
        unsigned long index = strtoul(key, NULL, 10);

        for (const struct yaml_mark *c = m->child; c; c = c->next) {
                if (c->key ? strlen(c->key) == len && memcmp(c->key, key, len) == 0 : index == 0)
                        return c;

                index--;
        }
        return NULL;
}

int yaml_error(const struct yaml_file *f, size_t i, struct err *e) {
        const struct yaml_mark *m;
        unsigned line, column;
        char *p, old[sizeof(e->msg)];

        if (!e)
                return -EINVAL;
        if (i >= f->n)
                return e->code;

        m = f->documents[i].marks;
        line = m->line;
        column = m->column;
        p = e->path;
        while (*p == '/') {
                size_t len = strcspn(p + 1, "/");

                m = child_at(m, p + 1, len);
                if (!m)
                        break;

                line = m->line;
                column = m->column;
                p += 1 + len;
                if (*p == 0 && m->key && strncmp(e->msg, "unknown key", 11) == 0) {
                        line = m->key_line;
                        column = m->key_column;
                }
        }

        memcpy(old, e->msg, sizeof(old));
        (void)snprintf(e->msg, sizeof(e->msg), "%s:%u:%u: %.320s", f->name, line, column, old);
        return e->code;
}
