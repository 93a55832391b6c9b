/* net_overlap.c — may two live network faults meet the same packet? ADR 0003: then the second one is refused. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "faults/fault.h"
#include "faults/net/net_decide.h"
#include "faults/net/net_records.h"
#include "faults/target/target.h"
#include "faults/undo.h"

static bool is_prefix_equal(const struct in6_addr *a, const struct in6_addr *b, unsigned bits) {
        unsigned bytes = bits / 8, rest = bits % 8;
        uint8_t mask = (uint8_t)(0xff << (8 - rest));

        return memcmp(a->s6_addr, b->s6_addr, bytes) == 0 &&
               (rest == 0 || (a->s6_addr[bytes] & mask) == (b->s6_addr[bytes] & mask));
}

/* Two prefixes share an address when the shorter contains the longer. */
static bool has_common_cidr(const struct param_list *a, const struct param_list *b) {
        const struct param_cidr *x = a->items, *y = b->items;

        if (a->n == 0 || b->n == 0)
                return true;

        for (size_t i = 0; i < a->n; i++)
                for (size_t j = 0; j < b->n; j++)
                        if (x[i].family == y[j].family &&
                            is_prefix_equal(&x[i].address, &y[j].address,
                                            x[i].prefix < y[j].prefix ? x[i].prefix : y[j].prefix))
                                return true;
        return false;
}

static bool has_common_port(const struct param_list *a, const struct param_list *b) {
        const struct param_ports *x = a->items, *y = b->items;

        if (a->n == 0 || b->n == 0)
                return true;

        for (size_t i = 0; i < a->n; i++)
                for (size_t j = 0; j < b->n; j++)
                        if (x[i].first <= y[j].last && y[j].first <= x[i].last)
                                return true;
        return false;
}

/* A cgroup's packets are also those of its children. */
static bool has_common_cgroup(const struct target *a, const struct target *b) {
        if (a->n_cgroups == 0 || b->n_cgroups == 0)
                return true;

        for (size_t i = 0; i < a->n_cgroups; i++)
                for (size_t j = 0; j < b->n_cgroups; j++) {
                        const char *x = a->cgroups[i].path, *y = b->cgroups[j].path;
                        size_t n = strlen(x) < strlen(y) ? strlen(x) : strlen(y);

                        if (strncmp(x, y, n) == 0 && (x[n] == '\0' || x[n] == '/') && (y[n] == '\0' || y[n] == '/'))
                                return true;
                }
        return false;
}

static bool has_common_packet(const struct target *a, const struct target *b) {
        const struct target_peer_spec *x = &a->spec->peer, *y = &b->spec->peer;

        if (x->protocol != TARGET_PROTOCOL_ANY && y->protocol != TARGET_PROTOCOL_ANY && x->protocol != y->protocol)
                return false;
        return has_common_cidr(&x->cidr, &y->cidr) && has_common_port(&x->ports, &y->ports) && has_common_cgroup(a, b);
}

static bool is_net(const struct fault *f) {
        return strncmp(f->ops->name, "net.", 4) == 0;
}

/* By its filters: what it does to the kernel, whatever its parameters are called. */
static bool uses_hook(const struct fault *f, uint64_t inode, unsigned ifindex, enum tc_hook hook) {
        struct net_record record;

        for (size_t i = 0; f->undo && i < f->undo->n; i++)
                if (net_record_parse(f->undo->records[i], &record, NULL) == 0 && record.type == NET_RECORD_FILTER &&
                    record.netns_inode == inode && record.ifindex == ifindex && record.filter.hook == hook)
                        return true;
        return false;
}

int net_overlap_check(const struct fault_env *env, const struct fault *f, uint64_t netns_inode,
                      enum net_direction direction, struct err *e) {
        for (const struct fault *other = env->others; other; other = other->next) {
                if (strcmp(other->uid, f->uid) == 0 || !is_net(other) || !other->target ||
                    !has_common_packet(f->target, other->target))
                        continue;

                for (int hook = TC_HOOK_EGRESS; hook <= TC_HOOK_INGRESS; hook++)
                        if (net_direction_has(direction, hook) &&
                            uses_hook(other, netns_inode, f->target->ifindex, hook))
                                return err_set(e, -EBUSY,
                                               "%s %s already acts on %s of %s, and a packet could meet both: revert "
                                               "it first, or choose peers, ports or protocols that do not overlap",
                                               other->ops->name, other->uid, tc_hook_name(hook), f->target->ifname);
        }
        return 0;
}

bool net_is_clsact_shared(const struct fault_env *env, const struct fault *f, uint64_t netns_inode, unsigned ifindex) {
        struct net_record record;

        for (const struct fault *other = env->others; other; other = other->next) {
                if (strcmp(other->uid, f->uid) == 0 || !is_net(other) || !other->undo)
                        continue;

                for (size_t i = 0; i < other->undo->n; i++)
                        if (net_record_parse(other->undo->records[i], &record, NULL) == 0 &&
                            record.type == NET_RECORD_CLSACT && record.netns_inode == netns_inode &&
                            record.ifindex == ifindex)
                                return true;
        }
        return false;
}
