/* Wrong documents and what is said about them: where, what, and what was probably meant. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "experiments/model.h"
#include "lib/check.h"

static const char experiment[] = "apiVersion: chaosd/v1\n"                                              /* 1 */
                                 "kind: Experiment\n"                                                   /* 2 */
                                 "metadata: {name: slow-upstream, labels: {team: web}}\n"               /* 3 */
                                 "spec:\n"                                                              /* 4 */
                                 "  service: shop\n"                                                    /* 5 */
                                 "  owner: web-sre\n"                                                   /* 6 */
                                 "  hypothesis: It holds.\n"                                            /* 7 */
                                 "  slos:\n"                                                            /* 8 */
                                 "    - file: slos.yaml\n"                                              /* 9 */
                                 "  probes:\n"                                                          /* 10 */
                                 "    - name: front\n"                                                  /* 11 */
                                 "      http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}\n" /* 12 */
                                 "  phases: {baseline: 5s, recovery: 10s}\n"                            /* 13 */
                                 "  faults:\n"                                                          /* 14 */
                                 "    - name: gone\n"                                                   /* 15 */
                                 "      kind: proc.kill\n"                                              /* 16 */
                                 "      target: {process: {comm: nginx}, pick: one}\n"                  /* 17 */
                                 "      params: {signal: SIGKILL}\n"                                    /* 18 */
                                 "  budget: {minRemaining: 25%, maxSpend: 10%}\n"                       /* 19 */
                                 "  recovery: {within: 5s}\n"                                           /* 20 */
                                 "  seed: 7\n";                                                         /* 21 */

static const char slos[] =
        "apiVersion: openslo/v1\n"                                                                      /* 1 */
        "kind: SLO\n"                                                                                   /* 2 */
        "metadata: {name: shop-availability}\n"                                                         /* 3 */
        "spec:\n"                                                                                       /* 4 */
        "  service: shop\n"                                                                             /* 5 */
        "  indicator:\n"                                                                                /* 6 */
        "    spec:\n"                                                                                   /* 7 */
        "      ratioMetric:\n"                                                                          /* 8 */
        "        good:  {metricSource: {type: probe, spec: {probe: front, where: \"status < 500\"}}}\n" /* 9 */
        "        total: {metricSource: {type: probe, spec: {probe: front}}}\n"                          /* 10 */
        "  timeWindow: [{duration: 30d, isRolling: true}]\n"                                            /* 11 */
        "  budgetingMethod: Occurrences\n"                                                              /* 12 */
        "  objectives: [{target: 0.999}]\n";                                                            /* 13 */

static char dir[] = "/tmp/chaos-load-XXXXXX";

/* text with `from` replaced by `to`, written to dir/name. */
static void write_changed(const char *name, const char *text, const char *from, const char *to) {
        const char *at = from ? strstr(text, from) : NULL;
        char path[128];
        FILE *f;

        CHECK(!from || at, "'%s' is not in the text", from ? from : "");
        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "w");
        if (!f)
                abort();
        if (at)
                (void)fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
        else
                (void)fputs(text, f);
        (void)fclose(f);
}

static int load(struct experiment **ret, struct err *e) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/e.yaml", dir);
        return experiment_load(path, ret, e);
}

/* One change to the experiment's file, and the message (behind the folder's name). */
static const struct {
        const char *from, *to, *message;
} bad_experiments[] = {
        { "chaosd/v1", "chaosd/v2", "e.yaml:1:13: apiVersion must be chaosd/v1" },
        { "kind: Experiment", "kind: Drill", "e.yaml:2:7: kind is 'Drill', not Experiment" },
        { "name: slow-upstream", "name: Slow_Upstream", "e.yaml:3:18: 'Slow_Upstream' is not a name" },
        { "labels:", "lables:", "e.yaml:3:33: unknown key 'lables', did you mean 'labels'?" },
        { "  service: shop\n", "", "e.yaml:5:3: 'service' is missing" },
        { "  owner:", "  ownr:", "e.yaml:6:3: unknown key 'ownr', did you mean 'owner'?; known: service, owner," },
        { "    - file: slos.yaml\n", "    - file: nowhere.yaml\n", "e.yaml:9:13: read " },
        { "slos.yaml", "slos.yaml\n      name: shop-availabilty",
          "e.yaml:10:13: no SLO named 'shop-availabilty' in 'slos.yaml', did you mean 'shop-availability'?" },
        { "slos.yaml", "slos.yaml\n      expect: burn < 6", "e.yaml:10:15: 'burn < 6' is not an expectation" },
        { "slos.yaml", "slos.yaml\n      minSamples: 0", "e.yaml:10:19: 'minSamples'" },
        { "slos.yaml", "slos.yaml\n    - file: slos.yaml", "e.yaml:10:7: the SLO 'shop-availability' is named twice" },
        { "- name: front", "- name: back", "e.yaml:9:7: SLO shop-availability: no probe named 'front'" },
        { "rate: 200/s", "rate: 200", "e.yaml:12:46: '200' is not a rate such as 200/s" },
        { "rate: 200/s", "rate: 900000/s", "e.yaml:12:46: " },
        { "timeout: 1s", "timeout: 1", "e.yaml:12:62: '1' lacks a unit" },
        { "timeout: 1s", "timout: 1s", "e.yaml:12:53: unknown key 'timout', did you mean 'timeout'?" },
        { "\"http://10.77.0.2/\"", "ftp://x/", "e.yaml:12:19: 'ftp://x/' does not start with http://" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}", "llm: {url: \"http://h\", model: m}",
          "e.yaml:12:12: give either prompt or messages" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}", "llm: {url: \"h:1\", model: m, prompt: p}",
          "e.yaml:12:19: 'h:1' does not start with http://" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}", "llm: {url: \"http://h\", prompt: p}",
          "e.yaml:12:12: 'model' is missing" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}",
          "llm: {url: \"http://h\", model: m, messages: [{role: user}]}",
          "e.yaml:12:51: a message needs role and content" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}",
          "llm: {url: \"http://h\", model: m, api: completions, messages: [{role: user, content: c}]}",
          "e.yaml:12:45: messages are for api chat" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}",
          "llm: {url: \"http://h\", model: m, prompt: p, request: {stream: false}}",
          "e.yaml:12:69: 'stream' is set by the probe itself" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}",
          "llm: {url: \"http://h\", model: m, prompt: p, price: {prompt: 1}}",
          "e.yaml:12:58: 'completion' is missing" },
        { "http: {url: \"http://10.77.0.2/\", rate: 200/s, timeout: 1s}",
          "llm: {url: \"http://h\", model: m, prompt: p, maxToken: 5}",
          "e.yaml:12:51: unknown key 'maxToken', did you mean 'maxTokens'?" },
        { "timeout: 1s}", "timeout: 1s}\n      tcp: {address: \"a:1\"}",
          "e.yaml:11:7: a probe is exactly one of http, tcp, exec and llm" },
        { "timeout: 1s}", "timeout: 1s}\n    - name: front\n      tcp: {address: \"a:1\"}",
          "e.yaml:13:13: the name 'front' is given twice in probes" },
        { "baseline: 5s", "baseline: 5", "e.yaml:13:22: '5' lacks a unit" },
        { "baseline: 5s", "baseline: 5ms", "e.yaml:13:22: 'baseline' is 5ms; it must be in 1s … 1d" },
        { "phases: {baseline: 5s, recovery: 10s}", "phases: 5s", "e.yaml:13:11: expected a mapping" },
        { "proc.kill", "proc.kil",
          "e.yaml:16:13: unknown fault kind 'proc.kil', did you mean 'proc.kill'?; this build knows: " },
        { "proc.kill", "gpu.lost", "e.yaml:16:13: unknown fault kind 'gpu.lost'" },
        { "{signal: SIGKILL}", "{signl: SIGKILL}", "e.yaml:18:16: unknown key 'signl', did you mean 'signal'?" },
        { "{signal: SIGKILL}", "{signal: SIGNOPE}", "e.yaml:18:24: " },
        { "process: {comm: nginx}", "process: {com: nginx}", "e.yaml:17:26: unknown key 'com', did you mean 'comm'?" },
        { "pick: one", "path: /tmp", "e.yaml:17:46: proc.kill does not take the selector 'path'; it takes: " },
        { "      target: {process: {comm: nginx}, pick: one}\n", "", "e.yaml:15:7: proc.kill needs a target" },
        { "SIGKILL}", "SIGKILL}\n      node: web-1", "e.yaml:19:13: node 'web-1' cannot be reached" },
        { "SIGKILL}", "SIGKILL}\n      for: 10", "e.yaml:19:12: '10' lacks a unit" },
        { "SIGKILL}", "SIGKILL}\n      backend: magic", "e.yaml:19:16: proc.kill has no backend 'magic'" },
        { "minRemaining: 25%", "minRemaining: 25", "e.yaml:19:26: '25' is not a percentage" },
        { "minRemaining: 25%", "minRemaining: 125%", "e.yaml:19:26: '125%' is over 100%" },
        { "  seed: 7", "  seed: -7", "e.yaml:21:9: '-7' is not a whole number" },
        { "  seed: 7", "  abort: {burnRate: fast}", "e.yaml:21:21: 'fast' is not a burn rate" },
        { "  seed: 7", "  abort: {when: [{probe: front}]}", "e.yaml:21:18: 'where' is missing" },
        { "  seed: 7", "  abort: {when: [{probe: front, where: \"sttus > 1\"}]}",
          "e.yaml:21:41: column 1: unknown field 'sttus', did you mean 'status'?" },
        { "  seed: 7", "  abort: {when: [{probe: front, where: \"status > 1 and ttft > 1s\"}]}",
          "e.yaml:21:41: where of probe 'front': column 16: 'ttft' is measured by llm probes only" },
        { "  seed: 7", "  abort: {when: [{query: up}]}", "e.yaml:21:26: 'dataSource' is missing" },
        { "  seed: 7", "  seed: 7\n  seed: 8", "e.yaml:22:3: the key 'seed' is given twice" },
        { "  seed: 7\n", "  seed: 7\n---\na: 1\n", "e.yaml:1:1: expected one document" },
        { "spec:\n", "spec: [\n", "e.yaml:" },
        { "  faults:\n", "  faults: []\n  x:\n", "e.yaml:15:3: unknown key 'x'" },
};

/* The same for the SLO file. */
static const struct {
        const char *from, *to, *message;
} bad_slos[] = {
        { "openslo/v1", "openslo/v1alpha", "slos.yaml:1:13: apiVersion is 'openslo/v1alpha'; this reads openslo/v1" },
        { "kind: SLO", "kind: SLOO", "slos.yaml:2:7: unknown kind 'SLOO', did you mean 'SLO'?" },
        { "  service: shop\n", "", "slos.yaml:5:3: 'service' is missing" },
        { "indicator:", "indicater:", "slos.yaml:6:3: unknown key 'indicater', did you mean 'indicator'?" },
        { "ratioMetric:", "ratiometric:", "slos.yaml:8:7: unknown key 'ratiometric', did you mean 'ratioMetric'?" },
        { "type: probe, spec: {probe: front, where", "type: prob, spec: {probe: front, where",
          "slos.yaml:9:38: metric sources of type 'prob' cannot be measured, did you mean 'probe'?" },
        { "status < 500", "status < five", "slos.yaml:9:74: where: column 10: 'five' is not a whole number" },
        { "status < 500", "tokens > 5",
          "e.yaml:9:7: SLO shop-availability: where of probe 'front': column 1: 'tokens' is measured by llm probes "
          "only" },
        { "status < 500", "latancy < 5ms",
          "slos.yaml:9:74: where: column 1: unknown field 'latancy', did you mean 'latency'?" },
        { "        total: {metricSource: {type: probe, spec: {probe: front}}}\n", "",
          "slos.yaml:9:9: 'total' is missing" },
        { "total: {metricSource: {type: probe, spec: {probe: front}}}",
          "total: {metricSource: {type: probe, spec: {probe: back}}}",
          "slos.yaml:9:9: good counts answers of probe 'front', total those of 'back'" },
        { "total: {metricSource: {type: probe, spec: {probe: front}}}",
          "total: {metricSource: {type: Prometheus, spec: {query: up}}}",
          "slos.yaml:9:9: good and total must come from the same kind of source" },
        { "duration: 30d", "duration: 30 days", "slos.yaml:11:27: '30 days' is not a duration" },
        { "[{duration: 30d, isRolling: true}]", "[]", "slos.yaml:11:15: 'timeWindow' must be a list of exactly 1" },
        { "isRolling: true", "isRolling: false", "slos.yaml:11:16: a window that does not roll needs a calendar" },
        { "Occurrences", "Occurences", "slos.yaml:12:20: " },
        { "Occurrences", "Timeslices", "slos.yaml:13:16: budgetingMethod Timeslices needs timeSliceTarget" },
        { "target: 0.999", "target: 1", "slos.yaml:13:25: a target of 100% leaves no error budget" },
        { "target: 0.999", "target: 99.9", "slos.yaml:13:25: 'target' is 99.9" },
        { "target: 0.999", "targetPercent: 99.9, target: 0.999",
          "slos.yaml:13:16: give either target or targetPercent" },
        { "target: 0.999", "target: 0.999, op: lt, value: 5", "slos.yaml:13:47: value is for thresholdMetric only" },
};

static void check_message(const struct err *e, const char *want) {
        const char *got = strncmp(e->msg, dir, strlen(dir)) == 0 ? e->msg + strlen(dir) + 1 : e->msg;

        CHECK(strncmp(got, want, strlen(want)) == 0, "\n  got  '%s'\n  want '%s…'", got, want);
}

static void test_bad(void) {
        struct err e;

        write_changed("slos.yaml", slos, NULL, NULL);
        for (size_t i = 0; i < sizeof(bad_experiments) / sizeof(bad_experiments[0]); i++) {
                SCOPED(experiment_freep) struct experiment *x = NULL;

                e = (struct err){ 0 };
                write_changed("e.yaml", experiment, bad_experiments[i].from, bad_experiments[i].to);
                CHECK(load(&x, &e) < 0, "'%s' was taken", bad_experiments[i].to);
                check_message(&e, bad_experiments[i].message);
        }

        write_changed("e.yaml", experiment, NULL, NULL);
        for (size_t i = 0; i < sizeof(bad_slos) / sizeof(bad_slos[0]); i++) {
                SCOPED(experiment_freep) struct experiment *x = NULL;

                e = (struct err){ 0 };
                write_changed("slos.yaml", slos, bad_slos[i].from, bad_slos[i].to);
                CHECK(load(&x, &e) < 0, "'%s' was taken", bad_slos[i].to);
                check_message(&e, bad_slos[i].message);
        }
}

static void test_good(void) {
        SCOPED(experiment_freep) struct experiment *x = NULL;
        struct err e = { 0 };

        write_changed("slos.yaml", slos, NULL, NULL);
        write_changed("e.yaml", experiment, "slos.yaml", "slos.yaml\n      expect: burn <= 6.5\n      minSamples: 20");
        CHECK(load(&x, &e) == 0, "%s", e.msg);
        if (!x)
                return;

        CHECK_STR(x->name, "slow-upstream");
        CHECK(x->n_slos == 1 && x->n_probes == 1 && x->n_faults == 1, "%zu %zu %zu", x->n_slos, x->n_probes,
              x->n_faults);
        CHECK(x->probes[0].per_s == 200 && x->probes[0].timeout_us == 1000000, "probe %f", x->probes[0].per_s);
        CHECK(x->slos[0].expect.kind == EXPECT_BURN && x->slos[0].expect.limit == 6.5, "expect");
        CHECK(x->slos[0].min_samples == 20 && x->slos[0].slo->window_us == 30ULL * 86400000000, "slo");
        CHECK(x->baseline_us == 5000000 && x->recovery_us == 10000000, "phases");
        CHECK(x->faults[0].irreversible && x->faults[0].for_us == 5000000 && x->fault_us == 5000000, "watch");
        CHECK(x->max_spend_ppm == 100000 && x->min_remaining_ppm == 250000 && x->gate_remaining, "budget");
        CHECK(x->burn_auto && !x->burn_off && x->seed == 7 && x->seed_given, "defaults");
}

/* Whatever the catalogue holds loads in this build. */
static void test_catalogue(void) {
        glob_t files = { 0 };

        CHECK(glob(CHAOS_SOURCE_DIR "/experiments/catalog/*.yaml", 0, NULL, &files) == 0, "no catalogue");
        CHECK(files.gl_pathc >= 2, "%zu files", files.gl_pathc);
        for (size_t i = 0; i < files.gl_pathc; i++) {
                struct err e = { 0 };
                char kind[32];

                CHECK(document_check(files.gl_pathv[i], kind, &e) == 0, "%s", e.msg);
        }
        globfree(&files);
}

int main(void) {
        char command[64];

        if (!mkdtemp(dir))
                return 1;
        test_bad();
        test_good();
        test_catalogue();
        for (int i = 0; i < 2; i++) {
                (void)snprintf(command, sizeof(command), "%s/%s", dir, i ? "e.yaml" : "slos.yaml");
                (void)unlink(command);
        }
        (void)rmdir(dir);
        return check_result();
}
