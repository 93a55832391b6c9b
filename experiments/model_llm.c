/* model_llm.c — the llm probe in an experiment's file. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "experiments/model_tables.h"
#include "experiments/where.h"

#define AT(type, field) offsetof(struct type, field)

static const char *const apis[] = { [LLM_CHAT] = "chat", [LLM_COMPLETIONS] = "completions", NULL };

/* clang-format off: one row says more in one line than in four */
static const struct param price[] = {
        { .name = "prompt",
          .type = PARAM_REAL,
          .max = 1000000,
          .offset = AT(experiment_llm_price, prompt),
          .help = "of 1,000 prompt tokens",
          .example = "0.0005" },
        { .name = "completion",
          .type = PARAM_REAL,
          .max = 1000000,
          .required = true,
          .offset = AT(experiment_llm_price, completion),
          .help = "of 1,000 generated tokens",
          .example = "0.0015" },
        { .name = "currency",
          .type = PARAM_STRING,
          .fallback = "USD",
          .offset = AT(experiment_llm_price, currency),
          .help = "for people" },
        { 0 },
};

/* The order is that of MODEL_LLM_*. */
const struct param model_probe_llm[] = {
        { .name = "url",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(experiment_probe_llm, url),
          .help = "the server (http://HOST:PORT), its /v1, or the very endpoint (…/completions)",
          .example = "http://10.77.0.2:8000" },
        { .name = "model",
          .type = PARAM_STRING,
          .required = true,
          .offset = AT(experiment_probe_llm, model),
          .help = "as the server names it",
          .example = "llama-3-8b" },
        { .name = "api",
          .type = PARAM_ENUM,
          .choices = apis,
          .offset = AT(experiment_probe_llm, api),
          .help = "which endpoint; left out, chat with messages and completions with a prompt" },
        { .name = "prompt",
          .type = PARAM_STRING,
          .offset = AT(experiment_probe_llm, prompt),
          .help = "sent with every request; with api chat as the user's message",
          .example = "Say something long." },
        { .name = "messages",
          .type = PARAM_JSON,
          .list = true,
          .offset = AT(experiment_probe_llm, messages),
          .help = "instead of a prompt: a conversation",
          .example = "[{role: user, content: Hello}]" },
        { .name = "request",
          .type = PARAM_JSON,
          .offset = AT(experiment_probe_llm, request),
          .help = "further fields of the request, as they are",
          .example = "{temperature: 0, ignore_eos: true}" },
        { .name = "maxTokens",
          .type = PARAM_UINT,
          .min = 1,
          .max = 1000000,
          .fallback = "64",
          .offset = AT(experiment_probe_llm, max_tokens),
          .help = "most tokens of one answer" },
        { .name = "rate",
          .type = PARAM_RATE,
          .max = 10000,
          .fallback = "1/s",
          .offset = AT(experiment_probe_llm, per_s),
          .help = "requests that start, whatever the answers do",
          .example = "2/s" },
        { .name = "timeout",
          .type = PARAM_DURATION,
          .min = 1000,
          .max = 3600000000ULL,
          .fallback = "60s",
          .offset = AT(experiment_probe_llm, timeout_us),
          .help = "an answer that is not whole by then is an error" },
        { .name = "headers",
          .type = PARAM_STRING,
          .list = true,
          .offset = AT(experiment_probe_llm, headers),
          .help = "\"Name: value\"" },
        { .name = "bearerTokenFile",
          .type = PARAM_STRING,
          .offset = AT(experiment_probe_llm, token_file),
          .help = "file that holds the API key; never written into a record" },
        { .name = "connections",
          .type = PARAM_UINT,
          .min = 1,
          .max = 20000,
          .offset = AT(experiment_probe_llm, connections),
          .help = "most requests under way at once; left out, as many as the rate and timeout can need" },
        { .name = "price",
          .type = PARAM_OBJECT,
          .sub = price,
          .offset = AT(experiment_probe_llm, price),
          .help = "of 1,000 tokens: makes the cost of the run" },
        { .name = "insecureSkipVerify",
          .type = PARAM_BOOL,
          .offset = AT(experiment_probe_llm, insecure),
          .help = "do not check the server's certificate" },
        { 0 },
};
/* clang-format on */

static int fail(const char *key, const char *what, struct err *e) {
        (void)err_set(e, -EINVAL, "%s", what);
        if (key)
                (void)err_at(e, key);
        return err_at(e, "llm");
}

static int check_messages(const json_t *messages, struct err *e) {
        if (!json_is_array(messages) || json_array_size(messages) == 0)
                return fail("messages", "'messages' must be a list such as [{role: user, content: Hello}]", e);

        for (size_t i = 0; i < json_array_size(messages); i++) {
                const json_t *m = json_array_get(messages, i);

                if (json_is_string(json_at(m, "role")) && json_at(m, "content"))
                        continue;
                (void)err_set(e, -EINVAL, "a message needs role and content");
                (void)err_at_index(e, (unsigned)i);
                (void)err_at(e, "messages");
                return err_at(e, "llm");
        }
        return 0;
}

/* What the probe sets itself may not be set again: it measures streams, and counts on what it asked for. */
static int check_request(const json_t *request, struct err *e) {
        static const char *const ours[] = {
                "model", "stream", "stream_options", "prompt", "messages", "max_tokens", "n"
        };

        if (!json_is_object(request))
                return fail("request", "'request' must be a mapping such as {temperature: 0}", e);

        for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
                if (json_object_get(request, ours[i])) {
                        (void)err_set(e, -EINVAL, "'%s' is set by the probe itself", ours[i]);
                        (void)err_at(e, ours[i]);
                        (void)err_at(e, "request");
                        return err_at(e, "llm");
                }
        return 0;
}

int model_check_llm(struct experiment_probe *p, struct err *e) {
        struct experiment_probe_llm *l = &p->llm;

        p->kind = PROBE_LLM;
        p->per_s = l->per_s;
        p->timeout_us = l->timeout_us;
        if (strncmp(l->url, "http://", 7) != 0 && strncmp(l->url, "https://", 8) != 0) {
                (void)err_set(e, -EINVAL, "'%.100s' does not start with http:// or https://", l->url);
                (void)err_at(e, "url");
                return err_at(e, "llm");
        }
        if (!l->prompt == !l->messages)
                return fail(NULL, "give either prompt or messages", e);
        if (!PARAM_IS_SET(l, MODEL_LLM_API))
                l->api = l->messages ? LLM_CHAT : LLM_COMPLETIONS;
        if (l->messages && l->api == LLM_COMPLETIONS)
                return fail("api", "messages are for api chat; api completions takes a prompt", e);
        if (l->messages && check_messages(l->messages, e) < 0)
                return -EINVAL;
        return l->request ? check_request(l->request, e) : 0;
}

int model_check_where(const struct experiment_probe *p, const struct where *w, struct err *e) {
        int r = w ? where_check_probe(w, p->kind == PROBE_LLM, e) : 0;

        return r < 0 ? err_wrap(e, r, "where of probe '%.60s'", p->name) : 0;
}
