/* net.delay on a fake host: what it refuses, what it plans, and faults side by side. */
#include <errno.h>

#include "lib/check.h"
#include "lib/kind.h"

#define UP0 "{'netns': 'shop', 'interface': 'up0'}"

static void test_table_refuses(void) {
        static const char *const bad[] = { "{}",
                                           "{'delay': '0ms'}",
                                           "{'delay': '61s'}",
                                           "{'delay': 80}",
                                           "{'delay': '-1ms'}",
                                           "{'delay': '1ms', 'jitter': '3s'}",
                                           "{'delay': '1ms', 'direction': 'up'}",
                                           "{'delay': '1ms', 'distribution': 'gauss'}",
                                           "{'delay': '1ms', 'limit': 0}",
                                           "{'delay': '1ms', 'percent': '0%'}",
                                           "{'latency': '1ms'}" };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct kind_case c;

                CHECK(kind_open(&c, "net.delay", bad[i], UP0) < 0, "%s was accepted", bad[i]);
                CHECK(c.err.msg[0], "%s: no words", bad[i]);
                (void)kind_close(&c);
        }
}

static void test_validate(const char *params, const char *path) {
        struct kind_case c;

        CHECK(kind_open(&c, "net.delay", params, UP0) == 0, "%s: %s", params, c.err.msg);
        CHECK(kind_validate(&c) == (path ? -EINVAL : 0), "%s: %s", params, c.err.msg);
        CHECK_STR(c.err.path, path ? path : "");
        (void)kind_close(&c);
}

static void test_plan(const char *backend, const char *params, const char *target, int code, const char *want) {
        struct kind_case c;
        int r;

        CHECK(kind_open(&c, "net.delay", params, target) == 0, "%s: %s", params, c.err.msg);
        c.fault.backend = backend;
        r = kind_plan(&c);
        CHECK(r == code, "%s %s: %d %s", params, target, r, c.err.msg);
        if (r == 0)
                CHECK_STR(c.plan ? c.plan : "", want);
        else
                CHECK(strstr(c.err.msg, want), "'%s' does not say '%s'", c.err.msg, want);
        CHECK(kind_close(&c) == 0, "%s", c.err.msg);
}

static void test_plans(void) {
        test_plan(
                "netem", "{'delay': '80ms', 'jitter': '5ms', 'distribution': 'normal'}",
                "{'netns': 'shop', 'interface': 'up0', 'peer': {'cidr': '10.0.0.0/8', 'ports': 8080, 'protocol': "
                "'tcp'}}",
                0,
                "add clsact to up0\n"
                "create IFB device chx0b9f3c527ae with netem delay 80ms jitter 5ms normal\n"
                "add a filter to egress of up0, after all other filters: tcp packets to 1 prefix(es), 1 port range(s)\n"
                "TCP ports 22, 6443 and 10250 are exempt\n");
        test_plan("relay", "{'delay': '10ms', 'direction': 'ingress', 'percent': '5%'}", UP0, 0,
                  "add clsact to up0\n"
                  "create TAP device chx0b9f3c527ai with a relay process: delay 10ms\n"
                  "add a filter to ingress of up0, before all other filters: 5% of the IP packets from anyone\n"
                  "TCP ports 22, 6443 and 10250 are exempt\n");
        test_plan("relay", "{'delay': '10ms'}", "{'interface': 'up0'}", -EPERM, "host itself");
        test_plan("relay", "{'delay': '10ms', 'direction': 'both'}", "{'interface': 'up0', 'cgroup': '/shop'}", -EINVAL,
                  "only with direction egress");
        test_plan("relay", "{'delay': '10ms'}",
                  "{'netns': 'shop', 'interface': 'up0', 'peer': {'ports': 80, 'protocol': 'icmp'}}", -EINVAL,
                  "ICMP has no ports");
}

/* A second fault on the same interface: refused when a packet could meet both, else side by side. */
static void test_second(const char *first_target, const char *second_target, const char *direction, int code) {
        struct fault_env env;
        struct kind_case a, b;
        char params[64], *before, *now;
        int r;

        CHECK(kind_open(&a, "net.delay", "{'delay': '10ms'}", first_target) == 0, "%s", a.err.msg);
        CHECK(kind_inject(&a) == 0, "%s", a.err.msg);
        before = fake_snapshot();

        /* kind_open() begins with an empty host: make b's parts by hand on this one. */
        b = a;
        env = a.env;
        env.others = &a.fault;
        (void)snprintf(params, sizeof(params), "{\"delay\": \"1ms\", \"direction\": \"%s\"}", direction);
        b.undo = (struct undo){ .push = kind_push };
        b.params = calloc(1, a.fault.ops->params_size);
        b.spec = (struct target_spec){ 0 };
        for (int i = 0; i < 2; i++) {
                SCOPED_JSON json_t *object = NULL;
                char text[256];
                size_t n = 0;

                for (const char *p = i ? second_target : params; *p; p++)
                        text[n++] = *p == '\'' ? '"' : *p;
                CHECK(json_parse(text, n, &object, &b.err) == 0, "%s", b.err.msg);
                CHECK(param_parse_object(i ? target_params : a.fault.ops->params, object,
                                         i ? (void *)&b.spec : b.params, &b.err) == 0,
                      "%s", b.err.msg);
        }
        b.target = fake_target(&b.spec, a.fault.ops->targets);
        b.fault = (struct fault){ .ops = a.fault.ops,
                                  .uid = "ffffffff-0000-4000-8000-000000000000",
                                  .params = b.params,
                                  .target = b.target,
                                  .backend = "netem",
                                  .undo = &b.undo,
                                  .holds = holds_new() };
        free(before);
        before = fake_snapshot();
        r = a.fault.ops->inject(&env, &b.fault, &b.err);
        CHECK(r == code, "%s and %s %s: %d %s", first_target, second_target, direction, r, b.err.msg);
        CHECK(r == 0 || strstr(b.err.msg, a.fault.uid), "'%s' does not name the other fault", b.err.msg);

        /* The first one ends first: clsact stays as long as the second needs it, and goes with it. */
        if (r == 0) {
                CHECK(fault_undo_all(&a.env, a.fault.ops, &a.undo, &a.err) == 0, "%s", a.err.msg);
                CHECK(fake_get("clsact:7"), "clsact went away under the second fault");
        }
        CHECK(fault_undo_all(&b.env, b.fault.ops, &b.undo, &b.err) == 0, "%s", b.err.msg);
        holds_free(b.fault.holds);
        if (r == 0) {
                CHECK(!fake_get("clsact:7"), "clsact was left behind");
        } else {
                now = fake_snapshot();
                CHECK_STR(now, before);
                free(now);
        }
        free(before);
        target_free(b.target);
        param_done(target_params, &b.spec);
        free(b.params);
        CHECK(kind_close(&a) == 0, "%s", a.err.msg);
}

static void test_overlaps(void) {
        test_second(UP0, UP0, "egress", -EBUSY);
        test_second(UP0, UP0, "both", -EBUSY);
        test_second(UP0, UP0, "ingress", 0);
        test_second("{'netns': 'shop', 'interface': 'up0', 'peer': {'cidr': '10.0.0.0/8'}}",
                    "{'netns': 'shop', 'interface': 'up0', 'peer': {'cidr': '10.1.2.3'}}", "egress", -EBUSY);
        test_second("{'netns': 'shop', 'interface': 'up0', 'peer': {'cidr': '10.0.0.0/8'}}",
                    "{'netns': 'shop', 'interface': 'up0', 'peer': {'cidr': ['11.0.0.0/8', 'fd00::/8']}}", "egress", 0);
        test_second("{'netns': 'shop', 'interface': 'up0', 'peer': {'ports': '80-90'}}",
                    "{'netns': 'shop', 'interface': 'up0', 'peer': {'ports': [90]}}", "egress", -EBUSY);
        test_second("{'netns': 'shop', 'interface': 'up0', 'peer': {'ports': '80-90'}}",
                    "{'netns': 'shop', 'interface': 'up0', 'peer': {'ports': [91]}}", "egress", 0);
        test_second("{'netns': 'shop', 'interface': 'up0', 'peer': {'protocol': 'udp'}}",
                    "{'netns': 'shop', 'interface': 'up0', 'peer': {'protocol': 'tcp'}}", "egress", 0);
        test_second("{'netns': 'shop', 'interface': 'up0', 'cgroup': '/a'}",
                    "{'netns': 'shop', 'interface': 'up0', 'cgroup': '/a/b'}", "egress", -EBUSY);
        test_second("{'netns': 'shop', 'interface': 'up0', 'cgroup': '/a'}",
                    "{'netns': 'shop', 'interface': 'up0', 'cgroup': '/ab'}", "egress", 0);
}

static void test_bad_records(void) {
        static const char *const bad[] = { "", "filter", "link netns=1",
                                           "x netns=1 ifindex=1 ifname=a hook=e prio=0 handle=0x0 path=",
                                           "link netns=1 ifindex=0 ifname=eth0 hook=egress prio=0 handle=0x0 path=/x" };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct fault_env env = { 0 };
                struct err e = { 0 };

                fake_reset();
                CHECK(fault_find("net.delay")->revert(&env, bad[i], &e) < 0, "'%s' was accepted", bad[i]);
        }
}

int main(void) {
        test_table_refuses();
        test_validate("{'delay': '10ms', 'jitter': '20ms'}", "/jitter");
        test_validate("{'delay': '10ms', 'distribution': 'normal'}", "/distribution");
        test_validate("{'delay': '10ms', 'correlation': '5%'}", "/correlation");
        test_validate("{'delay': '10ms', 'jitter': '10ms', 'correlation': '5%', 'distribution': 'pareto'}", NULL);
        test_plans();
        test_overlaps();
        test_bad_records();
        return check_result();
}
