/* bench_probe — the load of one probe, alone: how well it keeps its schedule, and what it measured. JSON on stdout.
 * bench_probe http URL | tcp HOST:PORT | exec COMMAND ARG… | llm URL [chat|completions]   with RATE and SECONDS first: bench_probe 5000 5 http URL */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/err.h"
#include "experiments/probe.h"

static struct hdr latency;
static unsigned long statuses[600];
static struct probe_sample answers[4096]; /* the first ones, of an llm probe */
static size_t n_answers;

static void take(struct probe *p) {
        static struct probe_sample samples[1024];
        size_t n;

        while ((n = probe_take(p, samples, 1024)) > 0)
                for (size_t i = 0; i < n; i++) {
                        hdr_record(&latency, samples[i].answer.latency_us);
                        if (n_answers < ARRAY_SIZE(answers))
                                answers[n_answers++] = samples[i];
                        if (!samples[i].answer.error && samples[i].answer.status >= 0 && samples[i].answer.status < 600)
                                statuses[samples[i].answer.status]++;
                }
}

static double cpu_seconds(void) {
        struct rusage u;

        (void)getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void fill(struct experiment_probe *spec, int argc, char **argv) {
        static const char *const kinds[] = {
                [PROBE_HTTP] = "http",
                [PROBE_TCP] = "tcp",
                [PROBE_EXEC] = "exec",
                [PROBE_LLM] = "llm",
        };

        spec->name = "bench";
        spec->per_s = strtod(argv[1], NULL);
        spec->timeout_us = getenv("TIMEOUT_US") ? strtoull(getenv("TIMEOUT_US"), NULL, 10) : USEC_PER_SEC;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strcmp(argv[3], kinds[i]) == 0)
                        spec->kind = (enum probe_kind)i;
        spec->http =
                (struct experiment_probe_http){ .url = argv[4], .per_s = spec->per_s, .timeout_us = spec->timeout_us };
        spec->tcp = (struct experiment_probe_tcp){ .address = argv[4],
                                                   .per_s = spec->per_s,
                                                   .timeout_us = spec->timeout_us };
        spec->exec = (struct experiment_probe_exec){ .command = { argv + 4, (size_t)argc - 4 },
                                                     .per_s = spec->per_s,
                                                     .timeout_us = spec->timeout_us,
                                                     .parallel = 64 };
        spec->llm = (struct experiment_probe_llm){ .url = argv[4],
                                                   .per_s = spec->per_s,
                                                   .timeout_us = spec->timeout_us,
                                                   .model = "bench",
                                                   .prompt = "Count.",
                                                   .max_tokens = 64 };
        if (argc > 5 && strcmp(argv[5], "completions") == 0)
                spec->llm.api = LLM_COMPLETIONS;
}

/* One object for each answer, for tests that compare with what the server did. */
static void print_llm(const struct probe *p) {
        static struct probe_llm_stats s;

        if (!probe_llm_stats(p, &s))
                return;
        (void)printf(", \"llm\": {\"ttft_us\": {\"p50\": %lu, \"p99\": %lu}, \"itl_us\": {\"count\": %lu, \"p50\": "
                     "%lu, \"p99\": %lu}, "
                     "\"tokens\": %lu, \"prompt_tokens\": %lu, \"truncated\": %lu, \"seconds\": %.3f}, \"answers\": [",
                     hdr_percentile(&s.ttft, 50), hdr_percentile(&s.ttft, 99), s.itl.count, hdr_percentile(&s.itl, 50),
                     hdr_percentile(&s.itl, 99), s.tokens, s.prompt_tokens, s.truncated, s.seconds);
        for (size_t i = 0; i < n_answers; i++)
                (void)printf("%s{\"scheduled_us\": %lu, \"ttft_us\": %lu, \"itl_p99_us\": %lu, \"tokens\": %lu, "
                             "\"latency_us\": %lu, "
                             "\"status\": %d, \"error\": %s, \"truncated\": %s}",
                             i ? ", " : "", answers[i].scheduled_us, answers[i].answer.ttft_us,
                             answers[i].answer.itl_p99_us, answers[i].answer.tokens, answers[i].answer.latency_us,
                             answers[i].answer.status, answers[i].answer.error ? "true" : "false",
                             answers[i].answer.truncated ? "true" : "false");
        (void)printf("]");
}

int main(int argc, char **argv) {
        struct experiment_probe spec = { 0 };
        static struct probe_stats s;
        struct probe *p = NULL;
        struct err e = { 0 };
        uint64_t stop_us;

        if (argc < 5) {
                (void)fprintf(stderr, "usage: bench_probe RATE SECONDS http|tcp|exec|llm TARGET…\n");
                return 2;
        }
        fill(&spec, argc, argv);
        if (probe_start(&spec, clock_boottime_us() + 100 * USEC_PER_MSEC, &p, &e) < 0) {
                (void)fprintf(stderr, "bench_probe: %s\n", e.msg);
                return 1;
        }
        stop_us = clock_boottime_us() + (uint64_t)(strtod(argv[2], NULL) * 1e6) + 100 * USEC_PER_MSEC;
        for (bool stopped = false; !probe_is_drained(p);) {
                struct pollfd fd = { .fd = probe_fd(p), .events = POLLIN };

                (void)poll(&fd, 1, 20);
                take(p);
                if (!stopped && clock_boottime_us() >= stop_us) {
                        probe_stop(p);
                        stopped = true;
                }
        }

        probe_stats(p, &s);
        (void)printf("{\"scheduled\": %lu, \"completed\": %lu, \"errors\": %lu, \"skipped\": %lu, \"rate_kept\": %.1f, "
                     "\"kept_up\": %s, "
                     "\"message\": \"%s\", \"start_error_us\": {\"p50\": %lu, \"p99\": %lu, \"max\": %lu}, "
                     "\"latency_us\": {\"p50\": %lu, \"p99\": %lu, \"max\": %lu}, \"cpu_s\": %.2f, \"statuses\": {",
                     s.scheduled, s.completed, s.errors, s.skipped, s.rate_kept, s.kept_up ? "true" : "false",
                     s.message, hdr_percentile(&s.start_error, 50), hdr_percentile(&s.start_error, 99),
                     s.start_error.max_us, hdr_percentile(&latency, 50), hdr_percentile(&latency, 99), latency.max_us,
                     cpu_seconds());
        for (int i = 0, first = 1; i < 600; i++)
                if (statuses[i]) {
                        (void)printf("%s\"%d\": %lu", first ? "" : ", ", i, statuses[i]);
                        first = 0;
                }
        (void)printf("}, \"last_error\": \"%s\"", s.last_error);
        print_llm(p);
        (void)printf("}\n");
        probe_free(p);
        return 0;
}
