/* openslo_parse.h — inside of experiments/openslo: what its source files share. */
#pragma once

#include "experiments/openslo.h"

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
