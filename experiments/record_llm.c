/* record_llm.c — what an llm probe measured, for the run record. */
#include <stdlib.h>

#include "experiments/model_tables.h"
#include "experiments/run_internal.h"

static json_t *make_times(const struct hdr *h) {
        return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)h->count, "p50",
                         (json_int_t)hdr_percentile(h, 50), "p90", (json_int_t)hdr_percentile(h, 90), "p99",
                         (json_int_t)hdr_percentile(h, 99), "max", (json_int_t)h->max_us);
}

/* null without a price. Prompts whose tokens the server did not count are not in it. */
static json_t *make_cost(const struct experiment_probe_llm *p, const struct probe_llm_stats *s) {
        double prompt = (double)s->prompt_tokens / 1000 * p->price.prompt;
        double total = prompt + (double)s->tokens / 1000 * p->price.completion;

        if (!PARAM_IS_SET(p, MODEL_LLM_PRICE))
                return json_null();

        return json_pack("{s:s, s:f, s:o, s:b}", "currency", p->price.currency, "total", total, "per_1000_tokens",
                         s->tokens ? json_real(total * 1000 / (double)s->tokens) : json_null(), "complete",
                         s->without_usage == 0);
}

static json_t *make_phase(const struct run_probe *p, int phase) {
        return json_pack("{s:o, s:o}", "ttft_us", make_times(&p->ttft[phase]), "itl_p99_us",
                         make_times(&p->itl_p99[phase]));
}

json_t *run_make_llm(const struct run *r, size_t probe) {
        const struct experiment_probe_llm *p = &r->x->probes[probe].llm;
        SCOPED_FREE struct probe_llm_stats *s = calloc(1, sizeof(*s));
        json_t *o, *phases = json_object();

        if (!s || !probe_llm_stats(r->probes[probe].probe, s)) {
                json_decref(phases);
                return json_null();
        }

        o = json_pack("{s:o, s:o, s:I, s:I, s:f, s:I, s:I, s:o}", "ttft_us", make_times(&s->ttft), "itl_us",
                      make_times(&s->itl), "tokens", (json_int_t)s->tokens, "prompt_tokens",
                      (json_int_t)s->prompt_tokens, "tokens_per_s",
                      s->seconds > 0 ? (double)s->tokens / s->seconds : 0.0, "truncated", (json_int_t)s->truncated,
                      "without_usage", (json_int_t)s->without_usage, "cost", make_cost(p, s));
        for (int k = 0; k < ENGINE_PHASES; k++)
                (void)json_object_set_new(phases, engine_phase_name((enum engine_phase)k),
                                          make_phase(&r->probes[probe], k));
        (void)json_object_set_new(o, "phases", phases);
        return o;
}
