#include "core/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"

#define JSON_FILE_MAX ((size_t)64 << 20)

int json_parse(const char *text, size_t len, json_t **ret, struct err *e) {
        json_error_t error;
        json_t *value;

        value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (!value)
                return err_set(e, -EINVAL, "JSON line %d, column %d: %s", error.line, error.column, error.text);

        *ret = value;
        return 0;
}

static int read_all(int fd, size_t size, char *buf) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, buf + done, size - done);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                done += (size_t)n;
        }
        return 0;
}

int json_load_path(const char *path, json_t **ret, struct err *e) {
        SCOPED_FREE char *text = NULL;
        SCOPED_FD int fd = -1;
        struct stat st;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return err_errno(e, "cannot open %s", path);

        if (fstat(fd, &st) < 0)
                return err_errno(e, "cannot stat %s", path);

        if (!S_ISREG(st.st_mode))
                return err_set(e, -EINVAL, "%s is not a regular file", path);
        if ((size_t)st.st_size > JSON_FILE_MAX)
                return err_set(e, -EFBIG, "%s is larger than 64 MiB", path);

        text = malloc((size_t)st.st_size + 1);
        if (!text)
                return err_set(e, -ENOMEM, "no memory for %s", path);

        r = read_all(fd, (size_t)st.st_size, text);
        if (r < 0)
                return err_set(e, r, "cannot read %s: %s", path, strerror(-r));

        r = json_parse(text, (size_t)st.st_size, ret, e);
        return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static int write_all(int fd, const char *text, size_t len) {
        for (size_t done = 0; done < len;) {
                ssize_t n = write(fd, text + done, len - done);

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                done += (size_t)n;
        }
        return 0;
}

int json_store_path(const char *path, const json_t *value, unsigned mode, struct err *e) {
        SCOPED_FREE char *text = NULL, *temporary = NULL;
        SCOPED_FD int fd = -1;
        int r;

        text = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS);
        if (!text || asprintf(&temporary, "%s.new", path) < 0)
                return err_set(e, -ENOMEM, "no memory to write %s", path);

        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return err_errno(e, "cannot create %s", temporary);

        r = write_all(fd, text, strlen(text));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlink(temporary);
                return err_set(e, r, "cannot write %s: %s", path, strerror(-r));
        }
        return 0;
}

char *json_canonical(const json_t *value) {
        return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

json_t *json_at(const json_t *root, const char *path) {
        json_t *at = (json_t *)root;

        while (at && *path) {
                size_t len = strcspn(path, "/");
                char key[128];

                if (len >= sizeof(key))
                        return NULL;

                memcpy(key, path, len);
                key[len] = 0;
                at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10)) : json_object_get(at, key);
                path += len + (path[len] == '/');
        }
        return at;
}

const char *json_text_at(const json_t *root, const char *path, const char *fallback) {
        const json_t *v = json_at(root, path);

        return json_is_string(v) ? json_string_value(v) : fallback;
}

int64_t json_int_at(const json_t *root, const char *path, int64_t fallback) {
        const json_t *v = json_at(root, path);

        return json_is_integer(v) ? (int64_t)json_integer_value(v) : fallback;
}

double json_number_at(const json_t *root, const char *path, double fallback) {
        const json_t *v = json_at(root, path);

        return json_is_number(v) ? json_number_value(v) : fallback;
}

bool json_bool_at(const json_t *root, const char *path, bool fallback) {
        const json_t *v = json_at(root, path);

        return json_is_boolean(v) ? json_is_true(v) : fallback;
}
