/* openslo_parse.h — inside of experiments/openslo: what its source files share. */
#pragma once

#include "experiments/openslo.h"

/* OpenSLO makes timeWindow optional and names no default; 30 days is what everybody's burn rates assume. */
#define OPENSLO_WINDOW_DEFAULT_US (30ULL * 86400 * 1000000)

/* Does the annotation "chaosd/no-data" say "ignore"? */
bool openslo_no_data_ignored(const json_t *document);
/* It says "bad", "ignore" or is not there; e->path points into the document. */
int openslo_check_no_data(const json_t *document, struct err *e);

/* An SLI as one document or one inline indicator says it; refs are borrowed from the document. */
struct slo_indicator_doc {
        enum slo_indicator indicator;
        bool counter, raw_success;
        struct slo_source part, total;
        const char *part_ref, *total_ref;
};

/* Check and parse an SLI's spec; e->path points into it. */
int slo_indicator_parse(const json_t *sli_spec, struct slo_indicator_doc *ret, struct err *e);
void slo_indicator_done(struct slo_indicator_doc *i);

/* Read a source's spec as Prometheus' when its DataSource is one; e->path points into the source. */
int slo_source_read_query(struct slo_source *s, struct err *e);
/* -EINVAL: its type is not one that we ask. */
int slo_source_refuse_type(const struct slo_source *s, struct err *e);

/* Check the text of a calendar; fill one; free one. */
int slo_calendar_check(const json_t *calendar, struct err *e);
int slo_calendar_read(const json_t *window, struct slo_calendar *ret, struct err *e);
void slo_calendar_done(struct slo_calendar *c);

/* Is it a name by RFC 1123, or (capitals) but for its capital letters? */
bool openslo_name_ok(const char *name, bool capitals);

/* Keep an error (its path points into the document) as a warning of the set. */
void openslo_warn(struct slo_set *set, size_t file, size_t document, struct err *e);
/* What is odd about a document that openslo_check() took, references apart. */
void openslo_warn_document(struct slo_set *set, size_t file, size_t document);

/* Check one document's shape, whatever its kind; references are not followed. e->path points into it. */
int openslo_check(const json_t *document, struct err *e);

/* Do the objectives of an SLO's spec fit its budgeting method and kind of indicator? e->path points into spec. */
int openslo_check_objectives(const json_t *spec, bool threshold, struct err *e);

/* The SLOs (one per objective) of an SLO document that openslo_check() took. Appends to the set. */
int openslo_make_slos(struct slo_set *set, size_t file, size_t document, struct err *e);

/* The checked fields of an object: name of a document, "" when it has none. */
const char *openslo_name(const json_t *document);
bool openslo_is(const json_t *document, const char *kind);

/* First document of this kind and name in all files, or NULL. */
const json_t *openslo_find(const struct slo_set *set, const char *kind, const char *name);
