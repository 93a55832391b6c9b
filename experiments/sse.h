/* sse.h — server-sent events from a stream of bytes that is cut anywhere: in a line end, in a character, in an escape.
 * Pure: bytes in, events out (WHATWG HTML, "Server-sent events"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SSE_EVENT_MAX (1024 * 1024) /* bytes of one event, and of one line */

struct sse_event {
        const char *type; /* of an "event:" line; "" = message. Cut at 31 bytes */
        const char *data; /* lines of "data:" joined by '\n'; NUL-terminated behind len bytes */
        size_t len;
};

/* Pointers of the event live until it returns. */
typedef void (*sse_event_t)(const struct sse_event *event, void *arg);

struct sse_text {
        char *bytes;
        size_t len, capacity;
};

/* Zeroed = ready. */
struct sse {
        struct sse_text line, data;
        char type[32];
        bool has_data;
        bool after_cr; /* the last byte was CR: an LF that follows belongs to it */
        bool first_line_done;
        int failed; /* -errno; nothing is read any more */
};

/* sse_feed — the next bytes of the stream. Comments, "id:", "retry:" and unknown fields are passed over; an event
 * without data is none, and what the stream's end cuts off is none either.
 * Returns 0, -EMSGSIZE (an event over SSE_EVENT_MAX) or -ENOMEM; after a failure every call returns the same. */
int sse_feed(struct sse *s, const char *bytes, size_t len, sse_event_t on_event, void *arg);

/* sse_reset — ready for another stream; keeps its memory. sse_done — frees it. */
void sse_reset(struct sse *s);
void sse_done(struct sse *s);
