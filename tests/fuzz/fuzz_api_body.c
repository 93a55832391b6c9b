/* Request bodies: any bytes become a request or an error in words, and nothing is touched. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chaosd/problem.h"
#include "chaosd/request.h"
#include "core/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        SCOPED(request_freep) struct request *q = NULL;
        SCOPED_JSON json_t *body = NULL, *described = NULL;
        struct problem problem = { 0 };
        struct err e = { 0 };
        int r;

        r = json_parse((const char *)data, size, &body, &e);
        if (r == 0)
                r = request_parse(body, fault_table, &q, &e);
        if (r == 0)
                return 0;

        /* A refusal has a code, words, and an answer that can be sent. */
        described = problem_describe(&problem, &e);
        if (!e.msg[0] || e.code != r || !described || problem.status < 400)
                abort();
        return 0;
}
