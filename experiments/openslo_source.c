/* openslo_source.c — metric sources and indicators of OpenSLO documents. */
#include "experiments/openslo_parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/suggest.h"
#include "experiments/openslo_tables.h"
#include "experiments/where.h"

void slo_source_done(struct slo_source *s) {
        free(s->probe);
        free(s->where_text);
        where_free(s->where);
        free(s->query);
        free(s->type);
        *s = (struct slo_source){ 0 };
}

static int parse_probe_spec(const json_t *spec, struct slo_source *ret, struct err *e) {
        struct openslo_probe_spec p = { 0 };
        int r;

        r = param_parse_object(openslo_probe_spec, spec, &p, e);
        if (r < 0)
                return r;

        if (p.where) {
                r = where_parse(p.where, &ret->where, e);
                if (r < 0) {
                        (void)err_at(e, "where");
                        param_done(openslo_probe_spec, &p);
                        return err_wrap(e, r, "where");
                }
        }
        ret->is_probe = true;
        ret->probe = TAKE_PTR(p.probe);
        ret->where_text = TAKE_PTR(p.where);
        param_done(openslo_probe_spec, &p);
        return 0;
}

static int parse_prometheus_spec(const json_t *spec, struct slo_source *ret, struct err *e) {
        struct openslo_prometheus_spec p = { 0 };
        int r;

        r = param_parse_object(openslo_prometheus_spec, spec, &p, e);
        if (r < 0)
                return r;

        ret->query = TAKE_PTR(p.query);
        param_done(openslo_prometheus_spec, &p);
        return 0;
}

/* The spec of a type that we do not know may be anything; whether that can be measured is asked when somebody wants
 * to. Without a type, the DataSource has the say: slo_source_read_query(). */
static int parse_typed_spec(struct openslo_source *s, struct slo_source *ret, struct err *e) {
        const char *type = s->type ? s->type : "";
        int r;

        if (strcasecmp(type, "probe") == 0 || strcasecmp(type, "prometheus") == 0) {
                r = strcasecmp(type, "probe") == 0 ? parse_probe_spec(s->spec, ret, e)
                                                   : parse_prometheus_spec(s->spec, ret, e);
                if (r < 0)
                        (void)err_at(e, "spec");
                return r;
        }

        if (!s->type && !s->ref)
                return err_set(e, -EINVAL, "a metric source needs type, metricSourceRef or both");
        ret->type = TAKE_PTR(s->type);
        ret->spec = s->spec;
        return 0;
}

int slo_source_read_query(struct slo_source *s, struct err *e) {
        if (parse_prometheus_spec(s->spec, s, e) < 0)
                return err_at(e, "spec");
        return 0;
}

int slo_source_refuse_type(const struct slo_source *s, struct err *e) {
        static const char *const known[] = { "probe", "Prometheus" };
        const char *nearest = suggest_word(s->type, known, ARRAY_SIZE(known));

        (void)err_set(e, -EINVAL, "metric sources of type '%.40s' cannot be measured%s%s%s; known: probe, Prometheus",
                      s->type, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        return err_at(e, "type");
}

int slo_source_parse(const json_t *metric_source, struct slo_source *ret, const char **ret_ref, struct err *e) {
        struct openslo_source s = { 0 };
        struct slo_source out = { .given = true };
        int r;

        r = param_parse_object(openslo_source, metric_source, &s, e);
        if (r < 0)
                return r;

        r = parse_typed_spec(&s, &out, e);
        param_done(openslo_source, &s);
        if (r < 0)
                return r;

        *ret = out;
        *ret_ref = json_text_at(metric_source, "metricSourceRef", NULL);
        return 0;
}

/* {metricSource: …} under this key. */
static int parse_metric(const json_t *metric, const char *key, struct slo_source *ret, const char **ret_ref,
                        struct err *e) {
        struct openslo_metric m = { 0 };
        int r;

        r = param_parse_object(openslo_metric, metric, &m, e);
        if (r >= 0) {
                r = slo_source_parse(m.metric_source, ret, ret_ref, e);
                if (r < 0)
                        (void)err_at(e, "metricSource");
                param_done(openslo_metric, &m);
        }
        if (r < 0)
                (void)err_at(e, key);
        return r;
}

void slo_indicator_done(struct slo_indicator_doc *i) {
        slo_source_done(&i->part);
        slo_source_done(&i->total);
}

static int check_ratio_shape(const struct openslo_ratio *m, struct err *e) {
        if (m->raw && (m->good || m->bad || m->total))
                return err_set(e, -EINVAL, "raw stands alone: give raw, or good or bad with total");
        if (m->raw)
                return 0;
        if (!m->total)
                return err_set(e, -EINVAL, "'total' is missing: a ratio needs good or bad, and total");
        if (!m->good == !m->bad)
                return err_set(e, -EINVAL, "give either good or bad, and total");
        return 0;
}

static int parse_ratio(const json_t *metric, struct slo_indicator_doc *ret, struct err *e) {
        struct openslo_ratio m = { 0 };
        const char *part;
        bool raw;
        int r;

        r = param_parse_object(openslo_ratio, metric, &m, e);
        if (r < 0)
                return r;

        raw = m.raw;
        ret->counter = m.counter;
        ret->raw_success = m.raw_type == 0;
        ret->indicator = m.raw ? SLO_RAW : m.bad ? SLO_BAD_TOTAL : SLO_GOOD_TOTAL;
        part = m.raw ? "raw" : m.bad ? "bad" : "good";
        r = check_ratio_shape(&m, e);
        if (r >= 0)
                r = parse_metric(m.raw ? m.raw : m.bad ? m.bad : m.good, part, &ret->part, &ret->part_ref, e);
        if (r >= 0 && !m.raw)
                r = parse_metric(m.total, "total", &ret->total, &ret->total_ref, e);
        param_done(openslo_ratio, &m);
        if (r < 0)
                return r;

        if (raw && ret->part.is_probe)
                return err_set(e, -EINVAL, "a probe gives good or bad and total, not raw");
        if (!raw && !ret->part.type && !ret->total.type && ret->part.is_probe != ret->total.is_probe)
                return err_set(e, -EINVAL, "%s and total must come from the same kind of source", part);
        if (!raw && ret->part.is_probe && ret->total.is_probe && strcmp(ret->part.probe, ret->total.probe) != 0)
                return err_set(e, -EINVAL, "%s counts answers of probe '%.60s', total those of '%.60s'", part,
                               ret->part.probe, ret->total.probe);
        return 0;
}

int slo_indicator_parse(const json_t *sli_spec, struct slo_indicator_doc *ret, struct err *e) {
        struct slo_indicator_doc out = { 0 };
        struct openslo_sli_spec s = { 0 };
        int r;

        r = param_parse_object(openslo_sli_spec, sli_spec, &s, e);
        if (r < 0)
                return r;

        if (!s.threshold_metric == !s.ratio_metric) {
                r = err_set(e, -EINVAL, "give either thresholdMetric or ratioMetric");
        } else if (s.ratio_metric) {
                r = parse_ratio(s.ratio_metric, &out, e);
                if (r < 0)
                        (void)err_at(e, "ratioMetric");
        } else {
                out.indicator = SLO_THRESHOLD;
                r = parse_metric(s.threshold_metric, "thresholdMetric", &out.part, &out.part_ref, e);
                if (r >= 0 && out.part.is_probe) {
                        r = err_set(e, -EINVAL, "a probe gives answers, not a value: use ratioMetric");
                        (void)err_at(e, "thresholdMetric");
                }
        }
        param_done(openslo_sli_spec, &s);
        if (r < 0) {
                slo_indicator_done(&out);
                return r;
        }

        *ret = out;
        return 0;
}
