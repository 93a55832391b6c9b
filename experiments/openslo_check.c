/* openslo_check.c — the shape of every kind of OpenSLO object. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/suggest.h"
#include "core/units.h"
#include "experiments/openslo_parse.h"
#include "experiments/openslo_tables.h"

const char *openslo_name(const json_t *document) {
        return json_text_at(document, "metadata/name", "");
}

bool openslo_is(const json_t *document, const char *kind) {
        return strcmp(json_text_at(document, "kind", ""), kind) == 0;
}

static int check_duration_at(const json_t *object, const char *key, struct err *e) {
        const char *text = json_text_at(object, key, NULL);
        uint64_t us;

        if (!text || openslo_parse_duration(text, &us, e) >= 0)
                return 0;
        return err_at(e, key);
}

/* Run `check` on every element of a list of min … max elements. */
static int check_list(const json_t *list, size_t min, size_t max, const char *key,
                      int (*check)(const json_t *item, struct err *e), struct err *e) {
        size_t n = json_array_size(list);

        if (!json_is_array(list) || n < min || n > max) {
                (void)err_set(e, -EINVAL,
                              min == max ? "'%s' must be a list of exactly %zu" : "'%s' must be a list of at least %zu",
                              key, min);
                return err_at(e, key);
        }
        for (size_t i = 0; i < n; i++)
                if (check(json_array_get(list, i), e) < 0) {
                        (void)err_at_index(e, (unsigned)i);
                        return err_at(e, key);
                }
        return 0;
}

static int check_window(const json_t *window, struct err *e) {
        const json_t *calendar;
        bool rolling;
        int r;

        r = param_check_object(openslo_window, window, e);
        if (r < 0)
                return r;

        calendar = json_at(window, "calendar");
        rolling = json_bool_at(window, "isRolling", !calendar);
        if (calendar && (param_check_object(openslo_calendar, calendar, e) < 0 || slo_calendar_check(calendar, e) < 0))
                return err_at(e, "calendar");
        if (rolling && calendar)
                return err_set(e, -EINVAL, "a rolling window has no calendar");
        if (!rolling && !calendar)
                return err_set(e, -EINVAL, "a window that does not roll needs a calendar");
        return check_duration_at(window, "duration", e);
}

static int check_objective(const json_t *objective, struct err *e) {
        struct openslo_objective o = { 0 };
        double target;
        bool has_target, has_percent;
        int r;

        r = param_parse_object(openslo_objective, objective, &o, e);
        if (r < 0)
                return r;

        has_target = PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_TARGET);
        has_percent = PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_PERCENT);
        target = has_target ? o.target : o.target_percent / 100;
        param_done(openslo_objective, &o);
        if (has_target == has_percent)
                return err_set(e, -EINVAL, "give either target or targetPercent");
        if (target >= 1) {
                (void)err_set(e, -ERANGE, "a target of 100%% leaves no error budget; it must be below %s",
                              has_target ? "1" : "100");
                return err_at(e, has_target ? "target" : "targetPercent");
        }
        return check_duration_at(objective, "timeSliceWindow", e);
}

static int check_objective_for(const json_t *objective, int method, bool threshold, struct err *e) {
        struct openslo_objective o = { 0 };
        uint64_t set;
        int r;

        r = param_parse_object(openslo_objective, objective, &o, e);
        if (r < 0)
                return r;

        set = o.set;
        param_done(openslo_objective, &o);
        o.set = set;
        if (threshold && (!PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_OP) || !PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_VALUE)))
                return err_set(e, -EINVAL, "an objective of a thresholdMetric needs op and value");
        if (!threshold && PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_VALUE)) { /* op alone: a warning */
                (void)err_set(e, -EINVAL, "value is for thresholdMetric only");
                return err_at(e, "value");
        }
        if (method == SLO_TIMESLICES && !PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_SLICE_TARGET))
                return err_set(e, -EINVAL, "budgetingMethod Timeslices needs timeSliceTarget");
        if (method != SLO_OCCURRENCES && !PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_SLICE_WINDOW))
                return err_set(e, -EINVAL, "this budgetingMethod needs timeSliceWindow");
        if (method == SLO_OCCURRENCES && PARAM_IS_SET(&o, OPENSLO_OBJECTIVE_SLICE_TARGET))
                return err_set(e, -EINVAL, "timeSliceTarget is for budgetingMethod Timeslices");
        return 0;
}

int openslo_check_objectives(const json_t *spec, bool threshold, struct err *e) {
        const char *method = json_text_at(spec, "budgetingMethod", "");
        const json_t *list = json_at(spec, "objectives");
        int m = strcmp(method, "Timeslices") == 0        ? SLO_TIMESLICES
                : strcmp(method, "RatioTimeslices") == 0 ? SLO_RATIO_TIMESLICES
                                                         : SLO_OCCURRENCES;

        for (size_t i = 0; i < json_array_size(list); i++)
                if (check_objective_for(json_array_get(list, i), m, threshold, e) < 0) {
                        (void)err_at_index(e, (unsigned)i);
                        return err_at(e, "objectives");
                }
        return 0;
}

/* {metadata, spec} with an inline SLI; metadata may be left out. */
static int check_inline_indicator(const json_t *indicator, bool *ret_threshold, struct err *e) {
        static const struct param inline_head[] = {
                { .name = "metadata", .type = PARAM_JSON, .offset = sizeof(uint64_t), .help = "name" },
                { .name = "spec",
                  .type = PARAM_JSON,
                  .required = true,
                  .offset = sizeof(uint64_t) + sizeof(void *),
                  .help = "the SLI" },
                { 0 },
        };
        struct slo_indicator_doc i = { 0 };
        const json_t *metadata;
        int r;

        r = param_check_object(inline_head, indicator, e);
        if (r < 0)
                return r;

        metadata = json_at(indicator, "metadata");
        if (metadata && param_check_object(openslo_metadata, metadata, e) < 0)
                return err_at(e, "metadata");
        if (slo_indicator_parse(json_at(indicator, "spec"), &i, e) < 0)
                return err_at(e, "spec");

        *ret_threshold = i.indicator == SLO_THRESHOLD;
        slo_indicator_done(&i);
        return 0;
}

static int check_object(const json_t *object, const char *inline_kind, struct err *e);

static int check_policy_ref(const json_t *policy, struct err *e) {
        if (json_is_string(policy))
                return 0;
        if (json_is_object(policy) && json_at(policy, "alertPolicyRef"))
                return 0;
        return check_object(policy, "AlertPolicy", e);
}

static int check_slo(const json_t *spec, struct err *e) {
        const json_t *indicator = json_at(spec, "indicator"), *policies = json_at(spec, "alertPolicies");
        const json_t *window = json_at(spec, "timeWindow");
        bool threshold = false;

        if (!indicator == !json_at(spec, "indicatorRef"))
                return err_set(e, -EINVAL, "give either indicator or indicatorRef");
        if (indicator && check_inline_indicator(indicator, &threshold, e) < 0)
                return err_at(e, "indicator");
        if (window && check_list(window, 1, 1, "timeWindow", check_window, e) < 0)
                return -EINVAL;
        if (check_list(json_at(spec, "objectives"), 1, SIZE_MAX, "objectives", check_objective, e) < 0)
                return -EINVAL;
        if (policies && check_list(policies, 0, SIZE_MAX, "alertPolicies", check_policy_ref, e) < 0)
                return -EINVAL;
        return indicator ? openslo_check_objectives(spec, threshold, e) : 0;
}

static int check_sli(const json_t *spec, struct err *e) {
        struct slo_indicator_doc i = { 0 };
        int r = slo_indicator_parse(spec, &i, e);

        if (r >= 0)
                slo_indicator_done(&i);
        return r;
}

static int check_datasource(const json_t *spec, struct err *e) {
        const json_t *details = json_at(spec, "connectionDetails");

        if (strcasecmp(json_text_at(spec, "type", ""), "prometheus") != 0)
                return 0; /* others have details of their own; an SLO that uses one is refused */
        if (!details)
                return err_set(e, -EINVAL, "'connectionDetails' is missing: url and how to log in");
        if (param_check_object(openslo_connection, details, e) < 0)
                return err_at(e, "connectionDetails");
        return 0;
}

static int check_condition_ref(const json_t *item, struct err *e) {
        return json_at(item, "conditionRef") ? 0 : check_object(item, "AlertCondition", e);
}

static int check_target_ref(const json_t *item, struct err *e) {
        return json_at(item, "targetRef") ? 0 : check_object(item, "AlertNotificationTarget", e);
}

static int check_policy(const json_t *spec, struct err *e) {
        int r = check_list(json_at(spec, "conditions"), 1, 1, "conditions", check_condition_ref, e);

        return r < 0 ? r
                     : check_list(json_at(spec, "notificationTargets"), 1, SIZE_MAX, "notificationTargets",
                                  check_target_ref, e);
}

static int check_condition(const json_t *spec, struct err *e) {
        const json_t *condition = json_at(spec, "condition");

        if (param_check_object(openslo_condition, condition, e) < 0 ||
            check_duration_at(condition, "lookbackWindow", e) < 0 || check_duration_at(condition, "alertAfter", e) < 0)
                return err_at(e, "condition");
        return 0;
}

static const struct {
        const char *kind;
        const struct param *spec;
        int (*check)(const json_t *spec, struct err *e); /* beyond the table; may be NULL */
} kinds[] = {
        { "SLO", openslo_slo_spec, check_slo },
        { "SLI", openslo_sli_spec, check_sli },
        { "DataSource", openslo_datasource_spec, check_datasource },
        { "Service", openslo_service_spec, NULL },
        { "AlertPolicy", openslo_policy_spec, check_policy },
        { "AlertCondition", openslo_condition_spec, check_condition },
        { "AlertNotificationTarget", openslo_target_spec, NULL },
};

bool openslo_name_ok(const char *name, bool capitals) {
        size_t len = strlen(name);
        bool ok = len >= 1 && len <= 63 && name[0] != '-' && name[len - 1] != '-';

        for (size_t i = 0; i < len && ok; i++)
                ok = islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) || name[i] == '-' ||
                     (capitals && isupper((unsigned char)name[i]));
        return ok;
}

/* RFC 1123. The project's own alert objects are in CamelCase: those get a warning, for nothing of ours bears their
 * name. */
static int check_name(const char *kind, const char *name, struct err *e) {
        if (openslo_name_ok(name, strncmp(kind, "Alert", 5) == 0))
                return 0;

        (void)err_set(e, -EINVAL, "'%.70s' is not a name: 1 to 63 of a-z, 0-9 and '-', not at the ends", name);
        (void)err_at(e, "name");
        return err_at(e, "metadata");
}

static int refuse_kind(const char *kind, struct err *e) {
        const char *names[ARRAY_SIZE(kinds)], *nearest;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                names[i] = kinds[i].kind;
        nearest = suggest_word(kind, names, ARRAY_SIZE(kinds));
        (void)err_set(e, -EINVAL,
                      "unknown kind '%.40s'%s%s%s; OpenSLO v1 has SLO, SLI, DataSource, Service, AlertPolicy, "
                      "AlertCondition and AlertNotificationTarget",
                      kind, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        return err_at(e, "kind");
}

/* inline_kind: an object inside of another, of this kind and with or without an apiVersion; NULL = a document. */
static int check_object(const json_t *document, const char *inline_kind, struct err *e) {
        const char *kind = json_text_at(document, "kind", "");
        const char *version = json_text_at(document, "apiVersion", inline_kind ? "openslo/v1" : "");
        int r;

        r = param_check_object(inline_kind ? openslo_inline_head : openslo_head, document, e);
        if (r < 0)
                return r;
        if (strcmp(version, "openslo/v1") != 0) {
                (void)err_set(e, -EINVAL, "apiVersion is '%.40s'; this reads openslo/v1", version);
                return err_at(e, "apiVersion");
        }
        if (inline_kind && strcmp(kind, inline_kind) != 0) {
                (void)err_set(e, -EINVAL, "kind is '%.40s'; here stands an %s, or a reference to one", kind,
                              inline_kind);
                return err_at(e, "kind");
        }
        if (param_check_object(openslo_metadata, json_at(document, "metadata"), e) < 0)
                return err_at(e, "metadata");
        if (openslo_check_no_data(document, e) < 0)
                return -EINVAL;
        r = check_name(kind, openslo_name(document), e);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (strcmp(kind, kinds[i].kind) != 0)
                        continue;
                if (param_check_object(kinds[i].spec, json_at(document, "spec"), e) < 0 ||
                    (kinds[i].check && kinds[i].check(json_at(document, "spec"), e) < 0))
                        return err_at(e, "spec");
                return 0;
        }
        return refuse_kind(kind, e);
}

int openslo_check(const json_t *document, struct err *e) {
        return check_object(document, NULL, e);
}
