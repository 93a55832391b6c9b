#include "scorecards/profile.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/yaml.h"
#include "scorecards/score.h"

static const struct param category_params[] = {
        { .name = "name",
          .type = PARAM_STRING,
          .required = true,
          .max = 60,
          .offset = offsetof(struct score_category, name),
          .help = "what is exercised, in words" },
        { .name = "families",
          .type = PARAM_STRING,
          .list = true,
          .required = true,
          .offset = offsetof(struct score_category, families),
          .help = "fault families that exercise it: net, proc …" },
        { .name = "weight",
          .type = PARAM_UINT,
          .min = 1,
          .max = 10,
          .fallback = "1",
          .offset = offsetof(struct score_category, weight),
          .help = "how much it counts" },
        { .name = "why",
          .type = PARAM_STRING,
          .offset = offsetof(struct score_category, why),
          .help = "what stays unknown while it is not exercised" },
        { 0 },
};

static const struct param grade_params[] = {
        { .name = "grade",
          .type = PARAM_STRING,
          .required = true,
          .max = 8,
          .offset = offsetof(struct score_grade, grade),
          .help = "the letter" },
        { .name = "minValue",
          .type = PARAM_PERCENT,
          .required = true,
          .offset = offsetof(struct score_grade, min_value_ppm),
          .help = "least value" },
        { .name = "minCoverage",
          .type = PARAM_PERCENT,
          .required = true,
          .offset = offsetof(struct score_grade, min_coverage_ppm),
          .help = "least coverage" },
        { 0 },
};

struct spec {
        uint64_t set;
        uint64_t half_life_us;
};

static const struct param spec_params[] = {
        { .name = "halfLife",
          .type = PARAM_DURATION,
          .fallback = "30d",
          .min = 3600000000ULL,
          .offset = offsetof(struct spec, half_life_us),
          .help = "age at which a result counts half" },
        { 0 },
};

/* Rows of one of the two lists into a heap array of structs of the given size. */
static int parse_rows(const struct param *table, const json_t *list, size_t size, void **ret, size_t *ret_n,
                      struct err *e) {
        size_t n = json_array_size(list);
        char *rows;

        if (n == 0 || n > 64)
                return err_set(e, -EINVAL, "a list of 1 … 64 entries is needed");

        rows = calloc(n, size);
        if (!rows)
                return err_set(e, -ENOMEM, "no memory");

        *ret = rows;
        for (size_t i = 0; i < n; i++) {
                int r = param_parse_object(table, json_array_get(list, i), rows + i * size, e);

                if (r < 0) {
                        (void)err_at_index(e, (unsigned)i);
                        return r;
                }
                *ret_n = i + 1;
        }
        return 0;
}

static int parse_spec(const json_t *spec, struct score_profile *p, struct err *e) {
        SCOPED_JSON json_t *scalars = json_copy((json_t *)spec);
        struct spec values = { 0 };
        int r;

        r = parse_rows(category_params, json_object_get(spec, "categories"), sizeof(*p->categories),
                       (void **)&p->categories, &p->n_categories, e);
        if (r < 0)
                return err_at(e, "categories");

        r = parse_rows(grade_params, json_object_get(spec, "grades"), sizeof(*p->grades), (void **)&p->grades,
                       &p->n_grades, e);
        if (r < 0)
                return err_at(e, "grades");

        (void)json_object_del(scalars, "categories");
        (void)json_object_del(scalars, "grades");
        r = param_parse_object(spec_params, scalars, &values, e);
        p->half_life_us = values.half_life_us;
        return r;
}

static int parse_document(const json_t *document, struct score_profile *p, struct err *e) {
        const json_t *spec = json_object_get(document, "spec");
        const char *name = json_text_at(document, "metadata/name", NULL);
        int r;

        if (strcmp(json_text_at(document, "kind", ""), "ScoreProfile") != 0 ||
            strcmp(json_text_at(document, "apiVersion", ""), "chaosd/v1") != 0)
                return err_set(e, -EINVAL, "not a score profile (apiVersion: chaosd/v1, kind: ScoreProfile)");
        if (!name || !json_is_object(spec))
                return err_set(e, -EINVAL, "'metadata.name' and 'spec' are needed");

        p->name = strdup(name);
        if (!p->name)
                return err_set(e, -ENOMEM, "no memory");

        r = parse_spec(spec, p, e);
        if (r < 0)
                (void)err_at(e, "spec");
        return r;
}

int score_profile_read(const char *path, struct score_profile **ret, struct err *e) {
        SCOPED(yaml_freep) struct yaml_file *file = NULL;
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        int r;

        r = yaml_read(path, &file, e);
        if (r < 0)
                return r;
        if (yaml_count(file) != 1)
                return err_set(e, -EINVAL, "%s: one document is needed, there are %zu", path, yaml_count(file));

        p = calloc(1, sizeof(*p));
        if (!p)
                return err_set(e, -ENOMEM, "no memory");

        r = parse_document(yaml_document(file, 0), p, e);
        if (r < 0)
                return yaml_error(file, 0, e);

        *ret = TAKE_PTR(p);
        return 0;
}

void score_profile_free(struct score_profile *p) {
        if (!p)
                return;

        for (size_t i = 0; i < p->n_categories; i++)
                param_done(category_params, &p->categories[i]);
        for (size_t i = 0; i < p->n_grades; i++)
                param_done(grade_params, &p->grades[i]);
        free(p->categories);
        free(p->grades);
        free(p->name);
        free(p);
}

size_t score_profile_category(const struct score_profile *p, const char *family) {
        for (size_t i = 0; i < p->n_categories; i++) {
                const struct param_list *families = &p->categories[i].families;

                for (size_t k = 0; k < families->n; k++)
                        if (strcmp(((char **)families->items)[k], family) == 0)
                                return i;
        }
        return p->n_categories;
}
