/* probe.h — a probe at work: load on schedule from a thread of its own, every answer measured from its scheduled start
 * (open loop: a slow service cannot slow its own measurement down). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hdr.h"
#include "experiments/model.h"
#include "experiments/where.h"

struct err;
struct probe;

/* One answer. */
struct probe_sample {
        uint64_t scheduled_us; /* CLOCK_BOOTTIME: when it should have started */
        uint64_t end_us;       /* CLOCK_BOOTTIME */
        struct where_answer answer;
};

struct probe_stats {
        uint64_t scheduled; /* starts that were due */
        uint64_t started, completed, errors;
        uint64_t skipped;             /* due, but never started: too many under way, or no time before the stop */
        double rate_asked, rate_kept; /* per second */
        bool kept_up;                 /* none skipped, and 99 % of the starts less than 1 ms late */
        char message[160];            /* in words when not; "" otherwise */
        struct hdr start_error;       /* microseconds late */
        char last_error[120];         /* words of the last error, or "" */
};

/* Of an llm probe, over all answers so far. */
struct probe_llm_stats {
        struct hdr ttft; /* from the scheduled start to the first token */
        struct hdr itl;  /* every gap between two tokens of one answer */
        uint64_t tokens; /* generated, those of truncated answers too */
        uint64_t prompt_tokens, truncated;
        uint64_t without_usage; /* answers with tokens whose server did not say how many: tokens counts chunks */
        double seconds;         /* from the first scheduled start to the last end */
};

#define PROBE_LATE_MAX_US 1000

/* probe_start — begin the load at first_us (CLOCK_BOOTTIME). spec must outlive the probe. -errno with words in e when
 * the load cannot be made: no such address or command, no descriptors. */
int probe_start(const struct experiment_probe *spec, uint64_t first_us, struct probe **ret, struct err *e);

/* Readable (an eventfd) when probe_take() has something. */
int probe_fd(const struct probe *p);

/* probe_take — up to max samples, oldest first; they become known at most 5 ms after the answer. */
size_t probe_take(struct probe *p, struct probe_sample *samples, size_t max);

/* probe_stop — start no more; what is under way may end by itself. Returns at once. */
void probe_stop(struct probe *p);

/* Nothing is under way any more and every sample was taken. */
bool probe_is_drained(const struct probe *p);

/* A copy of the counts; any time. */
void probe_stats(const struct probe *p, struct probe_stats *ret);

/* A copy of what an llm probe counts; false, and *ret untouched, for another kind. */
bool probe_llm_stats(const struct probe *p, struct probe_llm_stats *ret);

/* Ends the thread at once; drops what is under way. */
void probe_free(struct probe *p);
DEFINE_SCOPED(struct probe, probe_free)
