/* What a server streams at the llm probe: the same events and figures wherever the bytes are cut. The first byte says
 * how long the pieces are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "experiments/llm_stream.h"
#include "experiments/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
        uint64_t hash, events;
};

static void mix(struct digest *d, const char *bytes, size_t len) {
        for (size_t i = 0; i < len; i++)
                d->hash = (d->hash ^ (uint8_t)bytes[i]) * 1099511628211ULL;
        d->hash = (d->hash ^ 256) * 1099511628211ULL;
}

static void on_event(const struct sse_event *event, void *arg) {
        struct digest *d = arg;

        if (event->data[event->len] != 0)
                abort();
        mix(d, event->type, strlen(event->type));
        mix(d, event->data, event->len);
        d->events++;
}

/* In pieces of `step` bytes, each in a buffer of its own, so that reading past it is seen. */
static void feed(struct sse *s, struct llm_stream *l, struct digest *d, const uint8_t *data, size_t size, size_t step) {
        for (size_t at = 0; at < size; at += step) {
                size_t n = size - at < step ? size - at : step;
                char *piece = malloc(n);

                if (!piece)
                        abort();
                memcpy(piece, data + at, n);
                (void)sse_feed(s, piece, n, on_event, d);
                llm_stream_feed(l, piece, n, 1000);
                free(piece);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct sse a = { 0 }, b = { 0 };
        struct llm_stream x = { 0 }, y = { 0 };
        struct digest whole = { 0 }, pieces = { 0 };

        if (size < 2)
                return 0;

        feed(&a, &x, &whole, data + 1, size - 1, size - 1);
        feed(&b, &y, &pieces, data + 1, size - 1, 1 + data[0] % 16);
        if (whole.hash != pieces.hash || whole.events != pieces.events || a.failed != b.failed)
                abort();
        if (x.events != y.events || x.chunks != y.chunks || x.finished != y.finished || x.failed != y.failed ||
            llm_stream_tokens(&x) != llm_stream_tokens(&y) || strcmp(x.error, y.error) != 0 || x.n_gaps != y.n_gaps)
                abort();
        if (x.chunks > 0 && x.n_gaps != x.chunks - 1)
                abort();
        (void)llm_stream_itl_us(&x, 99);
        sse_done(&a);
        sse_done(&b);
        llm_stream_done(&x);
        llm_stream_done(&y);
        return 0;
}
