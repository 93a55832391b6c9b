/* config.h — chaosd.yaml: limits, policy and paths, parsed by one parameter table (docs/chaosd.md). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/param.h"

struct err;

#define CONFIG_PATH_DEFAULT "/etc/chaosd/chaosd.yaml"

struct config_limits {
        uint64_t set;
        uint64_t max_faults, max_faults_per_target;
        uint64_t max_ttl_us, default_lease_us;
};

struct config_policy {
        uint64_t set;
        struct param_list kinds;   /* char *: shell patterns of what may be injected; empty = all */
        struct param_list protect; /* char *: comms that are never a target, besides the built-in list */
        bool break_glass;          /* a request may ask for protected targets */
        bool whole_node;           /* kinds may act on the whole node when no target is given */
};

struct config {
        uint64_t set;
        char *runtime_dir, *socket, *group, *audit_log;
        struct config_limits limits;
        struct config_policy policy;
        /* NULL-ended: the built-in list and policy.protect together; borrowed texts */
        const char **protected_comms;
};

extern const struct param config_params[];

/* config_load — path NULL: the default path, which may be missing. socket and audit_log may be NULL
 * afterwards: config_fill_paths().
 * Returns 0; -EINVAL/-ERANGE with file:line:column; -errno of reading. Free with config_free(). */
int config_load(const char *path, struct config **ret, struct err *e);

/* The same from a JSON object, for tests and fuzzing. */
int config_parse(const json_t *object, struct config **ret, struct err *e);

/* config_fill_paths — what follows from the runtime directory, once the command line has had its say. */
int config_fill_paths(struct config *c, struct err *e);
void config_free(struct config *c);
DEFINE_SCOPED(struct config, config_free)
