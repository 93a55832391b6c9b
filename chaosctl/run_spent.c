#include "chaosctl/run_spent.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"

struct run_spent {
        struct run_history *history;
};

struct sum {
        const char *slo;
        double spent;
};

static int add(void *arg, const json_t *record) {
        struct sum *sum = arg;
        const json_t *slo;
        size_t i;

        json_array_foreach (json_object_get(record, "slos"), i, slo)
                if (strcmp(json_text_at(slo, "name", ""), sum->slo) == 0)
                        sum->spent += json_number_at(slo, "budget/spent", 0);
        return 0;
}

double run_spent_sum(struct run_history *h, const char *service, const char *slo, uint64_t window_s, uint64_t now_us) {
        struct sum sum = { .slo = slo };
        char since[CLOCK_TEXT_SIZE];
        uint64_t window_us = window_s * USEC_PER_SEC;

        (void)clock_format_utc(window_us < now_us ? now_us - window_us : 0, since, sizeof(since));
        return run_history_each(h, service, NULL, since, 0, add, &sum, NULL) < 0 ? NAN : sum.spent;
}

static double spent_before(const char *service, const char *slo, uint64_t window_s, void *arg) {
        struct run_spent *s = arg;

        return run_spent_sum(s->history, service, slo, window_s, clock_realtime_us());
}

int run_spent_use(struct run_options *o, struct run_spent **ret, struct err *e) {
        SCOPED(run_spent_closep) struct run_spent *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return err_set(e, -ENOMEM, "no memory");

        r = run_history_open(NULL, &s->history, e);
        if (r < 0)
                return r;

        o->spent_before = spent_before;
        o->spent_before_arg = s;
        *ret = TAKE_PTR(s);
        return 0;
}

void run_spent_close(struct run_spent *s) {
        if (!s)
                return;

        run_history_close(s->history);
        free(s);
}
