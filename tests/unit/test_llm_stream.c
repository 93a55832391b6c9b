/* Streamed completions: times, tokens and ends, from bytes and a clock that the test holds. */
#include <stdint.h>
#include <stdlib.h>

#include "experiments/llm_stream.h"
#include "lib/check.h"

static void feed(struct llm_stream *s, const char *text, uint64_t now_us) {
        llm_stream_feed(s, text, strlen(text), now_us);
}

static const char role[] =
        "data: {\"choices\": [{\"index\": 0, \"delta\": {\"role\": \"assistant\", \"content\": \"\"}}]}\n\n";
static const char word[] =
        "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \" w\\u00f6rd\"}, \"finish_reason\": null}]}\n\n";
static const char text[] = "data: {\"choices\": [{\"text\": \"w\", \"finish_reason\": null}], \"usage\": null}\n\n";
static const char stop[] = "data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n";
static const char usage[] = "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 9, "
                            "\"total_tokens\": 16}}\n\n";
static const char done[] = "data: [DONE]\n\n";

static void test_times(void) {
        struct llm_stream s = { 0 };

        feed(&s, role, 1000); /* who speaks is no token */
        CHECK(s.first_us == 0 && s.chunks == 0 && s.events == 1, "the role is counted as a token");
        feed(&s, word, 5000);
        feed(&s, ": ping\n\n", 5500);
        llm_stream_feed(&s, word, 20, 6000); /* an event is there when its end is */
        feed(&s, word + 20, 7000);
        feed(&s, word, 17000);
        feed(&s, stop, 18000);
        CHECK(s.first_us == 5000 && s.last_us == 17000 && s.chunks == 3, "%lu %lu", (unsigned long)s.first_us,
              (unsigned long)s.last_us);
        CHECK(s.n_gaps == 2 && llm_stream_itl_us(&s, 50) == 2000 && llm_stream_itl_us(&s, 99) == 10000, "gaps");
        CHECK(llm_stream_tokens(&s) == 3 && !s.has_usage, "tokens from chunks");
        CHECK(s.finished && s.done_us == 0 && !s.aborted && !s.failed, "finish_reason is an end");
        feed(&s, usage, 18100);
        feed(&s, done, 18200);
        CHECK(llm_stream_tokens(&s) == 9 && s.prompt_tokens == 7 && s.has_usage, "tokens from usage");
        CHECK(s.done_us == 18200, "done");

        llm_stream_reset(&s);
        CHECK(s.chunks == 0 && s.n_gaps == 0 && !s.finished && llm_stream_itl_us(&s, 99) == 0, "reset");
        feed(&s, text, 1);
        CHECK(s.chunks == 1 && llm_stream_itl_us(&s, 99) == 0 && !s.finished, "completions; one token has no gap");
        llm_stream_done(&s);
}

static const struct {
        const char *stream;
        uint64_t chunks;
        bool finished, aborted, failed;
        const char *error;
} ends[] = {
        { "", 0, false, false, false, "" },
        { "data: {\"choices\": [{\"text\": \"a\"}]}\n\n", 1, false, false, false, "" },
        { "data: {\"choices\": [{\"text\": \"a\", \"finish_reason\": \"length\"}]}\n\n", 1, true, false, false, "" },
        { "data: {\"choices\": [{\"text\": \"a\", \"finish_reason\": \"abort\"}]}\n\ndata: [DONE]\n\n", 1, true, true,
          false, "" },
        { "data: {\"choices\": [{\"text\": \"\"}]}\n\ndata: [DONE]\n\n", 0, true, false, false, "" },
        { "data: {\"choices\": [{\"delta\": {\"reasoning_content\": \"hm\"}}]}\n\n", 1, false, false, false, "" },
        { "data: {\"choices\": [{\"delta\": {\"tool_calls\": [{\"index\": 0}]}}]}\n\n", 1, false, false, false, "" },
        { "data: {\"choices\": [{\"text\": \"\\u0000\"}]}\n\n", 1, false, false, false, "" },
        { "data: {\"error\": {\"message\": \"out of memory\", \"code\": 500}}\n\n", 0, false, false, true,
          "error in the stream: out of memory" },
        { "event: error\ndata: {\"message\": \"boom\"}\n\n", 0, false, false, true, "error in the stream: boom" },
        { "data: {\"choices\": \n\n", 0, false, false, true, "an event is not a JSON object: {\"choices\": " },
        { "data: caf\xC3\xA9\n\n", 0, false, false, true, "an event is not a JSON object: caf??" },
        { "data: [1]\n\n", 0, false, false, true, "an event is not a JSON object: [1]" },
        { "data: {\"choices\": 5, \"usage\": {\"prompt_tokens\": -1, \"completion_tokens\": -5}}\n\n", 0, false, false,
          false, "" },
        { "{\"error\": \"a body that is no stream\"}", 0, false, false, false, "" },
};

static void test_ends(void) {
        struct llm_stream s = { 0 };

        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
                llm_stream_reset(&s);
                feed(&s, ends[i].stream, 1000);
                CHECK(s.chunks == ends[i].chunks && s.finished == ends[i].finished && s.aborted == ends[i].aborted &&
                              s.failed == ends[i].failed,
                      "'%s': %lu chunks, finished %d, aborted %d, failed %d", ends[i].stream, (unsigned long)s.chunks,
                      s.finished, s.aborted, s.failed);
                CHECK_STR(s.error, ends[i].error);
        }
        llm_stream_done(&s);
}

/* Figures do not depend on where the bytes are cut: in UTF-8, in an escape, in CR LF. */
static void test_every_cut(void) {
        static const char stream[] =
                "data: {\"choices\": [{\"delta\": {\"content\": \"\xF0\x9F\x9A\x80\"}}]}\r\n\r\n: c\r\n\r\n"
                "data: {\"choices\": [{\"delta\":\r\ndata: {\"content\": \"\\ud83d\\ude80\"}}]}\r\n\r\n"
                "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 2}}\r\n\r\ndata: "
                "[DONE]\r\n\r\n";
        struct llm_stream s = { 0 };

        for (size_t cut = 0; cut < sizeof(stream); cut++) {
                llm_stream_reset(&s);
                llm_stream_feed(&s, stream, cut, 1000);
                llm_stream_feed(&s, stream + cut, sizeof(stream) - 1 - cut, 3000);
                CHECK(s.chunks == 2 && llm_stream_tokens(&s) == 2 && s.finished && !s.failed, "cut at %zu: %s", cut,
                      s.error);
                CHECK(s.first_us == 1000 || (s.first_us == 3000 && cut < 70), "cut at %zu: first %lu", cut,
                      (unsigned long)s.first_us);
        }
        llm_stream_done(&s);
}

static void test_percentiles(void) {
        struct llm_stream s = { 0 };
        uint64_t now_us = 1000;

        feed(&s, text, now_us);
        for (uint64_t gap = 200; gap >= 1; gap--)
                feed(&s, text, now_us += gap);
        CHECK(s.n_gaps == 200, "%zu gaps", s.n_gaps);
        CHECK(llm_stream_itl_us(&s, 50) == 100, "p50 %lu", (unsigned long)llm_stream_itl_us(&s, 50));
        CHECK(llm_stream_itl_us(&s, 99) == 198, "p99 %lu", (unsigned long)llm_stream_itl_us(&s, 99));
        CHECK(llm_stream_itl_us(&s, 100) == 200 && llm_stream_itl_us(&s, 0) == 1, "ends");
        llm_stream_done(&s);
}

int main(void) {
        test_times();
        test_ends();
        test_every_cut();
        test_percentiles();
        return check_result();
}
