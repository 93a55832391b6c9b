/* What users write: YAML, experiments, OpenSLO documents, where conditions. The first byte chooses the reader. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/yaml.h"
#include "experiments/model.h"
#include "experiments/openslo_parse.h"
#include "experiments/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 keeps a 4 KiB chunk for each quoted scalar with more than about sixty escapes (seeds/experiment/quotes).
 * What we forget of its objects shows in the unit tests under ASan, where nothing is suppressed. */
const char *__lsan_default_suppressions(void) {
        return "leak:libfyaml.so\n";
}

static void read_experiment(const char *text, size_t len) {
        struct experiment *x = NULL;
        struct err e = { 0 };

        /* The SLO files that it names are looked for in a folder that is not there. */
        if (experiment_load_text(text, len, "/nonexistent/e.yaml", &x, &e) < 0 && !strchr(e.msg, ':'))
                abort(); /* an error says where */
        experiment_free(x);
}

static void read_openslo(const char *text, size_t len) {
        struct yaml_file *f = NULL;
        struct err e = { 0 };

        if (yaml_read_text(text, len, "slo.yaml", &f, &e) < 0)
                return;
        for (size_t i = 0; i < yaml_count(f); i++)
                if (openslo_check(yaml_document(f, i), &e) < 0) {
                        (void)yaml_error(f, i, &e);
                        if (strncmp(e.msg, "slo.yaml:", 9) != 0)
                                abort();
                }
        yaml_free(f);
}

static void read_where(const char *text) {
        static const struct where_answer answers[] = { { .status = 200, .latency_us = 1000, .error = false },
                                                       { .status = 503, .latency_us = 1, .error = false },
                                                       { .status = 0, .latency_us = 5, .error = true },
                                                       { .status = 200, .tokens = 3, .ttft_us = 9, .itl_p99_us = 1 } };
        struct where *w = NULL;
        struct err e = { 0 };

        if (where_parse(text, &w, NULL) < 0)
                return;
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
                (void)where_matches(w, &answers[i]);
        if (where_check_probe(w, false, &e) < 0 && strncmp(e.msg, "column ", 7) != 0)
                abort(); /* an error says where */
        where_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text;

        if (size < 1)
                return 0;

        text = malloc(size); /* exactly as long as the text and its NUL, so that reading past it is seen */
        if (!text)
                return 0;
        memcpy(text, data + 1, size - 1);
        text[size - 1] = 0;
        switch (data[0] % 3) {
        case 0:
                read_experiment(text, size - 1);
                break;
        case 1:
                read_openslo(text, size - 1);
                break;
        default:
                read_where(text);
                break;
        }
        free(text);
        return 0;
}
