/* param.h — parameter tables: one row per parameter parses JSON, YAML and command lines, checks
 * ranges, and writes help, man pages and JSON Schemas. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"

struct err;

/* Every type names the C type that it fills. A row with .list fills a struct param_list of that type. */
enum param_type {
        PARAM_BOOL,     /* bool */
        PARAM_UINT,     /* uint64_t */
        PARAM_DURATION, /* uint64_t, microseconds        "80ms" */
        PARAM_SIZE,     /* uint64_t, bytes               "64KiB" */
        PARAM_PERCENT,  /* uint32_t, parts per million   "5%" */
        PARAM_BITRATE,  /* uint64_t, bit/s               "10mbit" */
        PARAM_ENUM,     /* int, index into .choices */
        PARAM_STRING,   /* char *, heap, freed by param_done() */
        PARAM_SIGNAL,   /* int                           "SIGKILL", "TERM" or 9 */
        PARAM_ERRNO,    /* int, positive                 "ENOSPC" or 28 */
        PARAM_CIDR,     /* struct param_cidr             "10.0.0.0/8", "fd00::/64", a bare address */
        PARAM_PORTS,    /* struct param_ports            8080, "8080" or "8000-8999" */
        PARAM_OBJECT,   /* a struct of its own, embedded at offset, parsed by .sub */
        PARAM_RATE,     /* double, per second            "200/s", "30/m" */
        PARAM_REAL,     /* double                        0.99 */
        PARAM_JSON,     /* const json_t *, borrowed from the input, of any shape; .sub only describes it */
        PARAM_TYPE_COUNT,
};

struct param_cidr {
        int family;              /* AF_INET or AF_INET6 */
        unsigned prefix;         /* 0 … 32 or 128 */
        struct in6_addr address; /* IPv4 in the first four bytes; network byte order; host bits cleared */
};

struct param_ports {
        uint16_t first, last; /* host byte order, first <= last */
};

struct param_list {
        void *items; /* n values of the row's C type, heap */
        size_t n;
};

struct param {
        const char *name; /* camelCase as in YAML; "delayEnter" is --delay-enter on a command line */
        enum param_type type;
        bool list;
        bool required;
        size_t offset;              /* of the value in the owner's struct */
        uint64_t min, max;          /* for numbers, in the row's unit; max 0 = no limit. Lists: of each item */
        const char *const *choices; /* PARAM_ENUM: NULL-ended */
        const struct param *sub;    /* PARAM_OBJECT: its table */
        const char *fallback;       /* text of the default, parsed like input; NULL = stays zero and unset */
        const char *help;           /* one line */
        const char *example;        /* for help texts and generated documents */
        const char *cli;            /* other flag name on the command line, or NULL */
};

/* A table ends with a row whose name is NULL. The struct it fills begins with
 *         uint64_t set;   // bit i: row i was given (not merely defaulted)
 * so a table has at most 64 rows and "unset" is never a magic value. */
#define PARAM_IS_SET(p, row) (((p)->set >> (row)) & 1)

/* param_parse_object — fill *out (zeroed by the caller, sized for the table) from a JSON object.
 * Values may be native or text ("80ms", true, "true", 5). A scalar is accepted where a list is expected.
 * Returns 0; -EINVAL unknown key (with the nearest known one and the list), wrong type, missing; -ERANGE.
 * On failure *out holds nothing that needs freeing and e->path names the key. */
int param_parse_object(const struct param *table, const json_t *object, void *out, struct err *e);

/* param_check_object — the same judgement without a struct to fill. */
int param_check_object(const struct param *table, const json_t *object, struct err *e);

/* param_done — free what param_parse_object() allocated. Accepts a zeroed struct. */
void param_done(const struct param *table, void *out);

/* param_to_json — normalised values (set or defaulted), as text with units. NULL = no memory. */
json_t *param_to_json(const struct param *table, const void *values);

/* param_describe — the table itself as a JSON array of {name,type,unit,list,required,min,max,choices,
 * default,help,example,flag}: what the catalogue, schemas and man pages are made from. */
json_t *param_describe(const struct param *table);

/* param_table_from_json — the way back: a heap table (offsets unusable: only param_check_object and
 * param_describe) from param_describe()'s array. Free with param_table_free(). */
int param_table_from_json(const json_t *description, struct param **ret, struct err *e);
void param_table_free(struct param *table);

/* "--delay-enter" for "delayEnter"; size 64 is enough. */
char *param_flag(const struct param *row, char *buf, size_t size);

const char *param_type_name(enum param_type type); /* "duration" … */
const char *param_type_unit(enum param_type type); /* "us", "bytes", "ppm" … or "" */

/* Names of numbers: "SIGTERM"/"TERM"/"15" and "ENOSPC"/"28". Negative errno when unknown. */
int param_parse_signal(const char *text);
int param_parse_errno(const char *text);
