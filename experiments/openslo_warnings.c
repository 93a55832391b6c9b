/* openslo_warnings.c — what is odd about OpenSLO documents, but no reason to refuse them. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/yaml.h"
#include "experiments/openslo_parse.h"

static const char no_data[] = "chaosd/no-data";

bool openslo_no_data_ignored(const json_t *document) {
        const char *text = json_string_value(json_object_get(json_at(document, "metadata/annotations"), no_data));

        return text && strcmp(text, "ignore") == 0;
}

int openslo_check_no_data(const json_t *document, struct err *e) {
        const json_t *value = json_object_get(json_at(document, "metadata/annotations"), no_data);
        const char *text = json_string_value(value);

        if (!value || (text && (strcmp(text, "bad") == 0 || strcmp(text, "ignore") == 0)))
                return 0;
        (void)err_set(e, -EINVAL, "annotation %s is '%.20s'; it may be bad (the default) or ignore", no_data,
                      text ? text : "");
        (void)err_at(e, "annotations");
        return err_at(e, "metadata");
}

void openslo_warn(struct slo_set *set, size_t file, size_t document, struct err *e) {
        (void)yaml_error(set->files[file], document, e);
        (void)json_array_append_new(set->warnings, json_string(e->msg));
        *e = (struct err){ 0 };
}

static void warn_name(struct slo_set *set, size_t file, size_t document) {
        const char *name = openslo_name(yaml_document(set->files[file], document));
        struct err e = { 0 };

        if (openslo_name_ok(name, false))
                return;
        (void)err_set(&e, -EINVAL, "'%.70s' has capital letters: OpenSLO asks for RFC 1123 names", name);
        (void)err_at(&e, "name");
        (void)err_at(&e, "metadata");
        openslo_warn(set, file, document, &e);
}

/* Only what is inline: of an indicatorRef another document has the say. */
static void warn_ops(struct slo_set *set, size_t file, size_t document) {
        const json_t *d = yaml_document(set->files[file], document), *list = json_at(d, "spec/objectives");

        if (!json_at(d, "spec/indicator/spec/ratioMetric"))
                return;
        for (size_t i = 0; i < json_array_size(list); i++) {
                struct err e = { 0 };

                if (!json_at(json_array_get(list, i), "op"))
                        continue;
                (void)err_set(&e, -EINVAL, "op is for thresholdMetric only: it says nothing here");
                (void)err_at(&e, "op");
                (void)err_at_index(&e, (unsigned)i);
                (void)err_at(&e, "objectives");
                (void)err_at(&e, "spec");
                openslo_warn(set, file, document, &e);
        }
}

static void warn_window(struct slo_set *set, size_t file, size_t document) {
        const json_t *d = yaml_document(set->files[file], document);
        struct err e = { 0 };

        if (strcmp(json_text_at(d, "kind", ""), "SLO") != 0 || json_at(d, "spec/timeWindow"))
                return;
        (void)err_set(&e, -EINVAL, "no timeWindow: budgets are counted over 30 rolling days");
        (void)err_at(&e, "spec");
        openslo_warn(set, file, document, &e);
}

void openslo_warn_document(struct slo_set *set, size_t file, size_t document) {
        warn_name(set, file, document);
        warn_window(set, file, document);
        warn_ops(set, file, document);
}

json_t *slo_file_warnings(const char *path) {
        struct slo_set set = { .alone = true };
        struct err e = { 0 };
        json_t *warnings;
        size_t file;

        if (slo_set_add(&set, path, &file, &e) >= 0)
                (void)slo_set_link(&set, &e);
        warnings = set.warnings ? json_incref(set.warnings) : json_array();
        slo_set_done(&set);
        return warnings;
}
