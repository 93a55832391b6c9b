/* target_table.c — the selectors as users write them, and what they resolved to as JSON. */
#include <arpa/inet.h>
#include <stdio.h>

#include "faults/target/resolve.h"

const char *const target_protocols[] = {
        [TARGET_PROTOCOL_ANY] = "any",
        [TARGET_PROTOCOL_TCP] = "tcp",
        [TARGET_PROTOCOL_UDP] = "udp",
        [TARGET_PROTOCOL_ICMP] = "icmp",
        NULL,
};

static const struct param process_params[] = {
        { .name = "exe",
          .type = PARAM_STRING,
          .offset = offsetof(struct target_process_spec, exe),
          .help = "the program's file, an absolute path",
          .example = "/usr/sbin/nginx" },
        { .name = "comm",
          .type = PARAM_STRING,
          .offset = offsetof(struct target_process_spec, comm),
          .help = "the process's name as ps shows it",
          .example = "nginx" },
        { .name = "cmdline",
          .type = PARAM_STRING,
          .offset = offsetof(struct target_process_spec, cmdline),
          .help = "a part of the command line",
          .example = "worker process" },
        { .name = "user",
          .type = PARAM_STRING,
          .offset = offsetof(struct target_process_spec, user),
          .help = "effective user, by name or number",
          .example = "www-data" },
        { .name = "listens",
          .type = PARAM_UINT,
          .offset = offsetof(struct target_process_spec, listens),
          .min = 1,
          .max = 65535,
          .help = "a TCP port that the process listens on",
          .example = "8080" },
        { 0 },
};

static const struct param peer_params[] = {
        { .name = "cidr",
          .type = PARAM_CIDR,
          .list = true,
          .offset = offsetof(struct target_peer_spec, cidr),
          .cli = "peer",
          .help = "addresses of the other side, IPv4 or IPv6",
          .example = "10.77.1.2/32" },
        { .name = "ports",
          .type = PARAM_PORTS,
          .list = true,
          .offset = offsetof(struct target_peer_spec, ports),
          .cli = "port",
          .help = "ports of the other side",
          .example = "8080" },
        { .name = "protocol",
          .type = PARAM_ENUM,
          .offset = offsetof(struct target_peer_spec, protocol),
          .choices = target_protocols,
          .fallback = "any",
          .help = "transport protocol",
          .example = "tcp" },
        { 0 },
};

const struct param target_params[] = {
        [TARGET_ROW_PID] = { .name = "pid",
                             .type = PARAM_UINT,
                             .list = true,
                             .offset = offsetof(struct target_spec, pid),
                             .min = 1,
                             .max = 4194304,
                             .help = "process ids",
                             .example = "4711" },
        [TARGET_ROW_PROCESS] = { .name = "process",
                                 .type = PARAM_OBJECT,
                                 .offset = offsetof(struct target_spec, process),
                                 .sub = process_params,
                                 .help = "processes by what they are; all that is given must hold" },
        [TARGET_ROW_CGROUP] = { .name = "cgroup",
                                .type = PARAM_STRING,
                                .offset = offsetof(struct target_spec, cgroup),
                                .help = "a cgroup, as a path below the hierarchy's mount point",
                                .example = "/shop/front" },
        [TARGET_ROW_UNIT] = { .name = "unit",
                              .type = PARAM_STRING,
                              .offset = offsetof(struct target_spec, unit),
                              .help = "a systemd unit's cgroup",
                              .example = "nginx.service" },
        [TARGET_ROW_CONTAINER] = { .name = "container",
                                   .type = PARAM_STRING,
                                   .offset = offsetof(struct target_spec, container),
                                   .help = "a container's cgroup, by at least 6 digits of its id",
                                   .example = "3f2a9c1b7d4e" },
        [TARGET_ROW_POD] = { .name = "pod",
                             .type = PARAM_STRING,
                             .offset = offsetof(struct target_spec, pod),
                             .help = "a Kubernetes pod's cgroup, by the pod's uid",
                             .example = "0d1a3f0e-5b7c-4a58-9d53-2f1f6f0b7a11" },
        [TARGET_ROW_NETNS] = { .name = "netns",
                               .type = PARAM_STRING,
                               .offset = offsetof(struct target_spec, netns),
                               .help = "a network namespace: name in /run/netns, absolute path, or pid:N",
                               .example = "shop-front" },
        [TARGET_ROW_INTERFACE] = { .name = "interface",
                                   .type = PARAM_STRING,
                                   .offset = offsetof(struct target_spec, interface),
                                   .help = "a network interface in that namespace",
                                   .example = "eth0" },
        [TARGET_ROW_PEER] = { .name = "peer",
                              .type = PARAM_OBJECT,
                              .offset = offsetof(struct target_spec, peer),
                              .sub = peer_params,
                              .help = "only traffic with these" },
        [TARGET_ROW_PATH] = { .name = "path",
                              .type = PARAM_STRING,
                              .offset = offsetof(struct target_spec, path),
                              .help = "a file or directory, an absolute path",
                              .example = "/var/lib/shop" },
        [TARGET_ROW_PICK] = { .name = "pick",
                              .type = PARAM_STRING,
                              .offset = offsetof(struct target_spec, pick),
                              .help = "which of the processes found: all (default), one, a number, or a percentage",
                              .example = "one" },
        [TARGET_ROW_PICK + 1] = { 0 },
};

/* Which bit lets a kind use a row. */
static const uint64_t row_bits[] = {
        [TARGET_ROW_PID] = TARGET_PROCESS,
        [TARGET_ROW_PROCESS] = TARGET_PROCESS,
        [TARGET_ROW_CGROUP] = TARGET_CGROUP,
        [TARGET_ROW_UNIT] = TARGET_CGROUP,
        [TARGET_ROW_CONTAINER] = TARGET_CGROUP,
        [TARGET_ROW_POD] = TARGET_CGROUP,
        [TARGET_ROW_NETNS] = TARGET_NETNS,
        [TARGET_ROW_INTERFACE] = TARGET_INTERFACE,
        [TARGET_ROW_PEER] = TARGET_PEER,
        [TARGET_ROW_PATH] = TARGET_PATH,
        [TARGET_ROW_PICK] = TARGET_PROCESS,
};

uint64_t target_row_bit(enum target_row row) {
        return row_bits[row];
}

json_t *target_describe_bits(uint64_t bits) {
        json_t *names = json_array();

        for (size_t i = 0; i < ARRAY_SIZE(row_bits); i++)
                if (row_bits[i] & bits)
                        (void)json_array_append_new(names, json_string(target_params[i].name));
        return names;
}

static json_t *describe_peer(const struct target_peer_spec *peer) {
        json_t *cidrs = json_array(), *ports = json_array();

        for (size_t i = 0; i < peer->cidr.n; i++) {
                const struct param_cidr *cidr = &((const struct param_cidr *)peer->cidr.items)[i];
                char address[INET6_ADDRSTRLEN] = "";

                (void)inet_ntop(cidr->family, &cidr->address, address, sizeof(address));
                (void)json_array_append_new(cidrs, json_sprintf("%s/%u", address, cidr->prefix));
        }
        for (size_t i = 0; i < peer->ports.n; i++) {
                const struct param_ports *p = &((const struct param_ports *)peer->ports.items)[i];

                (void)json_array_append_new(ports, p->first == p->last ? json_sprintf("%u", p->first)
                                                                       : json_sprintf("%u-%u", p->first, p->last));
        }
        return json_pack("{s:s s:o s:o s:s}", "type", "peer", "cidr", cidrs, "ports", ports, "protocol",
                         target_protocols[peer->protocol]);
}

static json_t *describe_network(const struct target *t) {
        const char *netns = t->spec->netns;

        if (t->ifindex)
                return json_pack("{s:s s:s? s:s s:i}", "type", "interface", "netns", netns, "name", t->ifname, "index",
                                 (int)t->ifindex);
        if (t->netns_fd >= 0)
                return json_pack("{s:s s:s s:I}", "type", "netns", "name", netns, "inode", (json_int_t)t->netns_inode);
        return NULL;
}

json_t *target_describe(const struct target *t) {
        json_t *all = json_array();
        json_t *network = describe_network(t);

        for (size_t i = 0; i < t->n_procs; i++)
                (void)json_array_append_new(all, json_pack("{s:s s:i s:s s:s s:I}", "type", "process", "pid",
                                                           (int)t->procs[i].pid, "comm", t->procs[i].comm, "exe",
                                                           t->procs[i].exe, "start_time",
                                                           (json_int_t)t->procs[i].start_time));
        for (size_t i = 0; i < t->n_cgroups; i++)
                (void)json_array_append_new(all, json_pack("{s:s s:s s:s}", "type", "cgroup", "path",
                                                           t->cgroups[i].path, "version",
                                                           t->cgroups[i].v2_fd >= 0 ? "v2" : "v1"));
        if (network)
                (void)json_array_append_new(all, network);
        if (PARAM_IS_SET(t->spec, TARGET_ROW_PEER))
                (void)json_array_append_new(all, describe_peer(&t->spec->peer));
        if (t->path_fd >= 0)
                (void)json_array_append_new(all, json_pack("{s:s s:s}", "type", "path", "path", t->path));
        return all;
}
