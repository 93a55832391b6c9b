/* Fake traffic control: "link:NAME" = "index N …", "clsact:N", "netem:N" and "filter:N:HOOK:PRIO:HANDLE" = NAME.
 * What sits on a TAP device is not remembered, for it dies with the device; nor is anything in a scratch namespace. */
#include "faults/mech/tc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "fakes/fake_kernel.h"
#include "faults/mark.h"

#define FIRST_INDEX   100
#define SCRATCH_INDEX 9999

struct tc {
        bool scratch;
        struct tc_netem netem; /* the last one set, for reading back in a scratch namespace */
};

const char *tc_hook_name(enum tc_hook hook) {
        return hook == TC_HOOK_INGRESS ? "ingress" : "egress";
}

int tc_open(int netns_fd, struct tc **ret, struct err *e) {
        const char *key = netns_fd < 0 ? NULL : fake_fd_key(netns_fd);
        struct tc *tc;
        int r = fake_step("tc_open", e);

        if (r < 0)
                return r;

        tc = calloc(1, sizeof(*tc));
        if (!tc)
                return err_set(e, -ENOMEM, "no memory");

        tc->scratch = key && strcmp(key, "netns-scratch") == 0;
        *ret = tc;
        return 0;
}

void tc_free(struct tc *tc) {
        free(tc);
}

/* Calls seen() for each object whose key begins with prefix; it may delete objects. */
static int each(const char *prefix, int (*seen)(void *arg, const char *key, const char *state), void *arg) {
        char *text = fake_snapshot(), *rest = text, *line;
        int r = 0;

        while (r >= 0 && (line = strsep(&rest, "\n")) && *line) {
                char *state = strstr(line, " = ");

                if (!state || strncmp(line, prefix, strlen(prefix)) != 0)
                        continue;
                *state = '\0';
                r = seen(arg, line, state + 3);
        }
        free(text);
        return r;
}

static bool read_link(const char *name, const char *state, struct tc_link *ret) {
        *ret = (struct tc_link){ .up = true, .ethernet = true, .mtu = 1500, .tx_packets = 42, .rx_packets = 42 };
        (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
        return sscanf(state, "index %u", &ret->ifindex) == 1;
}

struct listing {
        int (*seen)(void *arg, const struct tc_link *link);
        void *arg;
};

static int pass_link(void *arg, const char *key, const char *state) {
        struct listing *l = arg;
        struct tc_link link;

        return read_link(key + strlen("link:"), state, &link) ? l->seen(l->arg, &link) : 0;
}

int tc_link_each(struct tc *tc, int (*seen)(void *arg, const struct tc_link *link), void *arg, struct err *e) {
        struct listing l = { .seen = seen, .arg = arg };
        int r = fake_step("tc_link_each", e);

        (void)tc;
        return r < 0 ? r : each("link:", pass_link, &l);
}

int tc_link_find(struct tc *tc, const char *name, struct tc_link *ret, struct err *e) {
        const char *state = tc->scratch ? fake_key("index %u", SCRATCH_INDEX) : fake_get(fake_key("link:%s", name));
        int r = fake_step("tc_link_find", e);

        if (r < 0)
                return r;
        if (!state || !read_link(name, state, ret))
                return err_set(e, -ENODEV, "no network device is named %s", name);
        return 0;
}

struct wanted {
        unsigned ifindex;
        struct tc_link *ret;
        bool found;
};

static int match_index(void *arg, const char *key, const char *state) {
        struct wanted *w = arg;
        struct tc_link link;

        if (read_link(key + strlen("link:"), state, &link) && link.ifindex == w->ifindex) {
                *w->ret = link;
                w->found = true;
        }
        return 0;
}

int tc_link_get(struct tc *tc, unsigned ifindex, struct tc_link *ret, struct err *e) {
        struct wanted w = { .ifindex = ifindex, .ret = ret };
        int r = fake_step("tc_link_get", e);

        (void)tc;
        if (r < 0)
                return r;

        (void)each("link:", match_index, &w);
        return w.found ? 0 : err_set(e, -ENODEV, "no network device has index %u", ifindex);
}

/* TAP devices belong to their descriptor. */
static bool is_remembered(const struct tc *tc, unsigned ifindex) {
        struct tc_link link;
        struct wanted w = { .ifindex = ifindex, .ret = &link };

        (void)each("link:", match_index, &w);
        return !tc->scratch && w.found && !strstr(fake_get(fake_key("link:%s", link.name)), "tap");
}

int tc_link_add_ifb(struct tc *tc, const char *name, struct err *e) {
        unsigned ifindex = FIRST_INDEX;
        struct tc_link link;
        int r = fake_step("tc_link_add_ifb", e);

        if (r < 0 || tc->scratch)
                return r;
        if (fake_get(fake_key("link:%s", name)))
                return err_set(e, -EEXIST, "add IFB device %s: File exists", name);

        for (struct wanted w = { .ifindex = ifindex, .ret = &link }; (void)each("link:", match_index, &w), w.found;)
                w = (struct wanted){ .ifindex = ++ifindex, .ret = &link };
        fake_set(fake_key("link:%s", name), "index %u ifb", ifindex);
        return 0;
}

int tc_link_start(struct tc *tc, unsigned ifindex, unsigned mtu, unsigned queue, struct err *e) {
        int r = fake_step("tc_link_start: silence", e);

        (void)tc;
        (void)ifindex;
        (void)mtu;
        (void)queue;
        return r < 0 ? r : fake_step("tc_link_start", e);
}

static int delete_object(void *arg, const char *key, const char *state) {
        (void)arg;
        (void)state;
        (void)fake_del(key);
        return 0;
}

int tc_link_del(struct tc *tc, unsigned ifindex, struct err *e) {
        struct tc_link link;
        struct wanted w = { .ifindex = ifindex, .ret = &link };
        int r = fake_step("tc_link_del", e);

        if (r < 0 || tc->scratch)
                return r;

        (void)each("link:", match_index, &w);
        if (!w.found)
                return err_set(e, -ENODEV, "no network device has index %u", ifindex);

        (void)fake_del(fake_key("link:%s", link.name));
        (void)fake_del(fake_key("clsact:%u", ifindex));
        (void)fake_del(fake_key("netem:%u", ifindex));
        (void)each(fake_key("filter:%u:", ifindex), delete_object, NULL);
        return 0;
}

int tc_qdisc_each(struct tc *tc, unsigned ifindex, int (*seen)(void *arg, const struct tc_qdisc *q), void *arg,
                  struct err *e) {
        struct tc_qdisc q = { .ifindex = ifindex, .kind = "clsact" };
        int r = fake_step("tc_qdisc_each", e);

        (void)tc;
        return r < 0 || !fake_get(fake_key("clsact:%u", ifindex)) ? r : seen(arg, &q);
}

int tc_clsact_add(struct tc *tc, unsigned ifindex, struct err *e) {
        int r = fake_step("tc_clsact_add", e);

        if (r < 0 || !is_remembered(tc, ifindex))
                return r;
        if (fake_get(fake_key("clsact:%u", ifindex)))
                return err_set(e, -EEXIST, "add clsact: File exists");

        fake_set(fake_key("clsact:%u", ifindex), "there");
        return 0;
}

int tc_clsact_del(struct tc *tc, unsigned ifindex, struct err *e) {
        int r = fake_step("tc_clsact_del", e);

        if (r < 0)
                return r;

        (void)tc;
        (void)each(fake_key("filter:%u:", ifindex), delete_object, NULL);
        return fake_del(fake_key("clsact:%u", ifindex)) ? 0 : err_set(e, -ENOENT, "no clsact");
}

int tc_netem_compare(const struct tc_netem *want, const struct tc_netem *got, struct err *e) {
        return want->delay_ns == got->delay_ns && want->jitter_ns == got->jitter_ns ? 0
                                                                                    : err_set(e, -EIO, "netem differs");
}

int tc_netem_set(struct tc *tc, unsigned ifindex, const struct tc_netem *want, struct err *e) {
        struct tc_qdisc_stats stats;
        struct tc_netem got;
        int r = fake_step("tc_netem_set", e);

        if (r < 0)
                return r;

        tc->netem = *want;
        if (!tc->scratch)
                fake_set(fake_key("netem:%u", ifindex), "delay %llu jitter %llu correlation %u limit %u table %zu",
                         (unsigned long long)want->delay_ns, (unsigned long long)want->jitter_ns, want->correlation,
                         want->limit, want->n_table);
        r = tc_netem_get(tc, ifindex, &got, &stats, e);
        return r < 0 ? r : tc_netem_compare(want, &got, e);
}

int tc_netem_get(struct tc *tc, unsigned ifindex, struct tc_netem *ret, struct tc_qdisc_stats *ret_stats,
                 struct err *e) {
        const char *state = fake_get(fake_key("netem:%u", ifindex));
        unsigned long long delay = tc->netem.delay_ns, jitter = tc->netem.jitter_ns;
        int r = fake_step("tc_netem_get", e);

        if (r < 0)
                return r;
        if (!tc->scratch && (!state || sscanf(state, "delay %llu jitter %llu", &delay, &jitter) != 2))
                return err_set(e, -ENOENT, "no netem on device %u", ifindex);

        *ret = (struct tc_netem){ .delay_ns = delay, .jitter_ns = jitter };
        *ret_stats = (struct tc_qdisc_stats){ .packets = 42, .bytes = 4200 };
        return 0;
}

bool tc_filter_is_ours(const struct tc_filter *f) {
        return (f->handle & MARK_FILTER_MASK) == MARK_FILTER_HANDLE &&
               strncmp(f->name, MARK_NAME_PREFIX, strlen(MARK_NAME_PREFIX)) == 0;
}

static const char *filter_key(const struct tc_filter *f) {
        return fake_key("filter:%u:%s:%u:%x", f->ifindex, tc_hook_name(f->hook), f->prio, f->handle);
}

struct filters {
        unsigned ifindex;
        enum tc_hook hook;
        int (*seen)(void *arg, const struct tc_filter *f);
        void *arg;
};

static int pass_filter(void *arg, const char *key, const char *state) {
        struct filters *l = arg;
        struct tc_filter f = { .ifindex = l->ifindex, .hook = l->hook, .kind = "bpf" };
        unsigned prio;

        if (sscanf(strrchr(key, ':') + 1, "%x", &f.handle) != 1 || sscanf(key, "filter:%*u:%*[a-z]:%u", &prio) != 1)
                return 0;

        f.prio = (uint16_t)prio;
        (void)snprintf(f.name, sizeof(f.name), "%s", state);
        return l->seen(l->arg, &f);
}

int tc_filter_each(struct tc *tc, unsigned ifindex, enum tc_hook hook,
                   int (*seen)(void *arg, const struct tc_filter *f), void *arg, struct err *e) {
        struct filters l = { .ifindex = ifindex, .hook = hook, .seen = seen, .arg = arg };
        int r = fake_step("tc_filter_each", e);

        (void)tc;
        return r < 0 ? r : each(fake_key("filter:%u:%s:", ifindex, tc_hook_name(hook)), pass_filter, &l);
}

int tc_filter_pick(struct tc *tc, struct tc_filter *f, bool first, struct err *e) {
        int r = fake_step("tc_filter_pick", e);

        (void)tc;
        if (r < 0)
                return r;

        f->prio = first ? 0x100 : 0xF000;
        f->handle = MARK_FILTER_HANDLE | 1;
        while (fake_get(filter_key(f)))
                f->handle++;
        return 0;
}

int tc_filter_add(struct tc *tc, const struct tc_filter *f, int prog_fd, unsigned redirect_ifindex, struct err *e) {
        int r = fake_step("tc_filter_add", e);

        (void)prog_fd;
        (void)redirect_ifindex;
        if (r < 0 || !is_remembered(tc, f->ifindex))
                return r;
        if (!fake_get(fake_key("clsact:%u", f->ifindex)))
                return err_set(e, -EINVAL, "add filter: no clsact");

        fake_set(filter_key(f), "%s", f->name);
        return 0;
}

int tc_filter_del(struct tc *tc, const struct tc_filter *f, struct err *e) {
        int r = fake_step("tc_filter_del", e);

        (void)tc;
        if (r < 0)
                return r;
        return fake_del(filter_key(f)) ? 0 : err_set(e, -ENOENT, "no such filter");
}

int tc_filter_is_there(struct tc *tc, const struct tc_filter *f, struct err *e) {
        int r = fake_step("tc_filter_is_there", e);

        (void)tc;
        return r < 0 ? r : fake_get(filter_key(f)) != NULL;
}
