/* render_sarif.c — what runs found, as SARIF 2.1.0: code scanning shows it at the experiment's file. */
#include <stdio.h>
#include <string.h>

#include "core/version.h"
#include "scorecards/render.h"

/* Rule ids are stable: whoever silences one does so by its id. */
enum rule { RULE_SLO_BROKEN, RULE_SLOW_RECOVERY, RULE_RESIDUE, RULE_INCONCLUSIVE, RULE_NOT_RUN, RULE_COUNT };

static const struct {
        const char *id, *name, *text, *help, *level;
} rules[RULE_COUNT] = {
        [RULE_SLO_BROKEN] = { "chaos/slo-broken", "SloBroken", "An SLO broke while a fault acted.",
                              "The fault really acted, there were enough samples, and the SLO did not keep what the "
                              "experiment expects. Only a passing run of the same experiment closes this.",
                              "error" },
        [RULE_SLOW_RECOVERY] = { "chaos/slow-recovery", "SlowRecovery", "Recovery took longer than asked.",
                                 "The fault was undone, but the SLO came back inside its objective too late or not at "
                                 "all.",
                                 "note" },
        [RULE_RESIDUE] = { "chaos/residue", "Residue", "A fault could not be undone.",
                           "Run chaosctl reap on the node, then find out why the undo failed.", "error" },
        [RULE_INCONCLUSIVE] = { "chaos/inconclusive", "Inconclusive", "A run proved nothing.",
                                "No evidence that the fault acted, or too few samples: this is no pass. Check the "
                                "target and the load.",
                                "warning" },
        [RULE_NOT_RUN] = { "chaos/not-run", "NotRun", "An experiment could not be run.",
                           "Something stopped the run before it could judge anything.", "error" },
};

static json_t *rule_json(enum rule r) {
        return json_pack("{s:s s:s s:{s:s} s:{s:s} s:{s:s}}", "id", rules[r].id, "name", rules[r].name,
                         "shortDescription", "text", rules[r].text, "help", "text", rules[r].help,
                         "defaultConfiguration", "level", rules[r].level);
}

/* A URI reference: what RFC 3986 does not allow in a path is percent-encoded. */
static json_t *file_uri(const char *path) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=@";
        char uri[1024];
        size_t n = 0;

        if (*path == '/')
                n = (size_t)snprintf(uri, sizeof(uri), "file://");
        for (; *path && n + 4 < sizeof(uri); path++)
                if (strchr(plain, *path))
                        uri[n++] = *path;
                else
                        n += (size_t)snprintf(uri + n, 4, "%%%02X", (unsigned char)*path);
        uri[n] = 0;
        return json_string(uri);
}

static json_t *location_of(const json_t *record) {
        const char *file = json_text_at(record, "experiment/file", "");
        json_t *artifact = json_pack("{s:o}", "uri", file_uri(*file ? file : "experiment.yaml"));

        if (*file != '/')
                (void)json_object_set_new(artifact, "uriBaseId", json_string("%SRCROOT%"));
        return json_pack("{s:{s:o s:{s:i}} s:[{s:s s:s}]}", "physicalLocation", "artifactLocation", artifact, "region",
                         "startLine", 1, "logicalLocations", "name", json_text_at(record, "experiment/service", ""),
                         "kind", "module");
}

static enum rule rule_of(const json_t *finding) {
        const char *id = json_text_at(finding, "id", "");
        size_t len = strlen(id);

        if (strcmp(json_text_at(finding, "slo", ""), "residue") == 0)
                return RULE_RESIDUE;
        return len > 9 && strcmp(id + len - 9, "/recovery") == 0 ? RULE_SLOW_RECOVERY : RULE_SLO_BROKEN;
}

static const char *level_of(const char *severity) {
        if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
                return "error";
        return strcmp(severity, "medium") == 0 ? "warning" : "note";
}

/* Takes the message. The fingerprint tells the next upload that it is the same finding. */
static json_t *result(const json_t *record, enum rule rule, const char *level, json_t *message,
                      const char *fingerprint) {
        return json_pack("{s:s s:i s:s s:{s:o} s:[o] s:{s:s} s:{s:s s:s s:s}}", "ruleId", rules[rule].id, "ruleIndex",
                         (int)rule, "level", level, "message", "text", message, "locations", location_of(record),
                         "partialFingerprints", "chaosFinding/v1", fingerprint, "properties", "run",
                         json_text_at(record, "id", ""), "service", json_text_at(record, "experiment/service", ""),
                         "verdict", json_text_at(record, "verdict/result", ""));
}

static void add_findings(const json_t *record, json_t *results) {
        const json_t *f;
        size_t i;

        json_array_foreach (json_at(record, "findings"), i, f) {
                json_t *r = result(record, rule_of(f), level_of(json_text_at(f, "severity", "")),
                                   json_sprintf("%s. %s Evidence: %s.", json_text_at(f, "summary", ""),
                                                json_text_at(f, "recommendation", ""), json_text_at(f, "evidence", "")),
                                   json_text_at(f, "id", ""));

                (void)json_object_set_new(json_object_get(r, "properties"), "severity",
                                          json_string(json_text_at(f, "severity", "")));
                (void)json_object_set_new(json_object_get(r, "properties"), "owner",
                                          json_string(json_text_at(f, "owner", "")));
                (void)json_array_append_new(results, r);
        }
}

/* A run without findings is not a run without trouble. */
static void add_verdict(const json_t *record, json_t *results) {
        const char *verdict = json_text_at(record, "verdict/result", "error");
        bool inconclusive = strcmp(verdict, "inconclusive") == 0;
        enum rule rule = inconclusive ? RULE_INCONCLUSIVE : RULE_NOT_RUN;
        char fingerprint[300];

        if (!inconclusive && strcmp(verdict, "error") != 0)
                return;

        (void)snprintf(fingerprint, sizeof(fingerprint), "%s/%s/%s", json_text_at(record, "experiment/service", ""),
                       verdict, json_text_at(record, "experiment/name", ""));
        (void)json_array_append_new(
                results, result(record, rule, rules[rule].level,
                                json_sprintf("%s proved nothing (%s): %s", json_text_at(record, "experiment/name", ""),
                                             verdict, json_text_at(record, "verdict/reasons/0", "no reason recorded")),
                                fingerprint));
}

void render_sarif(const json_t *records, FILE *out) {
        json_t *rule_list = json_array(), *results = json_array();
        SCOPED_JSON json_t *document = NULL;
        const json_t *record;
        size_t i;

        for (int r = 0; r < RULE_COUNT; r++)
                (void)json_array_append_new(rule_list, rule_json((enum rule)r));
        json_array_foreach (records, i, record) {
                add_findings(record, results);
                add_verdict(record, results);
        }
        document = json_pack("{s:s s:s s:[{s:{s:{s:s s:s s:o}} s:s s:o}]}", "$schema",
                             "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs", "tool",
                             "driver", "name", "chaosctl", "semanticVersion", CHAOS_VERSION, "rules", rule_list,
                             "columnKind", "utf16CodeUnits", "results", results);
        if (json_dumpf(document, out, JSON_INDENT(2)) == 0)
                (void)fputc('\n', out);
}
