#include <errno.h>

#include "core/err.h"
#include "core/yaml.h"
#include "lib/check.h"

/* YAML text and the canonical JSON of its first document. */
static const struct {
        const char *yaml, *json;
} good[] = {
        { "a: 1\nb: [x, 2.5, true, ~]\n", "{\"a\":1,\"b\":[\"x\",2.5,true,null]}" },
        { "a: 0x1f\nb: 0o17\nc: -7\nd: '7'\n", "{\"a\":31,\"b\":15,\"c\":-7,\"d\":\"7\"}" },
        { "a: yes\nb: on\nc: 1_000\nd: 5%\n", "{\"a\":\"yes\",\"b\":\"on\",\"c\":\"1_000\",\"d\":\"5%\"}" },
        { "a: 99999999999999999999\nb: 1.2.3\n", "{\"a\":\"99999999999999999999\",\"b\":\"1.2.3\"}" },
        { "a: !!str 5\nb: \"5\"\nc:\n", "{\"a\":\"5\",\"b\":\"5\",\"c\":null}" },
        { "a: &x {k: v}\nb: *x\nc: [*x]\n", "{\"a\":{\"k\":\"v\"},\"b\":{\"k\":\"v\"},\"c\":[{\"k\":\"v\"}]}" },
        { "a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}" },
        { "# nothing\n---\n---\na: 1\n", "{\"a\":1}" },
};

static void test_good(void) {
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                SCOPED(yaml_freep) struct yaml_file *f = NULL;
                SCOPED_FREE char *text = NULL;
                struct err e = { 0 };
                int r = yaml_read_text(good[i].yaml, strlen(good[i].yaml), "t.yaml", &f, &e);

                CHECK(r == 0, "%zu: %s", i, e.msg);
                if (r < 0)
                        continue;
                CHECK(yaml_count(f) == 1, "%zu: %zu documents", i, yaml_count(f));
                text = json_canonical(yaml_document(f, 0));
                CHECK_STR(text, good[i].json);
        }
}

/* Texts that must be refused, and how the message starts. */
static const struct {
        const char *yaml, *message;
        size_t len; /* 0 = strlen */
} bad[] = {
        { "a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key 'a' is given twice", 0 },
        { "a: [1, 2\nb: 3\n", "t.yaml:", 0 },
        { "a: *nope\n", "t.yaml:1:5: alias to an anchor", 0 },
        { "a: &x [*x]\n", "t.yaml:1:", 0 },
        { "? [1]\n: 2\n", "t.yaml:1:3: a key must be text", 0 },
        { "a: \"x\\0y\"\n", "t.yaml:1:5: a NUL character", 0 },
        { "a: 1\nb: x\0y\n", "t.yaml:2:5: a NUL character", 11 },
        { "a: !thing 3\n", "t.yaml:1:11: tags are not supported", 0 },
        { "a: \xff\xfe\n", "t.yaml:1:4: not valid UTF-8", 0 },
        { "\t- x\n a", "t.yaml:", 0 },
        { "\"k: 1\n", "t.yaml:1:", 0 },
};

static void test_bad(void) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                SCOPED(yaml_freep) struct yaml_file *f = NULL;
                struct err e = { 0 };
                size_t len = bad[i].len ? bad[i].len : strlen(bad[i].yaml);
                int r = yaml_read_text(bad[i].yaml, len, "t.yaml", &f, &e);

                CHECK(r == -EINVAL, "%zu: %d", i, r);
                CHECK(strncmp(e.msg, bad[i].message, strlen(bad[i].message)) == 0, "%zu: got '%s', want '%s…'", i,
                      e.msg, bad[i].message);
        }
}

static void test_limits(void) {
        static char text[1 << 20];
        struct yaml_file *f = NULL;
        struct err e = { 0 };
        size_t len = 0;

        memset(text, '[', 70);
        CHECK(yaml_read_text(text, 70, "t", &f, &e) == -EINVAL && strstr(e.msg, "64 levels"), "%s", e.msg);

        /* Nine levels of nine aliases each: "billion laughs". */
        len += (size_t)sprintf(text + len, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for (int i = 1; i < 9; i++) {
                len += (size_t)sprintf(text + len, "a%d: &a%d [", i, i);
                for (int k = 0; k < 9; k++)
                        len += (size_t)sprintf(text + len, "%s*a%d", k ? "," : "", i - 1);
                len += (size_t)sprintf(text + len, "]\n");
        }
        CHECK(yaml_read_text(text, len, "t", &f, &e) == -EINVAL && strstr(e.msg, "aliases expand"), "%s", e.msg);

        CHECK(yaml_read_text(text, 5 << 20, "t", &f, &e) == -EINVAL && strstr(e.msg, "4 MiB"), "%s", e.msg);
        CHECK(yaml_read("/nonexistent/x.yaml", &f, &e) == -ENOENT, "%s", e.msg);
        CHECK(yaml_read("/proc", &f, &e) < 0, "a folder was read");
        CHECK(yaml_read_text("", 0, "t", &f, &e) == 0 && yaml_count(f) == 0, "%s", e.msg);
        yaml_free(f);
}

static void test_marks(void) {
        static const char text[] = "kind: Experiment\nspec:\n  faults:\n    - name: late\n      params: {delay: 80}\n";
        SCOPED(yaml_freep) struct yaml_file *f = NULL;
        struct err e = { 0 };

        CHECK(yaml_read_text(text, strlen(text), "e.yaml", &f, &e) == 0, "%s", e.msg);

        (void)err_set(&e, -EINVAL, "'80' lacks a unit");
        (void)snprintf(e.path, sizeof(e.path), "/spec/faults/0/params/delay");
        CHECK(yaml_error(f, 0, &e) == -EINVAL, "code");
        CHECK_STR(e.msg, "e.yaml:5:23: '80' lacks a unit");

        (void)err_set(&e, -EINVAL, "unknown key 'params'");
        (void)snprintf(e.path, sizeof(e.path), "/spec/faults/0/params");
        (void)yaml_error(f, 0, &e);
        CHECK_STR(e.msg, "e.yaml:5:7: unknown key 'params'");

        (void)err_set(&e, -EINVAL, "'kind' is missing");
        (void)snprintf(e.path, sizeof(e.path), "/spec/faults/0/kind");
        (void)yaml_error(f, 0, &e);
        CHECK_STR(e.msg, "e.yaml:4:7: 'kind' is missing");
}

int main(void) {
        test_good();
        test_bad();
        test_limits();
        test_marks();
        return check_result();
}
