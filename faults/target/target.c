/* target.c — the order in which selectors are looked up, and what a kind accepts. */
#include "faults/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/target/resolve.h"

void target_free(struct target *t) {
        if (!t)
                return;

        for (size_t i = 0; i < t->n_procs; i++) {
                scoped_closep(&t->procs[i].pidfd);
                free(t->procs[i].exe);
        }
        for (size_t i = 0; i < t->n_cgroups; i++)
                target_cgroup_done(&t->cgroups[i]);
        scoped_closep(&t->netns_fd);
        scoped_closep(&t->path_fd);
        free(t->procs);
        free(t->cgroups);
        free(t->path);
        free(t);
}

/* "pid, process, pick" */
static const char *list_names(uint64_t bits, char *buf, size_t size) {
        SCOPED_JSON json_t *names = target_describe_bits(bits);
        size_t n = 0;

        buf[0] = 0;
        for (size_t i = 0; i < json_array_size(names) && n < size; i++)
                n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "",
                                      json_string_value(json_array_get(names, i)));
        return buf;
}

static int check_accepted(const struct target_spec *spec, uint64_t accepted, uint64_t required, bool optional,
                          const struct target_policy *policy, struct err *e) {
        uint64_t given = 0;
        char names[160];

        for (unsigned row = 0; target_params[row].name; row++) {
                if (!PARAM_IS_SET(spec, row))
                        continue;
                if (!(target_row_bit(row) & accepted)) {
                        (void)err_set(e, -EINVAL, "this kind has no target '%s'; it takes: %s", target_params[row].name,
                                      list_names(accepted, names, sizeof(names)));
                        (void)err_at(e, target_params[row].name);
                        return -EINVAL;
                }
                if (row != TARGET_ROW_PICK)
                        given |= target_row_bit(row);
        }
        if (!required || (given & required))
                return 0;
        if (!optional)
                return err_set(e, -EINVAL, "no target: give one of %s", list_names(required, names, sizeof(names)));
        if (!policy->break_glass)
                return err_set(e, -EPERM, "no target means the whole node, which is protected: give one of %s",
                               list_names(required, names, sizeof(names)));
        return 0;
}

static int resolve_path(const char *path, struct target *t, struct err *e) {
        if (path[0] != '/')
                return err_set(e, -EINVAL, "'%.200s' is not an absolute path", path);

        t->path_fd = open(path, O_PATH | O_CLOEXEC);
        if (t->path_fd < 0)
                return err_errno(e, "path '%.200s'", path);

        t->path = strdup(path);
        return t->path ? 0 : err_set(e, -ENOMEM, "no memory for a path");
}

/* Processes come last: the cgroup and the network namespace narrow them. */
static int resolve_all(const struct target_spec *spec, uint64_t accepted, const struct target_policy *policy,
                       uint64_t seed, struct target *t, struct err *e) {
        bool by_process = PARAM_IS_SET(spec, TARGET_ROW_PID) || PARAM_IS_SET(spec, TARGET_ROW_PROCESS);
        int r = 0;

        if (spec->cgroup || spec->unit || spec->container || spec->pod)
                r = target_cgroup_resolve(spec, policy, t, e);
        if (r >= 0 && spec->netns && (r = target_netns_resolve(spec->netns, t, e)) < 0)
                (void)err_at(e, "netns");
        if (r >= 0 && spec->interface && (r = target_interface_resolve(spec->interface, t, e)) < 0)
                (void)err_at(e, "interface");
        if (r >= 0 && spec->path && (r = resolve_path(spec->path, t, e)) < 0)
                (void)err_at(e, "path");
        if (r < 0)
                return r;

        if (by_process || (t->n_cgroups && (accepted & TARGET_MEMBERS)))
                return target_process_resolve(spec, policy, seed, t, e);
        if (spec->pick) {
                r = err_set(e, -EINVAL, "pick chooses among processes, and none are selected");
                (void)err_at(e, "pick");
        }
        return r;
}

int target_resolve(const struct target_spec *spec, uint64_t accepted, uint64_t required, bool optional,
                   const struct target_policy *policy, uint64_t seed, struct target **ret, struct err *e) {
        SCOPED(target_freep) struct target *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return err_set(e, -ENOMEM, "no memory for a target");

        t->spec = spec;
        t->netns_fd = -1;
        t->path_fd = -1;
        r = check_accepted(spec, accepted, required, optional, policy, e);
        if (r < 0)
                return r;

        r = resolve_all(spec, accepted, policy, seed, t, e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(t);
        return 0;
}
