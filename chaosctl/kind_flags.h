/* kind_flags.h — command-line flags of one fault kind, made from its parameter table and the selector table. */
#pragma once

#include "chaosctl/args.h"
#include "core/json.h"

struct err;
struct kind_flags;

/* kind_flags_new — kind: one entry of the catalogue; target: the selector table (json_object_get(root, "target")).
 * Both are only read. 0, -EINVAL for a broken description, -ENOMEM. */
int kind_flags_new(const json_t *kind, const json_t *target, struct kind_flags **ret, struct err *e);
void kind_flags_free(struct kind_flags *f);

static inline void kind_flags_freep(struct kind_flags **f) {
        kind_flags_free(*f);
}

/* Rows for args_scan(), help and completion: selectors that the kind accepts first, then its parameters, then (from
 * n_shown on) the other selectors, so that the daemon can say why they do not fit. */
const struct option_row *kind_flags_rows(const struct kind_flags *f, size_t *ret_n_shown);

/* args_scan() callback, arg = struct kind_flags: text as given; lists split at commas and may repeat; booleans
 * are "--x" or "--x=false". */
int kind_flags_on_option(void *flags, unsigned row, const char *value, struct err *e);

/* kind_flags_check — judge what was given by the tables. Messages name the flag. */
int kind_flags_check(const struct kind_flags *f, struct err *e);

/* Borrowed objects for the request; NULL when nothing was given. */
json_t *kind_flags_target(const struct kind_flags *f);
json_t *kind_flags_params(const struct kind_flags *f);

/* An error that points into the request ("/params/delay") names the flag instead. */
void kind_flags_name_pointer(const struct kind_flags *f, struct err *e);

/* Two rows that are shown under one name, or NULL: a mistake in the tables that a unit test looks for. */
const char *kind_flags_collision(const struct kind_flags *f);
