/* problem.h — an error as the client gets it: application/problem+json (RFC 9457). */
#pragma once

#include "core/json.h"

struct err;

struct problem {
        unsigned status;     /* 0 = from the error's code */
        const char *hint;    /* what to do; NULL = what problem_describe() knows */
        const char *residue; /* UID of a fault that could not be undone, or NULL */
        bool changing;       /* the kernel refused while things were changed: its errno says nothing of the request */
};

/* HTTP status of a negative errno. */
unsigned problem_status(int code, bool changing);

/* problem_describe — fills p->status when it is 0. NULL = no memory. */
json_t *problem_describe(struct problem *p, const struct err *e);
