/* llm_stream.h — one streamed completion of an OpenAI-style API (/v1/completions, /v1/chat/completions): what came,
 * and when. Pure: bytes and the time in, figures out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "experiments/sse.h"

/* Zeroed = ready. Times are those given to llm_stream_feed(). */
struct llm_stream {
        struct sse sse;
        uint64_t events;            /* of any kind */
        uint64_t chunks;            /* events that carried text (or a piece of a tool call) */
        uint64_t first_us, last_us; /* first and last of those; 0 = none */
        uint64_t done_us;           /* of "[DONE]"; 0 = not seen */
        uint32_t *gaps_us;          /* between one chunk and the next: chunks - 1 of them */
        size_t n_gaps, capacity;
        bool has_usage;
        uint64_t prompt_tokens, completion_tokens; /* as `usage` said, when it did */
        bool finished;                             /* a finish_reason came, or "[DONE]" */
        bool aborted;    /* … but the reason was that the server gave up: "abort", "error" */
        bool failed;     /* not a completion: an error object, not JSON, too long */
        char error[120]; /* words for failed, or "" */
        uint64_t now_us; /* of the bytes being fed */
};

/* llm_stream_feed — the next bytes of the answer's body, cut anywhere. What came in one piece came at one time. */
void llm_stream_feed(struct llm_stream *s, const char *bytes, size_t len, uint64_t now_us);

/* Generated tokens: what `usage` says; without it one for each chunk with text (servers that put several tokens into
 * one chunk send `usage` when asked to). */
uint64_t llm_stream_tokens(const struct llm_stream *s);

/* llm_stream_itl_us — the gap between chunks that `percent` (0 … 100) of this answer's gaps do not exceed (nearest
 * rank); 0 with fewer than two chunks. Sorts the gaps. */
uint64_t llm_stream_itl_us(struct llm_stream *s, double percent);

/* llm_stream_reset — ready for another answer; keeps its memory. llm_stream_done — frees it. */
void llm_stream_reset(struct llm_stream *s);
void llm_stream_done(struct llm_stream *s);
