#include "experiments/model.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/suggest.h"
#include "core/units.h"
#include "core/yaml.h"
#include "experiments/model_tables.h"
#include "experiments/openslo_parse.h"
#include "experiments/where.h"

/* Errors below travel with e->path relative to where they happened; each level adds its key. */
int model_at_spec(const char *list, size_t i, struct err *e) {
        (void)err_at_index(e, (unsigned)i);
        (void)err_at(e, list);
        return err_at(e, "spec");
}

/* A list of objects, each by one table, into an array of structs of this size. */
static int parse_objects(const json_t *list, const char *key, const struct param *table, size_t size, void **ret,
                         size_t *ret_n, struct err *e) {
        size_t n = json_array_size(list);
        char *items;

        if (!list)
                return 0;
        if (!json_is_array(list)) {
                (void)err_set(e, -EINVAL, "'%s' must be a list", key);
                (void)err_at(e, key);
                return err_at(e, "spec");
        }

        items = calloc(n ? n : 1, size);
        if (!items)
                return err_set(e, -ENOMEM, "no memory");

        *ret = items; /* experiment_free() owns it from here on */
        for (size_t i = 0; i < n; i++) {
                if (param_parse_object(table, json_array_get(list, i), items + i * size, e) < 0)
                        return model_at_spec(key, i, e);
                *ret_n = i + 1;
        }
        return 0;
}

static void free_objects(const struct param *table, void *items, size_t n, size_t size) {
        for (size_t i = 0; i < n; i++)
                param_done(table, (char *)items + i * size);
        free(items);
}

void experiment_free(struct experiment *x) {
        if (!x)
                return;

        for (size_t i = 0; i < x->n_stops; i++)
                where_free(x->stops[i].where);
        free_objects(model_probe, x->probes, x->n_probes, sizeof(*x->probes));
        free_objects(model_slo, x->refs, x->n_refs, sizeof(*x->refs));
        free_objects(model_fault, x->faults, x->n_faults, sizeof(*x->faults));
        free_objects(model_stop, x->stops, x->n_stops, sizeof(*x->stops));
        free(x->slos);
        slo_set_done(&x->slo_set);
        yaml_free(x->yaml);
        free(x->file);
        free(x->name);
        free(x->service);
        free(x->owner);
        free(x->hypothesis);
        free(x);
}

static int check_name(const char *name, struct err *e) {
        size_t len = strlen(name);
        bool ok = len >= 1 && len <= 63 && name[0] != '-' && name[len - 1] != '-';

        for (size_t i = 0; i < len && ok; i++)
                ok = islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) || name[i] == '-';
        if (ok)
                return 0;

        (void)err_set(e, -EINVAL, "'%.70s' is not a name: 1 to 63 of a-z, 0-9 and '-', not at the ends", name);
        return err_at(e, "name");
}

/* No two of a list's objects may have one name. name_at: offset of their char *name. */
static int check_unique(const char *list, const void *items, size_t n, size_t size, size_t name_at, struct err *e) {
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < i; k++) {
                        const char *a = *(char *const *)((const char *)items + i * size + name_at);
                        const char *b = *(char *const *)((const char *)items + k * size + name_at);

                        if (strcmp(a, b) != 0)
                                continue;
                        (void)err_set(e, -EINVAL, "the name '%.60s' is given twice in %s", a, list);
                        (void)err_at(e, "name");
                        return model_at_spec(list, i, e);
                }
        return 0;
}

/* ── probes ────────────────────────────────────────────────────────────────────────────────────────────────── */

static int check_probe(struct experiment_probe *p, struct err *e) {
        int given = PARAM_IS_SET(p, MODEL_PROBE_HTTP) + PARAM_IS_SET(p, MODEL_PROBE_TCP) +
                    PARAM_IS_SET(p, MODEL_PROBE_EXEC) + PARAM_IS_SET(p, MODEL_PROBE_LLM);

        if (given != 1)
                return err_set(e, -EINVAL, "a probe is exactly one of http, tcp, exec and llm");
        if (check_name(p->name, e) < 0)
                return -EINVAL;

        if (PARAM_IS_SET(p, MODEL_PROBE_HTTP)) {
                p->kind = PROBE_HTTP;
                p->per_s = p->http.per_s;
                p->timeout_us = p->http.timeout_us;
                if (strncmp(p->http.url, "http://", 7) != 0 && strncmp(p->http.url, "https://", 8) != 0) {
                        (void)err_set(e, -EINVAL, "'%.100s' does not start with http:// or https://", p->http.url);
                        (void)err_at(e, "url");
                        return err_at(e, "http");
                }
        } else if (PARAM_IS_SET(p, MODEL_PROBE_TCP)) {
                p->kind = PROBE_TCP;
                p->per_s = p->tcp.per_s;
                p->timeout_us = p->tcp.timeout_us;
                if (!strchr(p->tcp.address, ':')) {
                        (void)err_set(e, -EINVAL, "'%.100s' is not HOST:PORT", p->tcp.address);
                        (void)err_at(e, "address");
                        return err_at(e, "tcp");
                }
        } else if (PARAM_IS_SET(p, MODEL_PROBE_LLM)) {
                return model_check_llm(p, e);
        } else {
                p->kind = PROBE_EXEC;
                p->per_s = p->exec.per_s;
                p->timeout_us = p->exec.timeout_us;
        }
        return 0;
}

int model_find_probe(const struct experiment *x, const char *name, struct err *e) {
        const char *names[64], *nearest;
        size_t n = 0;

        for (size_t i = 0; i < x->n_probes; i++) {
                if (strcmp(x->probes[i].name, name) == 0)
                        return (int)i;
                if (n < ARRAY_SIZE(names))
                        names[n++] = x->probes[i].name;
        }
        nearest = suggest_word(name, names, n);
        return err_set(e, -EINVAL, "no probe named '%.60s' in the experiment%s%s%s", name,
                       nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* ── stop conditions ───────────────────────────────────────────────────────────────────────────────────────── */

static int link_stop(struct experiment *x, struct experiment_stop *s, struct err *e) {
        int r;

        s->probe_index = -1;
        if (!s->probe == !s->query)
                return err_set(e, -EINVAL, "a stop condition is either a probe with where, or a query");
        if (s->probe) {
                if (!s->where_text)
                        return err_set(e, -EINVAL, "'where' is missing: which answers of the probe count against it");
                r = s->probe_index = model_find_probe(x, s->probe, e);
                if (r < 0)
                        return err_at(e, "probe");
                r = where_parse(s->where_text, &s->where, e);
                if (r >= 0)
                        r = model_check_where(&x->probes[s->probe_index], s->where, e);
                return r < 0 ? err_at(e, "where") : 0;
        }

        for (size_t i = 0; i < x->slo_set.n_datasources; i++)
                if (!s->datasource_name || strcmp(x->slo_set.datasources[i].name, s->datasource_name) == 0)
                        s->datasource = &x->slo_set.datasources[i];
        if (s->datasource && (s->datasource_name || x->slo_set.n_datasources == 1))
                return 0;

        (void)err_set(e, -EINVAL,
                      s->datasource_name ? "no DataSource document of this name in the SLO files"
                                         : "'dataSource' is missing: whom to ask");
        return err_at(e, s->datasource_name ? "dataSource" : "query");
}

static int link_stops(struct experiment *x, struct err *e) {
        for (size_t i = 0; i < x->n_stops; i++)
                if (link_stop(x, &x->stops[i], e) < 0) {
                        (void)err_at_index(e, (unsigned)i);
                        (void)err_at(e, "when");
                        (void)err_at(e, "abort");
                        return err_at(e, "spec");
                }
        return 0;
}

/* ── the whole ─────────────────────────────────────────────────────────────────────────────────────────────── */

static int parse_burn_rate(struct experiment *x, const char *text, struct err *e) {
        char *end;

        x->burn_auto = strcmp(text, "auto") == 0;
        x->burn_off = strcmp(text, "off") == 0;
        if (x->burn_auto || x->burn_off)
                return 0;

        x->burn_limit = strtod(text, &end);
        if (isdigit((unsigned char)text[0]) && *end == 0 && x->burn_limit > 0 && x->burn_limit < 1e9)
                return 0;

        (void)err_set(e, -EINVAL, "'%.40s' is not a burn rate: auto, off, or a number over 0 such as 14.4", text);
        (void)err_at(e, "burnRate");
        (void)err_at(e, "abort");
        return err_at(e, "spec");
}

static int parse_lists(struct experiment *x, const struct model_spec *s, struct err *e) {
        void *probes = NULL, *refs = NULL, *faults = NULL, *stops = NULL;
        int r;

        r = parse_objects(s->probes, "probes", model_probe, sizeof(*x->probes), &probes, &x->n_probes, e);
        x->probes = probes;
        if (r >= 0)
                r = parse_objects(s->slos, "slos", model_slo, sizeof(*x->refs), &refs, &x->n_refs, e);
        x->refs = refs;
        if (r >= 0)
                r = parse_objects(s->faults, "faults", model_fault, sizeof(*x->faults), &faults, &x->n_faults, e);
        x->faults = faults;
        if (r >= 0)
                r = parse_objects(s->abort.when, "abort/when", model_stop, sizeof(*x->stops), &stops, &x->n_stops, e);
        x->stops = stops;
        return r;
}

static int take_spec(struct experiment *x, struct model_spec *s, struct err *e) {
        int r;

        x->service = TAKE_PTR(s->service);
        x->owner = TAKE_PTR(s->owner);
        x->hypothesis = TAKE_PTR(s->hypothesis);
        x->baseline_us = s->phases.baseline_us;
        x->recovery_us = s->phases.recovery_us;
        x->watch_us = s->phases.fault_us;
        x->gate_remaining = PARAM_IS_SET(&s->budget, MODEL_BUDGET_MIN_REMAINING);
        x->min_remaining_ppm = s->budget.min_remaining_ppm;
        x->max_spend_ppm = s->budget.max_spend_ppm;
        x->no_data_us = s->abort.no_data_us;
        x->recover_within_us = s->recovery.within_us;
        x->seed_given = PARAM_IS_SET(s, MODEL_SPEC_SEED);
        x->seed = s->seed;
        r = parse_burn_rate(x, s->abort.burn_rate, e);
        return r < 0 ? r : parse_lists(x, s, e);
}

static int parse_head(struct experiment *x, const json_t *d, struct err *e) {
        struct model_metadata metadata = { 0 };
        const char *kind = json_text_at(d, "kind", "");

        if (strcmp(json_text_at(d, "apiVersion", ""), "chaosd/v1") != 0) {
                (void)err_set(e, -EINVAL, "apiVersion must be chaosd/v1");
                return err_at(e, "apiVersion");
        }
        if (strcmp(kind, "Experiment") != 0) {
                (void)err_set(e, -EINVAL, "kind is '%.40s', not Experiment", kind);
                return err_at(e, "kind");
        }
        if (param_check_object(model_head, d, e) < 0)
                return e ? e->code : -EINVAL;
        if (param_parse_object(model_metadata, json_at(d, "metadata"), &metadata, e) < 0)
                return err_at(e, "metadata");

        x->name = TAKE_PTR(metadata.name);
        x->labels = metadata.labels;
        param_done(model_metadata, &metadata);
        return check_name(x->name, e) < 0 ? err_at(e, "metadata") : 0;
}

/* Everything in the experiment's own document; *ret_placed: e names another file already. */
static int parse_document(struct experiment *x, const json_t *d, bool *ret_placed, struct err *e) {
        struct model_spec s = { 0 };
        int r;

        r = parse_head(x, d, e);
        if (r < 0)
                return r;
        if (param_parse_object(model_spec, json_at(d, "spec"), &s, e) < 0)
                return err_at(e, "spec");

        r = take_spec(x, &s, e);
        param_done(model_spec, &s);
        for (size_t i = 0; i < x->n_probes && r >= 0; i++)
                if (check_probe(&x->probes[i], e) < 0)
                        return model_at_spec("probes", i, e);
        if (r >= 0)
                r = check_unique("probes", x->probes, x->n_probes, sizeof(*x->probes),
                                 offsetof(struct experiment_probe, name), e);
        if (r >= 0)
                r = check_unique("faults", x->faults, x->n_faults, sizeof(*x->faults),
                                 offsetof(struct experiment_fault, name), e);
        if (r >= 0)
                r = model_link_slos(x, ret_placed, e);
        if (r >= 0)
                r = link_stops(x, e);
        return r < 0 ? r : model_check_faults(x, e);
}

static int load_from(struct yaml_file *yaml, const char *path, struct experiment **ret, struct err *e) {
        SCOPED(experiment_freep) struct experiment *x = calloc(1, sizeof(*x));
        bool placed = false;
        int r;

        if (!x) {
                yaml_free(yaml);
                return err_set(e, -ENOMEM, "no memory");
        }

        x->yaml = yaml;
        x->file = strdup(path);
        if (!x->file)
                return err_set(e, -ENOMEM, "no memory");
        if (yaml_count(yaml) != 1)
                return err_set(e, -EINVAL, "%s:1:1: expected one document, an Experiment; found %zu", path,
                               yaml_count(yaml));

        x->document = yaml_document(yaml, 0);
        r = parse_document(x, x->document, &placed, e);
        if (r < 0)
                return placed ? r : yaml_error(yaml, 0, e);

        *ret = TAKE_PTR(x);
        return 0;
}

int experiment_load(const char *path, struct experiment **ret, struct err *e) {
        struct yaml_file *yaml = NULL;
        int r;

        r = yaml_read(path, &yaml, e);
        return r < 0 ? r : load_from(yaml, path, ret, e);
}

int experiment_load_text(const char *text, size_t len, const char *name, struct experiment **ret, struct err *e) {
        struct yaml_file *yaml = NULL;
        int r;

        r = yaml_read_text(text, len, name, &yaml, e);
        return r < 0 ? r : load_from(yaml, name, ret, e);
}

json_t *experiment_slo_documents(const struct experiment *x) {
        json_t *all = json_array();

        for (size_t f = 0; f < x->slo_set.n_files; f++)
                for (size_t i = 0; i < yaml_count(x->slo_set.files[f]); i++)
                        (void)json_array_append(all, yaml_document(x->slo_set.files[f], i));
        return all;
}

static int check_openslo_file(const char *path, struct err *e) {
        struct slo_set set = { .alone = true };
        size_t file;
        int r;

        r = slo_set_add(&set, path, &file, e);
        if (r >= 0)
                r = slo_set_link(&set, e);
        slo_set_done(&set);
        return r;
}

int document_check(const char *path, char ret_kind[32], struct err *e) {
        SCOPED(yaml_freep) struct yaml_file *yaml = NULL;
        struct experiment *x = NULL;
        const json_t *first;
        const char *api;
        int r;

        r = yaml_read(path, &yaml, e);
        if (r < 0)
                return r;

        first = yaml_document(yaml, 0);
        api = json_text_at(first, "apiVersion", "");
        (void)snprintf(ret_kind, 32, "%s", json_text_at(first, "kind", ""));
        if (strcmp(api, "openslo/v1") == 0)
                return check_openslo_file(path, e);

        if (strcmp(api, "chaosd/v1") == 0 && strcmp(ret_kind, "Experiment") == 0) {
                r = experiment_load(path, &x, e);
                experiment_free(x);
                return r;
        }
        return err_set(e, -EINVAL,
                       "%s:1:1: apiVersion '%.40s' with kind '%.31s' is not known here: chaosd/v1 Experiment, "
                       "openslo/v1 SLO, SLI, DataSource …",
                       path, api, ret_kind);
}
