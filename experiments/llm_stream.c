#include "experiments/llm_stream.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#define GAPS_MAX (1024 * 1024)

/* detail is the server's: what is not printable ASCII is shown as '?', for it goes to terminals and records. */
static void fail(struct llm_stream *s, const char *what, const char *detail) {
        if (s->failed)
                return;

        s->failed = true;
        (void)snprintf(s->error, sizeof(s->error), "%.40s%.70s", what, detail);
        for (char *c = s->error; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
}

static void add_gap(struct llm_stream *s, uint64_t gap_us) {
        if (s->n_gaps == s->capacity) {
                size_t capacity = 2 * s->capacity + 64;
                uint32_t *grown = s->capacity < GAPS_MAX ? realloc(s->gaps_us, capacity * sizeof(*grown)) : NULL;

                if (!grown)
                        return;
                s->gaps_us = grown;
                s->capacity = capacity;
        }
        s->gaps_us[s->n_gaps++] = gap_us < UINT32_MAX ? (uint32_t)gap_us : UINT32_MAX;
}

static bool is_text(const json_t *object, const char *key) {
        return json_string_length(json_object_get(object, key)) > 0;
}

/* Does a choice of a chunk carry something that a user sees? The first chunk of a chat only says who speaks. */
static bool carries_text(const json_t *choice) {
        const json_t *delta = json_object_get(choice, "delta");

        return is_text(choice, "text") || is_text(delta, "content") || is_text(delta, "reasoning_content") ||
               is_text(delta, "reasoning") || json_array_size(json_object_get(delta, "tool_calls")) > 0;
}

static void take_choices(struct llm_stream *s, const json_t *choices) {
        bool any = false;

        for (size_t i = 0; i < json_array_size(choices); i++) {
                const json_t *choice = json_array_get(choices, i);
                const char *reason = json_string_value(json_object_get(choice, "finish_reason"));

                any = any || carries_text(choice);
                if (reason) {
                        s->finished = true;
                        s->aborted = s->aborted || strcmp(reason, "abort") == 0 || strcmp(reason, "error") == 0;
                }
        }
        if (!any)
                return;

        if (s->chunks > 0)
                add_gap(s, s->now_us - s->last_us);
        else
                s->first_us = s->now_us;
        s->last_us = s->now_us;
        s->chunks++;
}

static void take_usage(struct llm_stream *s, const json_t *usage) {
        const json_t *prompt = json_object_get(usage, "prompt_tokens");
        const json_t *completion = json_object_get(usage, "completion_tokens");

        if (!json_is_integer(completion) || json_integer_value(completion) < 0 || json_integer_value(prompt) < 0)
                return;

        s->has_usage = true;
        s->prompt_tokens = (uint64_t)json_integer_value(prompt);
        s->completion_tokens = (uint64_t)json_integer_value(completion);
}

static void on_event(const struct sse_event *event, void *arg) {
        SCOPED_JSON json_t *root = NULL;
        struct llm_stream *s = arg;

        s->events++;
        if (strcmp(event->data, "[DONE]") == 0) {
                s->finished = true;
                s->done_us = s->now_us;
                return;
        }

        root = json_loadb(event->data, event->len, JSON_ALLOW_NUL, NULL); /* a model may well say NUL */
        if (!json_is_object(root)) {
                fail(s, "an event is not a JSON object: ", event->data);
        } else if (json_is_object(json_object_get(root, "error")) || strcmp(event->type, "error") == 0) {
                fail(s,
                     "error in the stream: ", json_text_at(root, "error/message", json_text_at(root, "message", "?")));
        } else {
                take_choices(s, json_object_get(root, "choices"));
                take_usage(s, json_object_get(root, "usage"));
        }
}

void llm_stream_feed(struct llm_stream *s, const char *bytes, size_t len, uint64_t now_us) {
        int r;

        s->now_us = now_us;
        r = sse_feed(&s->sse, bytes, len, on_event, s);
        if (r < 0)
                fail(s, r == -EMSGSIZE ? "an event of more than 1 MiB" : strerror(-r), "");
}

uint64_t llm_stream_tokens(const struct llm_stream *s) {
        return s->has_usage ? s->completion_tokens : s->chunks;
}

static int by_length(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

uint64_t llm_stream_itl_us(struct llm_stream *s, double percent) {
        size_t rank;

        if (s->n_gaps == 0)
                return 0;

        qsort(s->gaps_us, s->n_gaps, sizeof(*s->gaps_us), by_length);
        rank = (size_t)ceil(percent / 100 * (double)s->n_gaps);
        return s->gaps_us[rank > 0 ? rank - 1 : 0];
}

void llm_stream_reset(struct llm_stream *s) {
        struct llm_stream kept = { .sse = s->sse, .gaps_us = s->gaps_us, .capacity = s->capacity };

        sse_reset(&kept.sse);
        *s = kept;
}

void llm_stream_done(struct llm_stream *s) {
        sse_done(&s->sse);
        free(s->gaps_us);
        *s = (struct llm_stream){ 0 };
}
