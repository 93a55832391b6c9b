/* Server-sent events: the same events wherever the bytes are cut. */
#include <errno.h>
#include <stdlib.h>

#include "experiments/sse.h"
#include "lib/check.h"

/* What came, as text: "type|data;" for each event. */
struct seen {
        char text[8192];
        size_t len;
};

static void on_event(const struct sse_event *event, void *arg) {
        struct seen *s = arg;

        CHECK(event->data[event->len] == 0, "no NUL behind the data");
        s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len, "%s|%s;", event->type, event->data);
}

static const struct {
        const char *stream, *events;
} streams[] = {
        { "data: one\n\n", "|one;" },
        { "data: one\n\ndata: two\n\n", "|one;|two;" },
        { "data: one\r\n\r\ndata: two\r\n\r\n", "|one;|two;" },
        { "data: one\r\rdata: two\r\r", "|one;|two;" },
        { "data: one\r\n\ndata: two\n\r\n", "|one;|two;" },
        { "data:no blank\n\n", "|no blank;" },
        { "data:  two blanks\n\n", "| two blanks;" },
        { "data: a\ndata: b\ndata:\ndata: d\n\n", "|a\nb\n\nd;" },
        { "data: {\"a\":\r\ndata:  1}\r\n\r\n", "|{\"a\":\n 1};" },
        { ": comment\n\ndata: x\n: another\n\n", "|x;" },
        { ":\n:\n\n", "" },
        { "event: error\ndata: x\n\ndata: y\n\n", "error|x;|y;" },
        { "event: lost\n\ndata: y\n\n", "|y;" },
        { "id: 7\nretry: 100\nunknown: z\ndata: x\n\n", "|x;" },
        { "data\n\n", "|;" },
        { "data:\n\n", "|;" },
        { "database: x\n\n", "" },
        { "dat: x\n\n", "" },
        { " data: x\n\n", "" },
        { "\xEF\xBB\xBF"
          "data: bom\n\n",
          "|bom;" },
        { "data: \xEF\xBB\xBFinside\n\n\xEF\xBB\xBF"
          "data: late\n\n",
          "|\xEF\xBB\xBFinside;" },
        { "data: na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x9A\x80 \\u20ac \\ud83d\\ude80\n\n",
          "|na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x9A\x80 \\u20ac \\ud83d\\ude80;" },
        { "data: {\"text\": \"data: [DONE]\\n\\n\"}\n\ndata: [DONE]\n\n",
          "|{\"text\": \"data: [DONE]\\n\\n\"};|[DONE];" },
        { "data: whole\n\ndata: cut off", "|whole;" },
        { "data: whole\n\ndata: no blank line\n", "|whole;" },
        { "\n\n\r\n\r\r", "" },
        { "", "" },
};

/* From a buffer of exactly this size, so that reading past it is seen. */
static int feed_copy(struct sse *s, const char *bytes, size_t len, struct seen *seen) {
        char *copy = malloc(len ? len : 1);
        int r;

        if (!copy)
                abort();
        memcpy(copy, bytes, len);
        r = sse_feed(s, copy, len, on_event, seen);
        free(copy);
        return r;
}

static void check_seen(const struct seen *seen, size_t i, size_t a, size_t b) {
        CHECK(strcmp(seen->text, streams[i].events) == 0, "stream %zu cut at %zu and %zu: \"%s\", want \"%s\"", i, a, b,
              seen->text, streams[i].events);
}

/* Whole, in two pieces, in three, and byte by byte: every position. */
static void test_every_cut(void) {
        struct sse s = { 0 };

        for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
                const char *text = streams[i].stream;
                size_t len = strlen(text);
                struct seen bytewise = { 0 };

                for (size_t a = 0; a <= len; a++)
                        for (size_t b = a; b <= len; b++) {
                                struct seen seen = { 0 };

                                sse_reset(&s);
                                CHECK(feed_copy(&s, text, a, &seen) == 0, "first piece");
                                CHECK(feed_copy(&s, text + a, b - a, &seen) == 0, "second piece");
                                CHECK(feed_copy(&s, text + b, len - b, &seen) == 0, "third piece");
                                check_seen(&seen, i, a, b);
                        }
                sse_reset(&s);
                for (size_t a = 0; a < len; a++)
                        CHECK(feed_copy(&s, text + a, 1, &bytewise) == 0, "byte %zu", a);
                check_seen(&bytewise, i, 1, 1);
        }
        sse_done(&s);
}

static void test_limits(void) {
        char *big = malloc(SSE_EVENT_MAX);
        struct sse s = { 0 };
        struct seen seen = { 0 };

        if (!big)
                abort();
        memset(big, 'x', SSE_EVENT_MAX);
        memcpy(big, "data: ", 6);
        CHECK(sse_feed(&s, big, SSE_EVENT_MAX, on_event, &seen) == 0, "a line of just that length");
        CHECK(sse_feed(&s, "x", 1, on_event, &seen) == -EMSGSIZE, "one byte more");
        CHECK(sse_feed(&s, "\n\n", 2, on_event, &seen) == -EMSGSIZE, "it stays failed");
        CHECK_STR(seen.text, "");

        sse_reset(&s);
        CHECK(sse_feed(&s, "data: again\n\n", 13, on_event, &seen) == 0, "after a reset");
        CHECK_STR(seen.text, "|again;");

        big[SSE_EVENT_MAX / 2] = '\n';
        memcpy(big + SSE_EVENT_MAX / 2 + 1, "data: ", 6);
        big[SSE_EVENT_MAX - 1] = '\n';
        sse_reset(&s);
        CHECK(sse_feed(&s, big, SSE_EVENT_MAX, on_event, &seen) == 0, "two lines");
        CHECK(sse_feed(&s, big, SSE_EVENT_MAX, on_event, &seen) == -EMSGSIZE, "an event of many lines");
        sse_done(&s);
        free(big);
}

int main(void) {
        test_every_cut();
        test_limits();
        return check_result();
}
