/* net_target.c — the target's selectors as the packet classifier wants them. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "faults/fault.h"
#include "faults/net/net_decide.h"
#include "faults/target/target.h"

static const uint32_t protocols[] = {
        [TARGET_PROTOCOL_ANY] = 0,
        [TARGET_PROTOCOL_TCP] = IPPROTO_TCP,
        [TARGET_PROTOCOL_UDP] = IPPROTO_UDP,
        [TARGET_PROTOCOL_ICMP] = IPPROTO_ICMP,
};

static int put_ports(const struct target_peer_spec *peer, struct net_classify_config *config, struct err *e) {
        const struct param_ports *ports = peer->ports.items;

        if (peer->ports.n > NET_CLASSIFY_MAX_PORTS)
                return err_set(e, -E2BIG, "%zu port ranges; at most %d", peer->ports.n, NET_CLASSIFY_MAX_PORTS);
        if (peer->ports.n && peer->protocol == TARGET_PROTOCOL_ICMP)
                return err_set(e, -EINVAL, "ICMP has no ports");

        for (size_t i = 0; i < peer->ports.n; i++)
                config->ports[i] = (struct net_classify_ports){ ports[i].first, ports[i].last };
        config->n_ports = (uint32_t)peer->ports.n;
        return 0;
}

/* "/a/b" is two levels below the root. */
static uint32_t cgroup_level(const char *path) {
        uint32_t level = 0;

        for (const char *p = path; *p; p++)
                if (*p == '/' && p[1] != '\0' && p[1] != '/')
                        level++;
        return level;
}

static int put_cgroups(const struct target *t, enum tc_hook hook, struct net_classify_config *config, struct err *e) {
        if (t->n_cgroups > NET_CLASSIFY_MAX_CGROUPS)
                return err_set(e, -E2BIG, "%zu cgroups; at most %d", t->n_cgroups, NET_CLASSIFY_MAX_CGROUPS);
        if (t->n_cgroups && hook == TC_HOOK_INGRESS)
                return err_set(e, -EINVAL,
                               "packets have no cgroup yet when they arrive: choose by cgroup only with "
                               "direction egress");

        for (size_t i = 0; i < t->n_cgroups; i++) {
                const struct target_cgroup *c = &t->cgroups[i];

                if (c->v2_fd < 0 || c->id == 0)
                        return err_set(e, -EINVAL,
                                       "cgroup %s is not in the cgroup v2 hierarchy, the only one that "
                                       "packets know",
                                       c->path);
                config->cgroups[i] = (struct net_classify_cgroup){ .id = c->id, .level = cgroup_level(c->path) };
        }
        config->n_cgroups = (uint32_t)t->n_cgroups;
        return 0;
}

int net_target_config(const struct fault *f, enum tc_hook hook, struct net_classify_config *config, struct err *e) {
        const struct target_peer_spec *peer = &f->target->spec->peer;
        int r;

        r = put_ports(peer, config, e);
        if (r < 0)
                return err_at(e, "peer"), err_at(e, "target");

        r = put_cgroups(f->target, hook, config, e);
        if (r < 0)
                return err_at(e, "cgroup"), err_at(e, "target");

        config->ingress = hook == TC_HOOK_INGRESS;
        config->protocol = protocols[peer->protocol];
        config->has_cidrs = peer->cidr.n > 0;
        return 0;
}

int net_target_cidrs(const struct fault *f, struct net_classify_cidr **ret_cidrs, size_t *ret_n, struct err *e) {
        const struct param_list *list = &f->target->spec->peer.cidr;
        const struct param_cidr *cidrs = list->items;
        struct net_classify_cidr *keys;

        if (list->n > NET_CLASSIFY_MAX_CIDRS)
                return err_set(e, -E2BIG, "%zu prefixes; at most %d", list->n, NET_CLASSIFY_MAX_CIDRS);

        keys = calloc(list->n + 1, sizeof(*keys));
        if (!keys)
                return err_set(e, -ENOMEM, "no memory for %zu prefixes", list->n);

        for (size_t i = 0; i < list->n; i++) {
                bool v4 = cidrs[i].family == AF_INET;

                keys[i].prefix = cidrs[i].prefix + (v4 ? 96 : 0);
                if (v4)
                        keys[i].address[10] = keys[i].address[11] = 0xff;
                (void)memcpy(&keys[i].address[v4 ? 12 : 0], &cidrs[i].address, v4 ? 4 : 16);
        }
        *ret_cidrs = keys;
        *ret_n = list->n;
        return 0;
}
