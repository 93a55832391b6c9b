/* bench_inject SOCKET NETNS INTERFACE PAIRS — inject + revert of net.delay through a running daemon, and, in turn with
 * it, `tc qdisc add` + `tc qdisc del` as another program would run them. Prints both medians in microseconds. */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/node.h"

#define PAIRS_MAX 1000

extern char **environ;

static int compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static uint64_t median(uint64_t *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return values[n / 2];
}

static int run_tc(char *const *argv) {
        int status;
        pid_t pid;

        if (posix_spawnp(&pid, "tc", NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid)
                return -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* netem where the kernel has it; else a token bucket: what is timed is the way there, not the qdisc. */
static int tc_pair(char *netns, char *interface) {
        char *const netem[] = { "tc",      "-n",   netns,   "qdisc", "add",  "dev",
                                interface, "root", "netem", "delay", "10ms", NULL };
        char *const tbf[] = { "tc",  "-n",   netns,   "qdisc", "add",  "dev",     interface, "root",
                              "tbf", "rate", "1gbit", "burst", "64kb", "latency", "10ms",    NULL };
        char *const del[] = { "tc", "-n", netns, "qdisc", "del", "dev", interface, "root", NULL };
        char *const *add = getenv("BENCH_HAS_NETEM") ? netem : tbf;

        return run_tc(add) < 0 || run_tc(del) < 0 ? -1 : 0;
}

static int our_pair(const struct node *node, const json_t *body, struct err *e) {
        SCOPED_JSON json_t *fault = NULL;
        char path[80];
        int r;

        r = node_call(node, "POST", "/v1/faults", body, &fault, e);
        if (r < 0)
                return r;

        (void)snprintf(path, sizeof(path), "/v1/faults/%.40s", json_text_at(fault, "uid", ""));
        return node_call(node, "DELETE", path, NULL, NULL, e);
}

int main(int argc, char **argv) {
        static uint64_t ours[PAIRS_MAX], tcs[PAIRS_MAX];
        SCOPED_JSON json_t *body = NULL;
        struct err e = { 0 };
        struct node node;
        int pairs;

        if (argc != 5 || (pairs = atoi(argv[4])) < 1 || pairs > PAIRS_MAX) {
                (void)fprintf(stderr, "usage: bench_inject SOCKET NETNS INTERFACE PAIRS\n");
                return 2;
        }
        body = json_pack("{s:s s:s s:{s:s s:s} s:{s:s}}", "kind", "net.delay", "for", "10s", "target", "netns", argv[2],
                         "interface", argv[3], "params", "delay", "10ms");
        if (!body || node_init(&node, argv[1], &e) < 0)
                return 1;

        for (int i = 0; i < pairs; i++) {
                uint64_t start = clock_boottime_us();

                if (our_pair(&node, body, &e) < 0) {
                        (void)fprintf(stderr, "bench_inject: %s\n", e.msg);
                        return 1;
                }
                ours[i] = clock_boottime_us() - start;

                start = clock_boottime_us();
                if (tc_pair(argv[2], argv[3]) < 0) {
                        (void)fprintf(stderr, "bench_inject: tc failed\n");
                        return 1;
                }
                tcs[i] = clock_boottime_us() - start;
        }
        (void)printf("{\"ours_us\": %llu, \"tc_us\": %llu, \"pairs\": %d}\n",
                     (unsigned long long)median(ours, (size_t)pairs), (unsigned long long)median(tcs, (size_t)pairs),
                     pairs);
        return 0;
}
