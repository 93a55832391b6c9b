/* request.h — the body of POST /v1/faults and /v1/plan as a struct: parsed and judged, nothing touched. */
#pragma once

#include "core/json.h"
#include "faults/fault.h"
#include "faults/target/target.h"

struct err;

#define REQUEST_LEASE_MIN_US 100000ULL   /* 100 ms */
#define REQUEST_FOR_MIN_US   10000ULL    /* 10 ms */
#define REQUEST_WATCH_US     10000000ULL /* an irreversible fault's evidence is read for this long */

struct request {
        uint64_t set;
        char *kind, *name, *experiment, *lease, *backend;
        uint64_t for_us;
        uint64_t seed;
        bool break_glass;
        pid_t client; /* who asks; 0 = nobody to be spared */

        /* Follows from the rows above. */
        const struct fault_ops *ops;
        uint64_t lease_us; /* 0 = not given: the configured default */
        bool detached;     /* "lease": "none": the lease is as long as for */
        struct target_spec target;
        json_t *target_json; /* as given; {} when left out */
        void *params;        /* ops->params_size bytes */
};

/* request_parse — body must be an object. Returns 0; -EINVAL, -ERANGE with the JSON pointer in e->path.
 * A missing seed is drawn. Free with request_free(). */
int request_parse(const json_t *body, const struct fault_ops *const *kinds, struct request **ret, struct err *e);
void request_free(struct request *q);
DEFINE_SCOPED(struct request, request_free)

/* request_parse_lease — "5s" or "none" (ret_detached). */
int request_parse_lease(const char *text, uint64_t *ret_us, bool *ret_detached, struct err *e);
