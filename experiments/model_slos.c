/* model_slos.c — the SLO files that an experiment refers to, and what it expects of each SLO. */
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/suggest.h"
#include "core/units.h"
#include "experiments/model_tables.h"

/* "met", "burn <= 6", "spend <= 2%" */
static int parse_expect(const char *text, struct experiment_expect *ret, struct err *e) {
        char what[16] = "", number[24] = "";
        int end = 0;
        uint32_t ppm;
        char *rest;

        if (strcmp(text, "met") == 0) {
                *ret = (struct experiment_expect){ EXPECT_MET, 0 };
                return 0;
        }
        if (sscanf(text, " %15[a-z] <= %23s %n", what, number, &end) == 2 && end > 0 && text[end] == 0) {
                if (strcmp(what, "burn") == 0) {
                        double limit = strtod(number, &rest);

                        if (isdigit((unsigned char)number[0]) && *rest == 0 && limit >= 0 && limit < 1e9) {
                                *ret = (struct experiment_expect){ EXPECT_BURN, limit };
                                return 0;
                        }
                } else if (strcmp(what, "spend") == 0 && units_parse_percent(number, &ppm, e) >= 0) {
                        *ret = (struct experiment_expect){ EXPECT_SPEND, ppm / 1e6 };
                        return 0;
                }
        }
        (void)err_set(e, -EINVAL, "'%.40s' is not an expectation: met, burn <= 6 or spend <= 2%%", text);
        return err_at(e, "expect");
}

/* Relative to the folder of the experiment's file. Caller frees; NULL = no memory. */
static char *beside(const char *file, const char *path) {
        SCOPED_FREE char *copy = strdup(file);
        char *joined = NULL;

        if (!copy)
                return NULL;
        if (path[0] == '/' || !strchr(file, '/'))
                return strdup(path);
        return asprintf(&joined, "%s/%s", dirname(copy), path) < 0 ? NULL : joined;
}

/* Do its conditions ask for what this kind of probe measures? */
static int check_wheres(const struct experiment *x, int probe, const struct slo *s, struct err *e) {
        int r = model_check_where(&x->probes[probe], s->part.where, e);

        return r < 0 ? r : model_check_where(&x->probes[probe], s->total.where, e);
}

static int add_slo(struct experiment *x, const struct slo *s, const struct experiment_slo_ref *ref, bool *ret_placed,
                   struct err *e) {
        struct experiment_slo out = { .slo = s,
                                      .part_probe = -1,
                                      .total_probe = -1,
                                      .expect_text = ref->expect,
                                      .min_samples = ref->min_samples };
        struct experiment_slo *grown;
        int r;

        if (s->unmeasurable) {
                *ret_placed = true; /* it says where in its own file */
                return err_set(e, -EINVAL, "%s", s->unmeasurable);
        }
        r = parse_expect(ref->expect, &out.expect, e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < x->n_slos; i++)
                if (x->slos[i].slo == s)
                        return err_set(e, -EINVAL, "the SLO '%.60s' is named twice", s->name);
        if (s->part.is_probe) {
                r = out.part_probe = out.total_probe = model_find_probe(x, s->part.probe, e);
                if (r >= 0)
                        r = check_wheres(x, out.part_probe, s, e);
                if (r < 0)
                        return err_wrap(e, r, "SLO %s", s->name);
        }

        grown = realloc(x->slos, (x->n_slos + 1) * sizeof(*grown));
        if (!grown)
                return err_set(e, -ENOMEM, "no memory");
        x->slos = grown;
        grown[x->n_slos++] = out;
        return 0;
}

/* "shop-latency" is also all of its objectives: "shop-latency/2" … */
static bool is_named(const struct slo *s, const char *name) {
        size_t len = strlen(name);

        return strncmp(s->name, name, len) == 0 && (s->name[len] == 0 || s->name[len] == '/');
}

static int refuse_slo_name(const struct experiment *x, size_t file, const struct experiment_slo_ref *ref,
                           struct err *e) {
        const char *names[64], *nearest;
        size_t n = 0;

        for (size_t i = 0; i < x->slo_set.n_slos && n < ARRAY_SIZE(names); i++)
                if (x->slo_set.slos[i].file == file)
                        names[n++] = x->slo_set.slos[i].name;
        if (!ref->name)
                return err_set(e, -EINVAL, "no SLO in '%.100s'", ref->file);

        nearest = suggest_word(ref->name, names, n);
        (void)err_set(e, -EINVAL, "no SLO named '%.60s' in '%.100s'%s%s%s", ref->name, ref->file,
                      nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        return err_at(e, "name");
}

static int select_slos(struct experiment *x, size_t file, const struct experiment_slo_ref *ref, bool *ret_placed,
                       struct err *e) {
        size_t found = 0;
        int r;

        for (size_t i = 0; i < x->slo_set.n_slos; i++) {
                const struct slo *s = &x->slo_set.slos[i];

                if (s->file != file || (ref->name && !is_named(s, ref->name)))
                        continue;
                found++;
                r = add_slo(x, s, ref, ret_placed, e);
                if (r < 0)
                        return r;
        }
        return found ? 0 : refuse_slo_name(x, file, ref, e);
}

/* An error inside of an SLO file already names that file; say who referred to it, keep that position. */
static int load_slo_files(struct experiment *x, size_t *files, bool *ret_placed, struct err *e) {
        int r;

        for (size_t i = 0; i < x->n_refs; i++) {
                SCOPED_FREE char *path = beside(x->file, x->refs[i].file);

                if (!path)
                        return err_set(e, -ENOMEM, "no memory");
                r = slo_set_add(&x->slo_set, path, &files[i], e);
                if (r == -EINVAL || r == -ERANGE) {
                        *ret_placed = true;
                        return r;
                }
                if (r < 0) {
                        (void)err_at(e, "file");
                        return model_at_spec("slos", i, e);
                }
        }
        r = slo_set_link(&x->slo_set, e);
        *ret_placed = r < 0;
        return r;
}

int model_link_slos(struct experiment *x, bool *ret_placed, struct err *e) {
        SCOPED_FREE size_t *files = calloc(x->n_refs + 1, sizeof(*files));
        int r;

        if (!files)
                return err_set(e, -ENOMEM, "no memory");
        if (x->n_refs == 0) {
                (void)err_set(e, -EINVAL, "'slos' is empty: without an SLO there is nothing to judge");
                (void)err_at(e, "slos");
                return err_at(e, "spec");
        }

        if (x->n_faults == 0) {
                (void)err_set(e, -EINVAL, "'faults' is empty: a run that breaks nothing proves nothing");
                (void)err_at(e, "faults");
                return err_at(e, "spec");
        }

        r = load_slo_files(x, files, ret_placed, e);
        for (size_t i = 0; i < x->n_refs && r >= 0; i++) {
                r = select_slos(x, files[i], &x->refs[i], ret_placed, e);
                if (r < 0)
                        return *ret_placed ? r : model_at_spec("slos", i, e);
        }
        return r;
}
