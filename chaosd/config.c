#include "chaosd/config.h"

#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/yaml.h"

static const struct param limits_params[] = {
        { .name = "maxFaults",
          .type = PARAM_UINT,
          .offset = offsetof(struct config_limits, max_faults),
          .min = 1,
          .max = 1024,
          .fallback = "32",
          .help = "faults that may be live at the same time" },
        { .name = "maxFaultsPerTarget",
          .type = PARAM_UINT,
          .offset = offsetof(struct config_limits, max_faults_per_target),
          .min = 1,
          .max = 1024,
          .fallback = "8",
          .help = "live faults that may share a process, cgroup, interface or path" },
        { .name = "maxTtl",
          .type = PARAM_DURATION,
          .offset = offsetof(struct config_limits, max_ttl_us),
          .min = 1 * USEC_PER_SEC,
          .max = 7 * 86400 * USEC_PER_SEC,
          .fallback = "1h",
          .help = "longest life that a fault may ask for" },
        { .name = "defaultLease",
          .type = PARAM_DURATION,
          .offset = offsetof(struct config_limits, default_lease_us),
          .min = 100 * USEC_PER_MSEC,
          .max = 3600 * USEC_PER_SEC,
          .fallback = "5s",
          .help = "a fault whose client does not renew it is undone after this long" },
        { 0 },
};

static const struct param policy_params[] = {
        { .name = "kinds",
          .type = PARAM_STRING,
          .list = true,
          .offset = offsetof(struct config_policy, kinds),
          .help = "patterns of the kinds that may be injected; all when left out",
          .example = "[\"net.*\", proc.pause]" },
        { .name = "protect",
          .type = PARAM_STRING,
          .list = true,
          .offset = offsetof(struct config_policy, protect),
          .help = "names (comm) of processes that are never a target, besides the built-in ones",
          .example = "[postgres]" },
        { .name = "breakGlass",
          .type = PARAM_BOOL,
          .offset = offsetof(struct config_policy, break_glass),
          .fallback = "false",
          .help = "whether a request may insist on a protected target" },
        { .name = "wholeNode",
          .type = PARAM_BOOL,
          .offset = offsetof(struct config_policy, whole_node),
          .fallback = "false",
          .help = "whether a fault that names no target may act on the whole node" },
        { 0 },
};

const struct param config_params[] = {
        { .name = "runtimeDir",
          .type = PARAM_STRING,
          .offset = offsetof(struct config, runtime_dir),
          .fallback = "/run/chaosd",
          .help = "journal, lock and socket; must be on a tmpfs to outlive a full disk" },
        { .name = "socket",
          .type = PARAM_STRING,
          .offset = offsetof(struct config, socket),
          .help = "the API's Unix socket; RUNTIMEDIR/chaosd.sock when left out" },
        { .name = "group",
          .type = PARAM_STRING,
          .offset = offsetof(struct config, group),
          .fallback = "chaos",
          .help = "group whose members may use the API; ignored while it does not exist" },
        { .name = "auditLog",
          .type = PARAM_STRING,
          .offset = offsetof(struct config, audit_log),
          .help = "append-only JSON lines; RUNTIMEDIR/audit.jsonl when left out, \"none\" for no log" },
        { .name = "limits",
          .type = PARAM_OBJECT,
          .offset = offsetof(struct config, limits),
          .sub = limits_params,
          .help = "how much may be broken at once" },
        { .name = "policy",
          .type = PARAM_OBJECT,
          .offset = offsetof(struct config, policy),
          .sub = policy_params,
          .help = "what may be broken" },
        { 0 },
};

static int list_protected(struct config *c, struct err *e) {
        char *const *more = c->policy.protect.items;
        size_t n = 0;

        c->protected_comms = calloc(c->policy.protect.n + 1, sizeof(char *));
        if (!c->protected_comms)
                return err_set(e, -ENOMEM, "no memory");

        for (size_t i = 0; i < c->policy.protect.n; i++)
                c->protected_comms[n++] = more[i];
        return 0;
}

static int default_path(char **at, const char *dir, const char *name, struct err *e) {
        if (*at)
                return 0;
        if (asprintf(at, "%s/%s", dir, name) < 0) {
                *at = NULL;
                return err_set(e, -ENOMEM, "no memory");
        }
        return 0;
}

int config_parse(const json_t *object, struct config **ret, struct err *e) {
        SCOPED(config_freep) struct config *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return err_set(e, -ENOMEM, "no memory");
        if (!json_is_object(object))
                return err_set(e, -EINVAL, "the configuration must be a mapping");

        r = param_parse_object(config_params, object, c, e);
        if (r < 0) {
                memset(c, 0, sizeof(*c));
                return r;
        }

        if (c->runtime_dir[0] != '/')
                return err_set(e, -EINVAL, "runtimeDir must be an absolute path");
        if (c->limits.default_lease_us > c->limits.max_ttl_us)
                return err_set(e, -EINVAL, "limits.defaultLease is longer than limits.maxTtl");

        r = list_protected(c, e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

int config_fill_paths(struct config *c, struct err *e) {
        int r;

        r = default_path(&c->socket, c->runtime_dir, "chaosd.sock", e);
        if (r < 0)
                return r;

        return default_path(&c->audit_log, c->runtime_dir, "audit.jsonl", e);
}

int config_load(const char *path, struct config **ret, struct err *e) {
        const char *name = path ? path : CONFIG_PATH_DEFAULT;
        SCOPED(yaml_freep) struct yaml_file *file = NULL;
        SCOPED_JSON json_t *empty = json_object();
        int r;

        if (!path && access(name, F_OK) < 0 && errno == ENOENT)
                return config_parse(empty, ret, e);

        r = yaml_read(name, &file, e);
        if (r < 0)
                return r;

        if (yaml_count(file) == 0)
                return config_parse(empty, ret, e);
        if (yaml_count(file) > 1)
                return err_set(e, -EINVAL, "%s holds more than one document", name);

        r = config_parse(yaml_document(file, 0), ret, e);
        return r < 0 ? yaml_error(file, 0, e) : 0;
}

void config_free(struct config *c) {
        if (!c)
                return;

        param_done(config_params, c);
        free(c->protected_comms);
        free(c);
}
