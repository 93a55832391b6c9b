#include "chaosd/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "core/text.h"

#define LINE_MAX_BYTES 65536

static const char zeros[SHA256_TEXT_SIZE] = "0000000000000000000000000000000000000000000000000000000000000000";

/* The last line without its newline; empty for an empty file. *ret_torn: it has no newline. */
static int read_last_line(int fd, char *buf, size_t size, size_t *ret_len, bool *ret_torn, struct err *e) {
        off_t end = lseek(fd, 0, SEEK_END);
        size_t want = end > (off_t)size ? size : (size_t)end;
        size_t len, start = 0;
        ssize_t n;

        if (end < 0)
                return err_errno(e, "cannot seek in the audit log");

        n = pread(fd, buf, want, end - (off_t)want);
        if (n != (ssize_t)want)
                return err_set(e, n < 0 ? -errno : -EIO, "cannot read the audit log");

        *ret_torn = want > 0 && buf[want - 1] != '\n';
        len = want > 0 && !*ret_torn ? want - 1 : want;
        for (size_t i = 0; i < len; i++)
                if (buf[i] == '\n')
                        start = i + 1;
        memmove(buf, buf + start, len - start);
        *ret_len = len - start;
        return 0;
}

static int continue_chain(struct audit *a, struct err *e) {
        SCOPED_FREE char *line = malloc(LINE_MAX_BYTES);
        SCOPED_JSON json_t *last = NULL;
        bool torn = false;
        size_t len = 0;
        int r;

        if (!line)
                return err_set(e, -ENOMEM, "no memory");

        memcpy(a->last, zeros, sizeof(a->last));
        r = read_last_line(a->fd, line, LINE_MAX_BYTES, &len, &torn, e);
        if (r < 0)
                return r;

        if (len == 0)
                return 0;
        if (torn && write(a->fd, "\n", 1) != 1)
                return err_errno(e, "cannot write the audit log");

        if (json_parse(line, len, &last, NULL) == 0)
                a->seq = (uint64_t)json_int_at(last, "seq", 0);
        return sha256_hex(line, len, a->last, e);
}

int audit_open(struct audit *a, const char *path, struct err *e) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        SCOPED_FD int fd = -1;
        struct stat st;
        int r;

        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
        if (fd < 0)
                return err_errno(e, "cannot open audit log %s", path);

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return err_set(e, -EINVAL, "audit log %s is not a regular file", path);

        if (fcntl(fd, F_SETLK, &lock) < 0)
                return err_set(e, -EBUSY, "audit log %s is in use by another process", path);

        *a = (struct audit){ .fd = fd };
        r = continue_chain(a, e);
        if (r < 0) {
                a->fd = -1;
                return err_wrap(e, r, "audit log %s", path);
        }

        (void)TAKE_FD(fd);
        return 0;
}

void audit_close(struct audit *a) {
        scoped_closep(&a->fd);
        a->fd = -1;
}

static json_t *describe_peer(const struct audit_peer *peer) {
        if (!peer)
                return json_pack("{s:s}", "who", "chaosd");
        return json_pack("{s:i s:I s:I}", "pid", (int)peer->pid, "uid", (json_int_t)peer->uid, "gid",
                         (json_int_t)peer->gid);
}

int audit_write(struct audit *a, const struct audit_event *event, struct err *e) {
        char time_text[CLOCK_TEXT_SIZE];
        SCOPED_FREE char *text = NULL, *line = NULL, *detail = NULL;
        SCOPED_JSON json_t *entry = NULL;
        int n;

        if (a->fd < 0)
                return 0;

        detail = event->detail ? strdup(event->detail) : NULL;
        if (detail)
                (void)text_clean(detail);
        entry = json_pack("{s:I s:s s:s s:o s:s? s:s? s:s s:s? s:s}", "seq", (json_int_t)(a->seq + 1), "time",
                          clock_format_utc(clock_realtime_us(), time_text, sizeof(time_text)), "action", event->action,
                          "peer", describe_peer(event->peer), "fault", event->uid, "kind", event->kind, "result",
                          event->result, "detail", detail, "prev", a->last);
        text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;
        n = text ? asprintf(&line, "%s\n", text) : -1;
        if (n < 0)
                return err_set(e, -ENOMEM, "no memory for an audit line");

        if (write(a->fd, line, (size_t)n) != n)
                return err_errno(e, "cannot write the audit log");

        a->seq++;
        return sha256_hex(text, (size_t)n - 1, a->last, e);
}

int audit_verify(const char *path, uint64_t *ret_lines, uint64_t *ret_torn, struct err *e) {
        char expected[SHA256_TEXT_SIZE];
        SCOPED_FREE char *line = NULL;
        uint64_t lines = 0, torn = 0;
        size_t size = 0;
        ssize_t n;
        int r = 0;
        FILE *f;

        f = fopen(path, "re");
        if (!f)
                return err_errno(e, "cannot open %s", path);

        memcpy(expected, zeros, sizeof(expected));
        while (r == 0 && (n = getline(&line, &size, f)) > 0) {
                SCOPED_JSON json_t *entry = NULL;
                size_t len = (size_t)n - (line[n - 1] == '\n');

                lines++;
                if (json_parse(line, len, &entry, NULL) < 0)
                        torn++;
                else if (strcmp(json_text_at(entry, "prev", ""), expected) != 0)
                        r = err_set(e, -EBADMSG, "%s:%llu: the chain is broken: this line or one before it was changed",
                                    path, (unsigned long long)lines);
                if (r == 0)
                        r = sha256_hex(line, len, expected, e);
        }
        (void)fclose(f);
        if (r < 0)
                return r;

        *ret_lines = lines;
        *ret_torn = torn;
        return 0;
}
