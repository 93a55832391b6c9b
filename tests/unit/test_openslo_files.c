/* tests/data/openslo: good/ is one set whose files refer to each other, and each is valid alone; bad/expected.txt says
 * where and why each file of bad/ is refused. */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "experiments/model.h"
#include "experiments/openslo.h"
#include "lib/check.h"

#define DATA CHAOS_SOURCE_DIR "/tests/data/openslo/"

static const struct slo *find(const struct slo_set *set, const char *name) {
        for (size_t i = 0; i < set->n_slos; i++)
                if (strcmp(set->slos[i].name, name) == 0)
                        return &set->slos[i];
        return NULL;
}

static void check_set(const struct slo_set *set) {
        const struct slo *kept = find(set, "orders-kept"), *queue = find(set, "queue-young"),
                         *carts = find(set, "carts-open");

        CHECK(set->n_slos == 4 && kept && queue && carts, "%zu SLOs", set->n_slos);
        if (!kept || !queue || !carts)
                return;

        CHECK(kept->indicator == SLO_BAD_TOTAL && kept->counter && kept->no_data_ok && !kept->unmeasurable,
              "the source without a type is its DataSource's");
        CHECK(kept->part.query && strcmp(kept->part.query, "sum(orders_lost_total)") == 0, "query");
        CHECK(kept->calendar.given && kept->calendar.unit == 'Q' && kept->window_us == 90 * 86400000000ULL, "1Q");
        CHECK(queue->unmeasurable && strstr(queue->unmeasurable, "slos.yaml:21:17: DataSource 'warehouse' is of type"),
              "'%s'", queue->unmeasurable ? queue->unmeasurable : "");
        CHECK(!carts->unmeasurable && !carts->no_data_ok && !carts->raw_success && carts->slice_us == 60000000,
              "carts");
}

static void test_good(void) {
        struct slo_set set = { 0 };
        struct err e = { 0 };
        char kind[32];
        glob_t files;
        size_t file;

        CHECK(glob(DATA "good/*.yaml", 0, NULL, &files) == 0 && files.gl_pathc == 4, "no files");
        for (size_t i = 0; i < files.gl_pathc; i++) {
                CHECK(slo_set_add(&set, files.gl_pathv[i], &file, &e) == 0, "%s", e.msg);
                CHECK(document_check(files.gl_pathv[i], kind, &e) == 0, "alone: %s", e.msg);
        }
        CHECK(slo_set_link(&set, &e) == 0, "%s", e.msg);
        check_set(&set);
        CHECK(json_array_size(set.warnings) == 3, "two names in capitals and an op: %zu",
              json_array_size(set.warnings));
        slo_set_done(&set);
        globfree(&files);
}

/* A file alone: what it refers to may stand elsewhere. */
static void test_warnings(void) {
        json_t *warnings = slo_file_warnings(DATA "good/slos.yaml");
        const char *first = json_string_value(json_array_get(warnings, 0));

        CHECK(json_array_size(warnings) == 6, "%zu", json_array_size(warnings));
        CHECK(first && strstr(first, "slos.yaml:14:19: no AlertPolicy named 'by-reference'"), "'%s'",
              first ? first : "");
        json_decref(warnings);
}

/* timeWindow is optional: thirty rolling days, said aloud. */
static void test_no_window(void) {
        json_t *warnings = slo_file_warnings(DATA "odd/no-window.yaml");
        const char *first = json_string_value(json_array_get(warnings, 0));
        struct slo_set set = { .alone = true };
        struct err e = { 0 };
        size_t file;

        CHECK(first && strstr(first, "no-window.yaml:6:3: no timeWindow: budgets are counted over 30 rolling days"),
              "'%s'", first ? first : "");
        CHECK(slo_set_add(&set, DATA "odd/no-window.yaml", &file, &e) == 0 && slo_set_link(&set, &e) == 0, "%s", e.msg);
        CHECK(set.n_slos == 1 && set.slos[0].window_us == 30ULL * 86400 * 1000000, "window");
        slo_set_done(&set);
        json_decref(warnings);
}

static void test_bad(void) {
        FILE *expected = fopen(DATA "bad/expected.txt", "r");
        char line[500], path[600], kind[32];
        unsigned n = 0;
        glob_t files;

        CHECK(expected, "no table");
        if (!expected)
                return;
        while (fgets(line, sizeof(line), expected)) {
                struct err e = { 0 };
                const char *message;

                line[strcspn(line, "\n")] = 0;
                (void)snprintf(path, sizeof(path), DATA "bad/%.*s", (int)strcspn(line, ":"), line);
                CHECK(document_check(path, kind, &e) < 0, "%s was taken", path);
                message = strncmp(e.msg, DATA "bad/", strlen(DATA "bad/")) == 0 ? e.msg + strlen(DATA "bad/") : e.msg;
                CHECK(strncmp(message, line, strlen(line)) == 0, "'%s', expected '%s'", message, line);
                n++;
        }
        (void)fclose(expected);
        CHECK(glob(DATA "bad/*.yaml", 0, NULL, &files) == 0 && files.gl_pathc == n, "%zu files, %u expectations",
              files.gl_pathc, n);
        globfree(&files);
}

int main(void) {
        test_good();
        test_warnings();
        test_no_window();
        test_bad();
        return check_result();
}
