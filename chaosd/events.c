#include "chaosd/events.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chaosd/daemon.h"
#include "chaosd/server.h"
#include "core/clock.h"
#include "core/err.h"

#define BUFFER_BYTES   (128 * 1024) /* unsent events of one reader */
#define BLOCK_BYTES    4096
#define KEEP_ALIVE_US  (15 * USEC_PER_SEC)
#define IDLE_TIMEOUT_S 45 /* three missed keep-alives: the reader takes nothing any more */

struct stream {
        struct stream *next;
        struct daemon *daemon;
        struct MHD_Connection *connection;
        bool suspended, ending;
        char *buffer;
        size_t len, size;
};

static void wake(struct stream *s) {
        if (!s->suspended)
                return;

        s->suspended = false;
        MHD_resume_connection(s->connection);
        server_kick(s->daemon->server);
}

static void end_stream(struct stream *s) {
        s->ending = true;
        wake(s);
}

static void append(struct stream *s, const char *text, size_t len) {
        if (s->ending)
                return;

        if (s->len + len > BUFFER_BYTES) {
                s->daemon->streams_dropped++;
                end_stream(s);
                return;
        }
        if (s->len + len > s->size) {
                char *more = realloc(s->buffer, s->len + len);

                if (!more) {
                        end_stream(s);
                        return;
                }
                s->buffer = more;
                s->size = s->len + len;
        }
        memcpy(s->buffer + s->len, text, len);
        s->len += len;
        wake(s);
}

void events_publish(struct daemon *d, const char *type, const char *key, json_t *value) {
        char time_text[CLOCK_TEXT_SIZE];
        SCOPED_FREE char *text = NULL, *data = NULL;
        SCOPED_JSON json_t *event = NULL;
        int n;

        if (!d->streams)
                return;

        event = json_pack("{s:s s:s s:O?}", "type", type, "time",
                          clock_format_utc(clock_realtime_us(), time_text, sizeof(time_text)), key, value);
        data = event ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
        n = data ? asprintf(&text, "event: %s\ndata: %s\n\n", type, data) : -1;
        if (n < 0)
                return;

        for (struct stream *s = d->streams; s; s = s->next)
                append(s, text, (size_t)n);
}

static int on_keep_alive(sd_event_source *source, uint64_t usec, void *arg) {
        static const char comment[] = ": still here\n\n";
        struct daemon *d = arg;

        (void)usec;
        for (struct stream *s = d->streams; s; s = s->next)
                append(s, comment, sizeof(comment) - 1);
        (void)sd_event_source_set_time_relative(source, KEEP_ALIVE_US);
        return sd_event_source_set_enabled(source, d->streams ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int start_keep_alive(struct daemon *d) {
        if (!d->keep_alive)
                return sd_event_add_time_relative(d->event, &d->keep_alive, CLOCK_MONOTONIC, KEEP_ALIVE_US, 0,
                                                  on_keep_alive, d);

        (void)sd_event_source_set_time_relative(d->keep_alive, KEEP_ALIVE_US);
        return sd_event_source_set_enabled(d->keep_alive, SD_EVENT_ONESHOT);
}

/* Called by the HTTP server whenever it can send more. */
static ssize_t read_stream(void *arg, uint64_t pos, char *buf, size_t max) {
        struct stream *s = arg;
        size_t n = s->len < max ? s->len : max;

        (void)pos;
        if (n > 0) {
                memcpy(buf, s->buffer, n);
                memmove(s->buffer, s->buffer + n, s->len - n);
                s->len -= n;
                return (ssize_t)n;
        }
        if (s->ending)
                return MHD_CONTENT_READER_END_OF_STREAM;

        s->suspended = true;
        MHD_suspend_connection(s->connection);
        return 0;
}

static void free_stream(void *arg) {
        struct stream *s = arg;
        struct daemon *d = s->daemon;

        for (struct stream **at = &d->streams; *at; at = &(*at)->next)
                if (*at == s) {
                        *at = s->next;
                        break;
                }
        if (!d->streams && d->keep_alive)
                (void)sd_event_source_set_enabled(d->keep_alive, SD_EVENT_OFF);
        free(s->buffer);
        free(s);
}

int events_open(struct daemon *d, struct MHD_Connection *connection, struct MHD_Response **ret, struct err *e) {
        static const char hello[] = ": chaosd events\n\n";
        struct MHD_Response *response;
        struct stream *s;
        unsigned n = 0;

        for (s = d->streams; s; s = s->next)
                n++;
        if (n >= EVENTS_STREAMS_MAX)
                return err_set(e, -EDQUOT, "%u event streams are open already", n);

        s = calloc(1, sizeof(*s));
        response = s ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, free_stream)
                     : NULL;
        if (!response) {
                free(s);
                return err_set(e, -ENOMEM, "no memory for a stream");
        }

        *s = (struct stream){ .next = d->streams, .daemon = d, .connection = connection };
        d->streams = s;
        append(s, hello, sizeof(hello) - 1);
        (void)start_keep_alive(d);
        (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_TIMEOUT_S);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
        *ret = response;
        return 0;
}

void events_end(struct daemon *d) {
        for (struct stream *s = d->streams; s; s = s->next)
                end_stream(s);
}
