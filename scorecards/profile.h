/* profile.h — a score profile as score.c reads it. Only scorecards/ includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/param.h"

struct score_category {
        uint64_t set;
        char *name;
        struct param_list families; /* char *: fault families that exercise it */
        uint64_t weight;            /* 1 … 10 */
        uint32_t floor_ppm;         /* least value of this category before the grade is capped; 0 = none */
        char *why;                  /* what an untested category leaves unknown */
};

struct score_grade {
        uint64_t set;
        char *grade;
        uint32_t min_value_ppm, min_coverage_ppm; /* both must be reached */
};

struct score_profile {
        char *name;
        uint64_t half_life_us;
        struct score_category *categories;
        size_t n_categories;
        struct score_grade *grades; /* best first */
        size_t n_grades;
        char *below_floor;   /* best grade while a category is under its floor; NULL = no cap */
        char *open_critical; /* best grade while a critical finding is open; NULL = no cap */
        bool has_cost;       /* what one drill costs is known */
        double cost_per_run; /* in currency */
        char *currency;      /* ISO 4217 by custom */
};

/* The category that a fault family counts for; n_categories when none. */
size_t score_profile_category(const struct score_profile *p, const char *family);
