/* openslo.c — sets of OpenSLO files: read, link references, make one SLO per objective. */
#include "experiments/openslo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/yaml.h"
#include "experiments/openslo_parse.h"
#include "experiments/openslo_tables.h"
#include "experiments/where.h"

/* "alertPolicies:" with nothing behind it is a key that was left out. */
static void strip_nulls(json_t *value) {
        const char *key;
        json_t *item;
        void *next;
        size_t i;

        json_object_foreach_safe(value, next, key, item) {
                if (json_is_null(item))
                        (void)json_object_del(value, key);
                else
                        strip_nulls(item);
        }
        json_array_foreach (value, i, item)
                strip_nulls(item);
}

int slo_set_add(struct slo_set *set, const char *path, size_t *ret_file, struct err *e) {
        SCOPED(yaml_freep) struct yaml_file *f = NULL;
        struct yaml_file **grown;
        int r;

        for (size_t i = 0; i < set->n_files; i++)
                if (strcmp(yaml_name(set->files[i]), path) == 0) {
                        *ret_file = i;
                        return 0;
                }

        r = yaml_read(path, &f, e);
        if (r < 0)
                return r;
        if (yaml_count(f) == 0)
                return err_set(e, -EINVAL, "%s:1:1: no document in it", path);

        for (size_t i = 0; i < yaml_count(f); i++) {
                strip_nulls(yaml_document(f, i));
                r = openslo_check(yaml_document(f, i), e);
                if (r < 0)
                        return yaml_error(f, i, e);
        }

        grown = realloc(set->files, (set->n_files + 1) * sizeof(struct yaml_file *));
        if (!grown)
                return err_set(e, -ENOMEM, "no memory");
        set->files = grown;
        *ret_file = set->n_files;
        set->files[set->n_files++] = TAKE_PTR(f);
        return 0;
}

const json_t *openslo_find(const struct slo_set *set, const char *kind, const char *name) {
        for (size_t f = 0; f < set->n_files; f++)
                for (size_t i = 0; i < yaml_count(set->files[f]); i++) {
                        const json_t *d = yaml_document(set->files[f], i);

                        if (openslo_is(d, kind) && strcmp(openslo_name(d), name) == 0)
                                return d;
                }
        return NULL;
}

static const struct slo_datasource *find_datasource(const struct slo_set *set, const char *name) {
        for (size_t i = 0; i < set->n_datasources; i++)
                if (strcmp(set->datasources[i].name, name) == 0)
                        return &set->datasources[i];
        return NULL;
}

static int make_datasources(struct slo_set *set, struct err *e) {
        size_t n = 0;

        for (size_t f = 0; f < set->n_files; f++)
                n += yaml_count(set->files[f]);
        set->datasources = calloc(n, sizeof(*set->datasources));
        if (!set->datasources)
                return err_set(e, -ENOMEM, "no memory");

        for (size_t f = 0; f < set->n_files; f++)
                for (size_t i = 0; i < yaml_count(set->files[f]); i++) {
                        const json_t *d = yaml_document(set->files[f], i);
                        struct slo_datasource *s = &set->datasources[set->n_datasources];

                        if (!openslo_is(d, "DataSource") ||
                            strcasecmp(json_text_at(d, "spec/type", ""), "prometheus") != 0)
                                continue;
                        if (param_parse_object(openslo_connection, json_at(d, "spec/connectionDetails"), s, e) < 0)
                                return yaml_error(set->files[f], i, e);
                        s->name = strdup(openslo_name(d));
                        if (!s->name)
                                return err_set(e, -ENOMEM, "no memory");
                        set->n_datasources++;
                }
        return 0;
}

/* Can this source be asked? *ret_dangling: not, but only because a document is not here. */
static int link_source(const struct slo_set *set, struct slo_source *s, const char *ref, bool *ret_dangling,
                       struct err *e) {
        const json_t *d;

        if (!s->given || s->is_probe)
                return 0;
        if (s->type)
                return slo_source_refuse_type(s, e);
        if (!ref)
                return err_set(e, -EINVAL,
                               "a Prometheus source needs metricSourceRef, the name of a DataSource document");

        s->datasource = find_datasource(set, ref);
        if (s->datasource)
                return s->query ? 0 : slo_source_read_query(s, e);

        d = openslo_find(set, "DataSource", ref);
        *ret_dangling = !d;
        if (d)
                (void)err_set(e, -EINVAL, "DataSource '%.60s' is of type '%.40s'; Prometheus can be measured", ref,
                              json_text_at(d, "spec/type", ""));
        else
                (void)err_set(e, -EINVAL, "no DataSource named '%.60s' in the SLO files", ref);
        return err_at(e, "metricSourceRef");
}

/* Both sources; e->path points into the SLI's spec. */
static int link_sources(const struct slo_set *set, struct slo *s, const char *part_ref, const char *total_ref,
                        bool *ret_dangling, struct err *e) {
        static const char *const parts[] = { [SLO_GOOD_TOTAL] = "good", [SLO_BAD_TOTAL] = "bad", [SLO_RAW] = "raw" };
        const char *key = parts[s->indicator < SLO_THRESHOLD ? s->indicator : 0];
        int r;

        r = link_source(set, &s->part, part_ref, ret_dangling, e);
        if (r >= 0) {
                key = "total";
                r = link_source(set, &s->total, total_ref, ret_dangling, e);
        }
        if (r >= 0)
                return 0;

        (void)err_at(e, "metricSource");
        if (s->indicator == SLO_THRESHOLD)
                return err_at(e, "thresholdMetric");
        (void)err_at(e, key);
        return err_at(e, "ratioMetric");
}

static void slo_done(struct slo *s) {
        free(s->name);
        free(s->display_name);
        free(s->service);
        free(s->description);
        free(s->unmeasurable);
        slo_calendar_done(&s->calendar);
        slo_source_done(&s->part);
        slo_source_done(&s->total);
}

void slo_set_done(struct slo_set *set) {
        for (size_t i = 0; i < set->n_slos; i++)
                slo_done(&set->slos[i]);
        for (size_t i = 0; i < set->n_datasources; i++) {
                param_done(openslo_connection, &set->datasources[i]);
                free(set->datasources[i].name);
        }
        for (size_t i = 0; i < set->n_files; i++)
                yaml_free(set->files[i]);
        free(set->slos);
        free(set->datasources);
        free(set->files);
        json_decref(set->warnings);
        *set = (struct slo_set){ 0 };
}

static char *copy_or_null(const char *text) {
        return text ? strdup(text) : NULL;
}

static void read_objective(const json_t *objective, struct slo *s) {
        struct openslo_objective o = { 0 };

        if (param_parse_object(openslo_objective, objective, &o, NULL) < 0)
                return; /* openslo_check() took it before */

        s->objective = PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_TARGET) ? o.target : o.target_percent / 100;
        s->op = (enum slo_op)o.op;
        s->value = o.value;
        s->slice_target = o.slice_target;
        if (o.slice_window)
                (void)openslo_parse_duration(o.slice_window, &s->slice_us, NULL);
        if (o.display_name) {
                free(s->display_name);
                s->display_name = TAKE_PTR(o.display_name);
        }
        param_done(openslo_objective, &o);
}

/* Not measurable is an error only when an experiment wants to judge by it; a reference into nothing always is one,
 * unless other files are still to come. */
static int set_unmeasurable(struct slo_set *set, struct slo *s, bool by_ref, bool dangling, struct err *e) {
        if (!by_ref)
                (void)err_at(e, "spec");
        else
                e->path[0] = 0; /* it points into the other document */
        (void)err_at(e, by_ref ? "indicatorRef" : "indicator");
        (void)err_at(e, "spec");
        if (dangling && !set->alone)
                return e->code;

        (void)yaml_error(set->files[s->file], s->document, e);
        s->unmeasurable = strdup(e->msg);
        if (!s->unmeasurable)
                return err_set(e, -ENOMEM, "no memory");
        if (set->alone)
                (void)json_array_append_new(set->warnings, json_string(e->msg));
        return 0;
}

/* One SLO for objective k (from 0) of a document. On failure e->path points into the document. */
static int make_slo(struct slo_set *set, const json_t *d, const json_t *sli_spec, size_t k, struct slo *s,
                    struct err *e) {
        bool by_ref = json_at(d, "spec/indicatorRef"), dangling = false;
        struct slo_indicator_doc i = { 0 };
        struct openslo_slo_spec spec = { 0 };
        struct err why = { 0 };
        int r;

        r = slo_indicator_parse(sli_spec, &i, e);
        if (r >= 0)
                r = param_parse_object(openslo_slo_spec, json_at(d, "spec"), &spec, e);
        if (r < 0) {
                slo_indicator_done(&i);
                return r;
        }

        s->indicator = i.indicator;
        s->counter = i.counter;
        s->raw_success = i.raw_success;
        s->part = i.part; /* owned from here on */
        s->total = i.total;
        s->method = (enum slo_method)spec.budgeting_method;
        s->service = TAKE_PTR(spec.service);
        s->description = TAKE_PTR(spec.description);
        param_done(openslo_slo_spec, &spec);
        s->display_name = copy_or_null(json_text_at(d, "metadata/displayName", NULL));
        s->no_data_ok = openslo_no_data_ignored(d);
        if (asprintf(&s->name, k ? "%s/%zu" : "%s", openslo_name(d), k + 1) < 0) {
                s->name = NULL;
                return err_set(e, -ENOMEM, "no memory");
        }
        s->window_us = OPENSLO_WINDOW_DEFAULT_US;
        (void)openslo_parse_duration(json_text_at(d, "spec/timeWindow/0/duration", ""), &s->window_us, NULL);
        r = slo_calendar_read(json_at(d, "spec/timeWindow/0"), &s->calendar, e);
        if (r < 0)
                return r;
        read_objective(json_array_get(json_at(d, "spec/objectives"), k), s);

        if (link_sources(set, s, i.part_ref, i.total_ref, &dangling, &why) >= 0)
                return 0;
        r = set_unmeasurable(set, s, by_ref, dangling, &why);
        if (r < 0)
                *e = why;
        return r;
}

int openslo_make_slos(struct slo_set *set, size_t file, size_t document, struct err *e) {
        const json_t *d = yaml_document(set->files[file], document);
        const char *ref = json_text_at(d, "spec/indicatorRef", NULL);
        const json_t *sli = ref ? openslo_find(set, "SLI", ref) : json_at(d, "spec/indicator");
        size_t n = json_array_size(json_at(d, "spec/objectives"));
        int r;

        if (!sli) {
                (void)err_set(e, -EINVAL, "no SLI named '%.60s' in the SLO files", ref ? ref : "");
                (void)err_at(e, "indicatorRef");
                (void)err_at(e, "spec");
                if (!set->alone)
                        return -EINVAL;
                openslo_warn(set, file, document, e);
                return 0;
        }
        if (ref) {
                r = openslo_check_objectives(json_at(d, "spec"), json_at(sli, "spec/thresholdMetric") != NULL, e);
                if (r < 0)
                        return err_at(e, "spec");
        }

        for (size_t k = 0; k < n; k++) {
                struct slo *grown = realloc(set->slos, (set->n_slos + 1) * sizeof(*grown));

                if (!grown)
                        return err_set(e, -ENOMEM, "no memory");
                set->slos = grown;
                grown[set->n_slos] = (struct slo){ .file = file, .document = document };
                r = make_slo(set, d, json_at(sli, "spec"), k, &grown[set->n_slos++], e);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Names that alert policies and SLOs refer to must exist. */
static int check_refs(struct slo_set *set, size_t file, size_t document, struct err *e) {
        static const struct {
                const char *kind, *list, *key, *to;
        } refs[] = {
                { "AlertPolicy", "spec/conditions", "conditionRef", "AlertCondition" },
                { "AlertPolicy", "spec/notificationTargets", "targetRef", "AlertNotificationTarget" },
                { "SLO", "spec/alertPolicies", "alertPolicyRef", "AlertPolicy" },
        };
        const json_t *d = yaml_document(set->files[file], document);

        for (size_t k = 0; k < ARRAY_SIZE(refs); k++) {
                const json_t *list = json_at(d, refs[k].list);

                for (size_t i = 0; openslo_is(d, refs[k].kind) && i < json_array_size(list); i++) {
                        const json_t *item = json_array_get(list, i);
                        const char *name =
                                json_is_string(item) ? json_string_value(item) : json_text_at(item, refs[k].key, NULL);

                        if (!name || openslo_find(set, refs[k].to, name))
                                continue;

                        (void)err_set(e, -EINVAL, "no %s named '%.60s' in the SLO files", refs[k].to, name);
                        (void)err_at_index(e, (unsigned)i);
                        (void)err_at(e, strchr(refs[k].list, '/') + 1);
                        (void)err_at(e, "spec");
                        if (!set->alone)
                                return -EINVAL;
                        openslo_warn(set, file, document, e);
                }
        }
        return 0;
}

static int check_unique(const struct slo_set *set, struct err *e) {
        for (size_t i = 0; i < set->n_slos; i++)
                for (size_t k = 0; k < i; k++)
                        if (strcmp(set->slos[i].name, set->slos[k].name) == 0) {
                                (void)err_set(e, -EINVAL, "two SLOs are named '%.60s'", set->slos[i].name);
                                (void)err_at(e, "name");
                                (void)err_at(e, "metadata");
                                return yaml_error(set->files[set->slos[i].file], set->slos[i].document, e);
                        }
        return 0;
}

int slo_set_link(struct slo_set *set, struct err *e) {
        int r;

        set->warnings = json_array();
        if (!set->warnings)
                return err_set(e, -ENOMEM, "no memory");

        r = make_datasources(set, e);
        for (size_t f = 0; r >= 0 && f < set->n_files; f++)
                for (size_t i = 0; r >= 0 && i < yaml_count(set->files[f]); i++) {
                        const json_t *d = yaml_document(set->files[f], i);

                        openslo_warn_document(set, f, i);
                        r = check_refs(set, f, i, e);
                        if (r >= 0 && openslo_is(d, "SLO"))
                                r = openslo_make_slos(set, f, i, e);
                        if (r < 0)
                                return yaml_error(set->files[f], i, e);
                }
        return r < 0 ? r : check_unique(set, e);
}

bool slo_threshold_holds(const struct slo *s, double sample) {
        switch (s->op) {
        case SLO_LTE:
                return sample <= s->value;
        case SLO_LT:
                return sample < s->value;
        case SLO_GTE:
                return sample >= s->value;
        case SLO_GT:
                return sample > s->value;
        }
        return false;
}
