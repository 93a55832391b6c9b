/* Parameter tables: what is accepted, what is refused and with which words, and the way through JSON and back. */
#include "core/param.h"

#include <errno.h>

#include "core/err.h"
#include "lib/check.h"

static const char *const colours[] = { "red", "green", NULL };

struct inner {
        uint64_t set;
        char *name;
        struct param_list ports;
};

static const struct param inner_params[] = {
        { .name = "name", .type = PARAM_STRING, .required = true, .offset = offsetof(struct inner, name), .help = "n" },
        { .name = "ports", .type = PARAM_PORTS, .list = true, .offset = offsetof(struct inner, ports), .help = "p" },
        { 0 },
};

struct outer {
        uint64_t set;
        uint64_t delay_us;
        uint32_t loss_ppm;
        int colour, signal, error;
        struct param_list cidr;
        struct inner inner;
        bool on;
        uint64_t size_bytes;
};

enum { DELAY, LOSS, COLOUR, SIGNAL, ERROR, CIDR, INNER, ON, SIZE };

static const struct param params[] = {
        [DELAY] = { .name = "delayEnter",
                    .type = PARAM_DURATION,
                    .required = true,
                    .min = 1,
                    .max = 60000000,
                    .offset = offsetof(struct outer, delay_us),
                    .help = "how late" },
        [LOSS] = { .name = "loss", .type = PARAM_PERCENT, .offset = offsetof(struct outer, loss_ppm), .help = "l" },
        [COLOUR] = { .name = "colour",
                     .type = PARAM_ENUM,
                     .choices = colours,
                     .fallback = "green",
                     .offset = offsetof(struct outer, colour),
                     .help = "c" },
        [SIGNAL] = { .name = "signal", .type = PARAM_SIGNAL, .offset = offsetof(struct outer, signal), .help = "s" },
        [ERROR] = { .name = "error", .type = PARAM_ERRNO, .offset = offsetof(struct outer, error), .help = "e" },
        [CIDR] = { .name = "cidr",
                   .type = PARAM_CIDR,
                   .list = true,
                   .offset = offsetof(struct outer, cidr),
                   .help = "c" },
        [INNER] = { .name = "inner",
                    .type = PARAM_OBJECT,
                    .sub = inner_params,
                    .offset = offsetof(struct outer, inner),
                    .help = "i" },
        [ON] = { .name = "on", .type = PARAM_BOOL, .offset = offsetof(struct outer, on), .help = "o" },
        [SIZE] = { .name = "size", .type = PARAM_SIZE, .offset = offsetof(struct outer, size_bytes), .help = "s" },
        { 0 },
};

static int parse(const char *text, struct outer *out, struct err *e) {
        SCOPED_JSON json_t *json = NULL;

        *e = (struct err){ 0 };
        *out = (struct outer){ 0 };
        if (json_parse(text, strlen(text), &json, e) < 0)
                return -EINVAL;
        return param_parse_object(params, json, out, e);
}

static void test_accepted(void) {
        SCOPED_JSON json_t *back = NULL;
        SCOPED_FREE char *text = NULL;
        struct outer o;
        struct err e;
        int r;

        r = parse("{\"delayEnter\":\"80ms\",\"loss\":\"0.5%\",\"signal\":15,\"error\":28,"
                  "\"cidr\":[\"10.1.2.3/8\",\"fd00::1/"
                  "64\"],\"inner\":{\"name\":\"x\",\"ports\":\"80-90\"},\"on\":\"true\"}",
                  &o, &e);
        CHECK(r == 0, "%s at %s", e.msg, e.path);
        CHECK(o.delay_us == 80000, "%llu", (unsigned long long)o.delay_us);
        CHECK(o.colour == 1, "fallback not applied");
        CHECK(!PARAM_IS_SET(&o, COLOUR) && PARAM_IS_SET(&o, DELAY) && !PARAM_IS_SET(&o, SIZE), "set bits");
        back = param_to_json(params, &o);
        text = json_canonical(back);
        CHECK_STR(text,
                  "{\"cidr\":[\"10.0.0.0/8\",\"fd00::/64\"],\"colour\":\"green\",\"delayEnter\":\"80ms\","
                  "\"error\":\"ENOSPC\",\"inner\":{\"name\":\"x\",\"ports\":[\"80-90\"]},\"loss\":\"0.5%\",\"on\":true,"
                  "\"signal\":\"SIGTERM\"}");
        param_done(params, &o);
}

/* input, part of the message, path */
static const char *const refused[][3] = {
        { "{}", "'delayEnter' is missing", "" },
        { "{\"delayEnter\":80}", "lacks a unit", "/delayEnter" },
        { "{\"delayEnter\":\"2m\"}", "1us … 1m", "/delayEnter" },
        { "{\"delayEnter\":\"0\"}", "1us … 1m", "/delayEnter" },
        { "{\"delayEnter\":\"-5ms\"}", "not a duration", "/delayEnter" },
        { "{\"delayEnter\":\"5ms\",\"los\":\"1%\"}", "did you mean 'loss'", "/los" },
        { "{\"delayEnter\":\"5ms\",\"loss\":\"101%\"}", "over 100%", "/loss" },
        { "{\"delayEnter\":\"5ms\",\"colour\":\"gren\"}", "did you mean 'green'", "/colour" },
        { "{\"delayEnter\":\"5ms\",\"cidr\":[\"10.0.0.0/8\",\"10.0.0.0/33\"]}", "not a network", "/cidr/1" },
        { "{\"delayEnter\":\"5ms\",\"inner\":{}}", "'name' is missing", "/inner" },
        { "{\"delayEnter\":\"5ms\",\"inner\":{\"name\":\"x\",\"ports\":[0]}}", "not a port", "/inner/ports/0" },
        { "{\"delayEnter\":\"5ms\",\"inner\":3}", "mapping", "/inner" },
        { "{\"delayEnter\":\"5ms\",\"signal\":\"SIGNOPE\"}", "not a signal", "/signal" },
        { "{\"delayEnter\":\"5ms\",\"size\":\"5\"}", "lacks a unit", "/size" },
        { "{\"delayEnter\":null}", "has no value", "/delayEnter" },
        { "[]", "mapping", "" },
};

static void test_refused(void) {
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                struct outer o;
                struct err e;
                int r = parse(refused[i][0], &o, &e);

                CHECK(r < 0, "%s was accepted", refused[i][0]);
                CHECK(strstr(e.msg, refused[i][1]) != NULL, "%s: \"%s\" lacks \"%s\"", refused[i][0], e.msg,
                      refused[i][1]);
                CHECK_STR(e.path, refused[i][2]);
        }
}

/* A table that went through JSON judges every input as the original does. */
static void test_round_trip(void) {
        SCOPED_JSON json_t *description = param_describe(params);
        struct param *table = NULL;
        struct err e = { 0 };

        CHECK(param_table_from_json(description, &table, &e) == 0, "%s", e.msg);
        for (size_t i = 0; table && i < ARRAY_SIZE(refused); i++) {
                SCOPED_JSON json_t *json = NULL;

                (void)json_parse(refused[i][0], strlen(refused[i][0]), &json, &e);
                CHECK(param_check_object(table, json, &e) < 0, "%s was accepted", refused[i][0]);
                CHECK_STR(e.path, refused[i][2]);
        }
        if (table) {
                SCOPED_JSON json_t *again = param_describe(table);

                CHECK(json_equal(description, again), "the description changed on its way");
        }
        param_table_free(table);
}

int main(void) {
        char flag[64];

        test_accepted();
        test_refused();
        test_round_trip();
        CHECK_STR(param_flag(&params[DELAY], flag, sizeof(flag)), "--delay-enter");
        return check_result();
}
