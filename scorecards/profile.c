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
        { .name = "floor",
          .type = PARAM_PERCENT,
          .offset = offsetof(struct score_category, floor_ppm),
          .help = "least value; below it the grade is capped at belowFloor" },
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
        char *below_floor, *open_critical, *currency;
        double cost_per_run;
};

enum { SPEC_HALF_LIFE, SPEC_BELOW_FLOOR, SPEC_OPEN_CRITICAL, SPEC_COST, SPEC_CURRENCY };

static const struct param spec_params[] = {
        [SPEC_HALF_LIFE] = { .name = "halfLife",
                             .type = PARAM_DURATION,
                             .fallback = "30d",
                             .min = 3600000000ULL,
                             .offset = offsetof(struct spec, half_life_us),
                             .help = "age at which a result counts half" },
        [SPEC_BELOW_FLOOR] = { .name = "belowFloor",
                               .type = PARAM_STRING,
                               .max = 8,
                               .offset = offsetof(struct spec, below_floor),
                               .help = "best grade while a category is under its floor" },
        [SPEC_OPEN_CRITICAL] = { .name = "openCritical",
                                 .type = PARAM_STRING,
                                 .max = 8,
                                 .offset = offsetof(struct spec, open_critical),
                                 .help = "best grade while a critical finding is open" },
        [SPEC_COST] = { .name = "costPerRun",
                        .type = PARAM_REAL,
                        .offset = offsetof(struct spec, cost_per_run),
                        .help = "what one run costs where its record does not say" },
        [SPEC_CURRENCY] = { .name = "currency",
                            .type = PARAM_STRING,
                            .fallback = "EUR",
                            .max = 8,
                            .offset = offsetof(struct spec, currency),
                            .help = "of costPerRun" },
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

/* A cap names one of the grades above it, or F, which is below all. */
static int check_cap(const struct score_profile *p, const char *key, const char *grade, struct err *e) {
        if (!grade || strcmp(grade, "F") == 0)
                return 0;

        for (size_t i = 0; i < p->n_grades; i++)
                if (strcmp(p->grades[i].grade, grade) == 0)
                        return 0;
        (void)err_set(e, -EINVAL, "'%s' is none of the grades of this profile", grade);
        return err_at(e, key);
}

static int parse_scalars(const json_t *scalars, struct score_profile *p, struct err *e) {
        struct spec values = { 0 };
        int r;

        r = param_parse_object(spec_params, scalars, &values, e);
        if (r < 0)
                return r;

        p->half_life_us = values.half_life_us;
        p->below_floor = TAKE_PTR(values.below_floor);
        p->open_critical = TAKE_PTR(values.open_critical);
        p->currency = TAKE_PTR(values.currency);
        p->has_cost = PARAM_IS_SET(&values, SPEC_COST);
        p->cost_per_run = values.cost_per_run;
        param_done(spec_params, &values);
        if (p->has_cost && !(p->cost_per_run >= 0 && p->cost_per_run <= 1e9)) {
                (void)err_set(e, -ERANGE, "a cost is 0 … 1e9");
                return err_at(e, "costPerRun");
        }

        r = check_cap(p, "belowFloor", p->below_floor, e);
        return r < 0 ? r : check_cap(p, "openCritical", p->open_critical, e);
}

static int parse_spec(const json_t *spec, struct score_profile *p, struct err *e) {
        SCOPED_JSON json_t *scalars = json_copy((json_t *)spec);
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
        return parse_scalars(scalars, p, e);
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
        free(p->below_floor);
        free(p->open_critical);
        free(p->currency);
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
