/* The ready SLO documents for vLLM: a `le` that is no bound of the histogram would select nothing, and an SLO that
 * selects nothing is no SLO. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/scoped.h"
#include "experiments/openslo.h"
#include "lib/check.h"

/* The buckets of vLLM (vllm/v1/metrics/loggers.py), seconds. */
#define ITL_BOUNDS                                                                                                     \
        { .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80 }
#define REQUEST_BOUNDS                                                                                                 \
        { .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680 }

static const struct {
        const char *name;
        double bounds[24];
} histograms[] = {
        { "vllm:time_to_first_token_seconds",
          { .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560 } },
        { "vllm:inter_token_latency_seconds", ITL_BOUNDS },
        { "vllm:time_per_output_token_seconds", ITL_BOUNDS }, /* the older name */
        { "vllm:e2e_request_latency_seconds", REQUEST_BOUNDS },
        { "vllm:request_queue_time_seconds", REQUEST_BOUNDS },
        { "vllm:request_prefill_time_seconds", REQUEST_BOUNDS },
        { "vllm:request_decode_time_seconds", REQUEST_BOUNDS },
        { "vllm:request_inference_time_seconds", REQUEST_BOUNDS },
};

static bool is_bound(size_t histogram, double le) {
        for (size_t i = 0; i < ARRAY_SIZE(histograms[0].bounds) && histograms[histogram].bounds[i] > 0; i++)
                if (histograms[histogram].bounds[i] == le)
                        return true;
        return false;
}

/* Every alternative of le="0.5" or le=~"10|10\\.0": one value, and a bound. -1 = there is no such selector. */
static double read_le(const char *selector, size_t len, size_t histogram, bool *ret_ok) {
        const char *le = memmem(selector, len, "le=", 3), *end;
        double value = -1;

        if (!le)
                return -1;
        le += 3 + (le[3] == '~');
        end = strchr(++le, '"');
        for (char text[64]; end && le < end; le += strcspn(le, "|\"") + 1) {
                size_t n = 0;
                double one;

                for (const char *c = le; c < end && *c != '|' && n < sizeof(text) - 1; c++)
                        if (*c != '\\')
                                text[n++] = *c;
                text[n] = 0;
                one = strtod(text, NULL);
                if ((value >= 0 && one != value) || !is_bound(histogram, one))
                        *ret_ok = false;
                value = one;
        }
        return value;
}

/* How many histograms does the query select buckets of? 0 also when one of them has no such bucket. */
static size_t count_buckets(const char *query, double *ret_le) {
        size_t found = 0;
        bool ok = true;

        for (size_t i = 0; i < ARRAY_SIZE(histograms); i++) {
                const char *at = strstr(query, histograms[i].name), *brace = at ? strchr(at, '{') : NULL;
                const char *rest = at ? at + strlen(histograms[i].name) : NULL,
                           *close = brace ? strchr(brace, '}') : NULL;

                if (!at)
                        continue;
                found++;
                if (strncmp(rest, "_bucket{", 8) != 0 || !close)
                        return 0;
                *ret_le = read_le(brace, (size_t)(close - brace), i, &ok);
                ok = ok && *ret_le > 0;
        }
        return ok ? found : 0;
}

/* The total counts the same histograms. */
static size_t count_counts(const char *query) {
        size_t found = 0;

        for (size_t i = 0; i < ARRAY_SIZE(histograms); i++) {
                const char *at = strstr(query, histograms[i].name);

                found += at && strncmp(at + strlen(histograms[i].name), "_count", 6) == 0;
        }
        return found;
}

static void check_document(const char *path) {
        struct slo_set set = { 0 };
        struct err e = { 0 };
        size_t file, buckets;
        double le = -1;

        CHECK(slo_set_add(&set, path, &file, &e) == 0 && slo_set_link(&set, &e) == 0, "%s", e.msg);
        CHECK(set.n_slos == 1 && set.n_datasources == 1, "%s: %zu SLOs, %zu data sources", path, set.n_slos,
              set.n_datasources);
        for (size_t i = 0; i < set.n_slos; i++) {
                const struct slo *s = &set.slos[i];

                buckets = count_buckets(s->part.query, &le);
                CHECK(s->counter, "%s: buckets are counters", s->name);
                CHECK(buckets > 0, "%s: not a bound of the histogram: %s", s->name, s->part.query);
                CHECK(count_counts(s->total.query) == buckets, "%s: good and total count other things", s->name);
        }
        slo_set_done(&set);
}

/* The check itself finds what it is for. */
static void test_the_check(void) {
        static const struct {
                const char *query;
                size_t buckets;
        } queries[] = {
                { "sum(vllm:time_to_first_token_seconds_bucket{le=\"0.5\"})", 1 },
                { "sum(vllm:time_to_first_token_seconds_bucket{model_name=\"m\", le=\"0.5\"})", 1 },
                { "sum(vllm:time_to_first_token_seconds_bucket{le=\"0.3\"})", 0 },
                { "sum(vllm:e2e_request_latency_seconds_bucket{le=~\"10|10\\\\.0\"})", 1 },
                { "sum(vllm:e2e_request_latency_seconds_bucket{le=~\"10|20\"})", 0 },
                { "sum(vllm:e2e_request_latency_seconds_bucket{le=\"12\"})", 0 },
                { "sum(vllm:e2e_request_latency_seconds_bucket)", 0 },
                { "sum(vllm:e2e_request_latency_seconds_count)", 0 },
                { "sum(vllm:inter_token_latency_seconds_bucket{le=\"0.1\"} or "
                  "vllm:time_per_output_token_seconds_bucket{le=\"0.1\"})",
                  2 },
                { "sum(vllm:inter_token_latency_seconds_bucket{le=\"0.1\"} or "
                  "vllm:time_per_output_token_seconds_bucket{le=\"0.08\"})",
                  0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
                double le = -1;
                size_t n = count_buckets(queries[i].query, &le);

                CHECK(n == queries[i].buckets, "%zu in %s", n, queries[i].query);
        }
}

int main(void) {
        glob_t files;

        test_the_check();
        CHECK(glob(CHAOS_SOURCE_DIR "/experiments/slos/vllm-*.yaml", 0, NULL, &files) == 0, "no documents");
        CHECK(files.gl_pathc >= 4, "%zu documents", files.gl_pathc);
        for (size_t i = 0; i < files.gl_pathc; i++)
                check_document(files.gl_pathv[i]);
        globfree(&files);
        return check_result();
}
