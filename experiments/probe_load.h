/* probe_load.h — inside of experiments/probe: what makes one kind of request. All calls on the probe's own thread, but
 * for open, which may block and runs before it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "experiments/model.h"
#include "experiments/where.h"

struct err;

/* What an llm probe knows beyond that. Times are CLOCK_BOOTTIME. */
struct probe_llm_answer {
        bool truncated;
        bool has_usage;    /* the server said how many tokens; prompt_tokens is known */
        uint64_t first_us; /* of the first token; 0 = none came */
        uint64_t itl_p99_us;
        uint64_t tokens, prompt_tokens;
        const uint32_t *gaps_us; /* between tokens */
        size_t n_gaps;
};

/* Called for every request that ended. tag: as given to start(). reason: words for an error, or "". llm: NULL for other
 * kinds of probe, and borrowed for the call. */
typedef void (*probe_done_t)(uint64_t tag, uint64_t end_us, int status, bool error, const char *reason,
                             const struct probe_llm_answer *llm, void *arg);

struct probe_load_ops {
        int (*open)(const struct experiment_probe *spec, probe_done_t done, void *arg, void **ret, struct err *e);
        int (*start)(void *load,
                     uint64_t tag);  /* -EBUSY: too many under way. Other failures count as an error answer */
        int (*fd)(const void *load); /* readable when dispatch has something to do */
        uint64_t (*deadline_us)(const void *load); /* … or at this time; UINT64_MAX = never */
        void (*dispatch)(void *load);
        size_t (*in_flight)(const void *load);
        void (*close)(void *load);
};

extern const struct probe_load_ops probe_load_http, probe_load_tcp, probe_load_exec, probe_load_llm;

/* How many may be under way at once: as given, or as many as rate and timeout can need. */
size_t probe_parallel(uint64_t given, double per_s, uint64_t timeout_us);
