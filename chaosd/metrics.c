#include "chaosd/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chaosd/daemon.h"
#include "chaosd/history.h"
#include "chaosd/life.h"
#include "core/version.h"

static void head(FILE *f, const char *name, const char *type, const char *help) {
        (void)fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *f, const char *name, const char *type, const char *help, uint64_t value) {
        head(f, name, type, help);
        (void)fprintf(f, "%s %llu\n", name, (unsigned long long)value);
}

static uint64_t count_live(const struct daemon *d, const char *kind, enum life_state state) {
        uint64_t n = 0;

        for (const struct life *l = d->lives; l; l = l->next)
                n += l->state == state && (!kind || strcmp(l->kind, kind) == 0);
        return n;
}

static uint64_t sum_hits(const struct daemon *d, const struct history_totals *totals) {
        uint64_t hits = totals->hits;

        for (const struct life *l = d->lives; l; l = l->next)
                if (strcmp(l->kind, totals->kind) == 0)
                        hits += l->evidence.hits;
        return hits;
}

/* One family with a sample per kind that this daemon has seen. */
static void per_kind(FILE *f, const struct daemon *d, const char *name, const char *type, const char *help,
                     uint64_t (*value)(const struct daemon *, const struct history_totals *)) {
        const struct history_totals *totals;

        head(f, name, type, help);
        for (unsigned i = 0; (totals = history_totals_at(d->history, i)); i++)
                (void)fprintf(f, "%s{kind=\"%s\"} %llu\n", name, totals->kind, (unsigned long long)value(d, totals));
}

static uint64_t value_active(const struct daemon *d, const struct history_totals *totals) {
        return count_live(d, totals->kind, LIFE_ACTIVE);
}

static uint64_t value_injected(const struct daemon *d, const struct history_totals *totals) {
        (void)d;
        return totals->injected;
}

char *metrics_text(struct daemon *d) {
        char *text = NULL;
        size_t size = 0;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        for (struct life *l = d->lives; l; l = l->next)
                life_read_evidence(l);

        head(f, "chaosd_build_info", "gauge", "Always 1; the version is the label.");
        (void)fprintf(f, "chaosd_build_info{version=\"%s\",api=\"%s\"} 1\n", CHAOS_VERSION, CHAOS_API_VERSION);
        per_kind(f, d, "chaosd_faults_active", "gauge", "Faults that act now.", value_active);
        per_kind(f, d, "chaosd_faults_injected_total", "counter", "Faults injected.", value_injected);
        per_kind(f, d, "chaosd_fault_hits_total", "counter", "Times that faults acted, as the kernel counted.",
                 sum_hits);
        single(f, "chaosd_faults_failed", "gauge", "Faults whose undo does not succeed.",
               count_live(d, NULL, LIFE_FAILED));
        single(f, "chaosd_undo_failures_total", "counter", "Undos that failed, each try counted.", d->undo_failures);
        single(f, "chaosd_lease_lapses_total", "counter", "Faults that ended because nobody renewed them.",
               d->lease_lapses);
        single(f, "chaosd_halted", "gauge", "1 while no fault may be injected.", d->halted);
        single(f, "chaosd_api_requests_total", "counter", "Requests answered.", d->requests);
        single(f, "chaosd_event_streams_dropped_total", "counter", "Event readers dropped because they were too slow.",
               d->streams_dropped);
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}
