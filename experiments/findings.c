/* findings.c — what failed, how bad it is, and what to do about it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "experiments/run_internal.h"

enum severity { CRITICAL, HIGH, MEDIUM, LOW };

static const struct {
        const char *name;
        unsigned due_days;
} severities[] = {
        [CRITICAL] = { "critical", 7 },
        [HIGH] = { "high", 30 },
        [MEDIUM] = { "medium", 60 },
        [LOW] = { "low", 90 },
};

enum symptom { SLOW, ERRORS, NO_RECOVERY, ANY };

/* First match wins; family NULL = any. */
static const struct {
        const char *family;
        enum symptom symptom;
        const char *text;
} advice[] = {
        { "net", SLOW,
          "Give calls to this dependency a timeout well below the SLO's latency, and answer from a cache or a default "
          "when it passes; take the call off the request's path where the answer can wait." },
        { "net", ERRORS,
          "Retry idempotent calls once with a jittered back-off and a retry budget, use a circuit breaker, and fail "
          "over to another replica or zone." },
        { "proc", ERRORS,
          "Run at least two replicas behind health checks, drain connections before exit, and let clients retry "
          "idempotent calls on another replica; have a supervisor restart what died." },
        { "proc", SLOW,
          "Let the load balancer notice a stuck instance by a request of its own with a short timeout, and eject it." },
        { "disk", ERRORS,
          "Treat ENOSPC as a state, not as a crash: reserve space for what must be written, rotate and expire, alert "
          "on the time until full, and resume when space returns." },
        { "disk", SLOW,
          "Keep writes off the request's path, bound the queue before the disk, and shed load when it is full." },
        { "cpu", SLOW,
          "Set CPU requests that fit the load, shed load before queues grow, and scale on utilisation or queue "
          "length." },
        { "mem", ERRORS,
          "Set memory limits that fit the load, bound caches and queues, and restart gracefully on pressure." },
        { "sys", ERRORS,
          "Handle this error where it returns: retry what is transient, report what is not, and never lose what was "
          "acknowledged." },
        { "io", SLOW, "Bound waits on storage with a deadline, and degrade reads to a cache." },
        { NULL, NO_RECOVERY,
          "Find what keeps the service down after the cause is gone: retry storms, full queues, caches that refill "
          "under load, connections that are not reopened. Bound each of them." },
        { NULL, SLOW, "Bound every wait with a timeout below the SLO's latency, and degrade instead of waiting." },
        { NULL, ERRORS,
          "Add redundancy for what was broken, and make clients retry idempotent calls within a budget." },
};

/* The family of the first fault that acted. */
static const char *family(const struct run *r, char buf[32]) {
        const char *kind = r->x->n_faults ? r->x->faults[0].kind : "";

        for (size_t i = r->x->n_faults; i > 0; i--)
                if (r->engine->faults[i - 1].hits > 0)
                        kind = r->x->faults[i - 1].kind;
        (void)snprintf(buf, 32, "%.*s", (int)strcspn(kind, "."), kind);
        return buf;
}

static const char *recommend(const struct run *r, enum symptom symptom) {
        char buf[32];
        const char *f = family(r, buf);

        for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
                if (advice[i].symptom == symptom && (!advice[i].family || strcmp(advice[i].family, f) == 0))
                        return advice[i].text;
        return "";
}

/* Does the text hold one of these words (up to a NULL)? */
static bool mentions(const char *text, const char *const words[]) {
        for (; *words; words++)
                if (strstr(text, *words))
                        return true;
        return false;
}

/* An SLI that judges only whether there was an answer is availability; one of times, or a threshold, is not. */
static bool is_availability(const struct slo *s) {
        static const char *const fields[] = { "latency", "ttft", "itl_p99", NULL };
        static const char *const names[] = { "latency", "slow", "fast", NULL };

        if (s->indicator == SLO_THRESHOLD)
                return false;
        if (s->part.is_probe)
                return !s->part.where_text || !mentions(s->part.where_text, fields);
        return !mentions(s->name, names) &&
               !(s->part.query && strstr(s->part.query, "_bucket{")); /* of a histogram: how fast */
}

struct finding {
        const char *slo; /* or "residue" */
        enum severity severity;
        enum symptom symptom;
        char summary[300], evidence[300];
};

static json_t *to_json(const struct run *r, const struct finding *f, const char *suffix, uint64_t now_us) {
        char opened[CLOCK_TEXT_SIZE], due[CLOCK_TEXT_SIZE];

        (void)clock_format_utc(now_us, opened, sizeof(opened));
        (void)clock_format_utc(now_us + severities[f->severity].due_days * 86400 * USEC_PER_SEC, due, sizeof(due));
        due[10] = 0; /* the day */
        return json_pack("{s:o s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s}", "id",
                         json_sprintf("%s/%s/%s%s", r->x->service, f->slo, r->x->name, suffix), "service",
                         r->x->service, "slo", f->slo, "experiment", r->x->name, "severity",
                         severities[f->severity].name, "summary", f->summary, "evidence", f->evidence, "recommendation",
                         f->symptom == ANY ? "Run chaosctl reap, then find out why the undo failed."
                                           : recommend(r, f->symptom),
                         "owner", r->x->owner, "opened", opened, "due", due, "status", "open", "retest", r->x->file);
}

static void broken_slo(const struct run *r, size_t i, json_t *findings, uint64_t now_us) {
        const struct experiment_slo *x = &r->x->slos[i];
        const struct engine_slo *s = &r->engine->slos[i];
        struct finding f = { .slo = x->slo->name };

        f.symptom = is_availability(x->slo) ? ERRORS : SLOW;
        f.severity = x->expect.kind != EXPECT_MET ? MEDIUM : f.symptom == ERRORS ? CRITICAL : HIGH;
        (void)snprintf(f.summary, sizeof(f.summary), "%s broke during %s: %s",
                       x->slo->display_name ? x->slo->display_name : x->slo->name, r->x->name, s->reason);
        (void)snprintf(f.evidence, sizeof(f.evidence),
                       "run %s: %.0f of %.0f samples good, mean burn rate %.4g, peak %.4g; the faults acted %llu times",
                       r->id, s->phases[ENGINE_FAULT].good, s->phases[ENGINE_FAULT].total, s->mean_burn, s->peak_burn,
                       (unsigned long long)run_hits(r));
        (void)json_array_append_new(findings, to_json(r, &f, "", now_us));
}

static void slow_recovery(const struct run *r, size_t i, json_t *findings, uint64_t now_us) {
        const struct experiment_slo *x = &r->x->slos[i];
        double recovered_s = r->engine->slos[i].recovered_s;
        double within_s = (double)r->x->recover_within_us / 1e6;
        struct finding f = { .slo = x->slo->name, .severity = LOW, .symptom = NO_RECOVERY };

        if (isnan(recovered_s))
                (void)snprintf(f.summary, sizeof(f.summary),
                               "%s was not back inside its objective within the recovery phase", x->slo->name);
        else
                (void)snprintf(f.summary, sizeof(f.summary),
                               "%s was back inside its objective only after %.3g s, asked within %.3g s", x->slo->name,
                               recovered_s, within_s);
        (void)snprintf(f.evidence, sizeof(f.evidence), "run %s: %.0f of %.0f samples good in the recovery phase", r->id,
                       r->engine->slos[i].phases[ENGINE_RECOVERY].good,
                       r->engine->slos[i].phases[ENGINE_RECOVERY].total);
        (void)json_array_append_new(findings, to_json(r, &f, "/recovery", now_us));
}

static void left_residue(const struct run *r, json_t *findings, uint64_t now_us) {
        struct finding f = { .slo = "residue", .severity = CRITICAL, .symptom = ANY };

        (void)snprintf(f.summary, sizeof(f.summary), "a fault of %s could not be undone", r->x->name);
        (void)snprintf(f.evidence, sizeof(f.evidence), "run %s: see residue.left", r->id);
        (void)json_array_append_new(findings, to_json(r, &f, "", now_us));
}

/* Only what was really measured opens a finding: a run that proves nothing accuses nobody. */
json_t *run_findings(const struct run *r, bool residue, uint64_t now_wall_us) {
        json_t *findings = json_array();
        bool proven = r->engine->verdict == VERDICT_FAIL || (r->engine->verdict == VERDICT_ABORTED && run_hits(r) > 0);

        for (size_t i = 0; proven && i < r->x->n_slos; i++) {
                const struct engine_slo *s = &r->engine->slos[i];
                bool in_time = !r->x->recover_within_us || r->engine->stopping ||
                               s->recovered_s <= (double)r->x->recover_within_us / 1e6;

                if (s->conclusive && !s->held)
                        broken_slo(r, i, findings, now_wall_us);
                if (s->phases[ENGINE_RECOVERY].total > 0 && !in_time)
                        slow_recovery(r, i, findings, now_wall_us);
        }
        if (residue)
                left_residue(r, findings, now_wall_us);
        return findings;
}
