#include "experiments/sse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for a NUL is always kept. */
static int text_add(struct sse_text *t, const char *bytes, size_t len) {
        if (t->len + len > SSE_EVENT_MAX)
                return -EMSGSIZE;

        if (t->len + len + 1 > t->capacity) {
                size_t capacity = 2 * (t->len + len) + 256;
                char *grown = realloc(t->bytes, capacity);

                if (!grown)
                        return -ENOMEM;
                t->bytes = grown;
                t->capacity = capacity;
        }
        memcpy(t->bytes + t->len, bytes, len);
        t->len += len;
        t->bytes[t->len] = 0;
        return 0;
}

static void dispatch(struct sse *s, sse_event_t on_event, void *arg) {
        if (s->has_data) {
                struct sse_event event = { .type = s->type, .data = s->data.bytes, .len = s->data.len };

                on_event(&event, arg);
        }
        s->has_data = false;
        s->data.len = 0;
        s->type[0] = 0;
}

/* Is the line's field this one? *ret_value: behind the colon and one blank. */
static bool is_field(const char *line, size_t len, const char *name, const char **ret_value) {
        size_t n = strlen(name);

        if (len < n || memcmp(line, name, n) != 0 || (len > n && line[n] != ':'))
                return false;

        n += len > n;
        n += len > n && line[n] == ' ';
        *ret_value = line + n;
        return true;
}

static int take_line(struct sse *s, sse_event_t on_event, void *arg) {
        const char *line = s->line.bytes ? s->line.bytes : "", *value;
        size_t len = s->line.len;
        int r = 0;

        if (!s->first_line_done && len >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) { /* byte order mark */
                line += 3;
                len -= 3;
        }
        s->first_line_done = true;
        s->line.len = 0;
        if (len == 0) {
                dispatch(s, on_event, arg);
        } else if (is_field(line, len, "data", &value)) {
                if (s->has_data)
                        r = text_add(&s->data, "\n", 1);
                if (r >= 0)
                        r = text_add(&s->data, value, len - (size_t)(value - line));
                s->has_data = r >= 0;
        } else if (is_field(line, len, "event", &value)) {
                (void)snprintf(s->type, sizeof(s->type), "%.*s", (int)(len - (size_t)(value - line)), value);
        }
        return r;
}

int sse_feed(struct sse *s, const char *bytes, size_t len, sse_event_t on_event, void *arg) {
        const char *end = bytes + len;

        while (bytes < end && s->failed >= 0) {
                const char *stop = bytes;

                if (s->after_cr && *bytes == '\n') {
                        s->after_cr = false;
                        bytes++;
                        continue;
                }
                s->after_cr = false;
                while (stop < end && *stop != '\r' && *stop != '\n')
                        stop++;
                s->failed = text_add(&s->line, bytes, (size_t)(stop - bytes));
                bytes = stop;
                if (s->failed < 0 || stop == end)
                        continue;

                s->after_cr = *stop == '\r';
                s->failed = take_line(s, on_event, arg);
                bytes++;
        }
        return s->failed;
}

void sse_reset(struct sse *s) {
        s->line.len = s->data.len = 0;
        s->type[0] = 0;
        s->has_data = s->after_cr = s->first_line_done = false;
        s->failed = 0;
}

void sse_done(struct sse *s) {
        free(s->line.bytes);
        free(s->data.bytes);
        *s = (struct sse){ 0 };
}
