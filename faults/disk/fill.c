/* disk.fill — take space on a filesystem until little or nothing is left.
 * The space is held by a file without a name: when the last descriptor goes, the kernel gives it back. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/scoped.h"
#include "core/units.h"
#include "faults/fault.h"
#include "faults/holds.h"
#include "faults/mech/filler.h"
#include "faults/target/target.h"
#include "faults/undo.h"

/* Where a whole fill takes longer, it goes on in the child while the daemon serves others. */
#define INJECT_WAIT_MS 80

struct fill_params {
        uint64_t set;
        uint64_t size;    /* bytes */
        uint32_t percent; /* ppm */
        uint64_t leave;   /* bytes */
        uint64_t reserve; /* bytes */
};

enum fill_row { ROW_SIZE, ROW_PERCENT, ROW_LEAVE, ROW_RESERVE };

struct fill_state {
        struct filler *filler;
        struct filler_goal goal;
        struct filler_space before;
};

static const struct fault_backend backends[] = {
        { .name = "fallocate",
          .needs = "nothing; a filesystem without fallocate is written to instead",
          .reaches = "any local filesystem that can be written" },
        { .name = "write",
          .needs = "nothing; takes as long as the disk needs",
          .reaches = "any local filesystem that can be written, compressing ones too" },
        { 0 },
};

static const struct param params[] = {
        [ROW_SIZE] = { .name = "size",
                       .type = PARAM_SIZE,
                       .offset = offsetof(struct fill_params, size),
                       .min = 4096,
                       .help = "take this much",
                       .example = "2GiB" },
        [ROW_PERCENT] = { .name = "percent",
                          .type = PARAM_PERCENT,
                          .offset = offsetof(struct fill_params, percent),
                          .min = 10000,
                          .help = "fill until this share of the filesystem's size is used, with what was there before",
                          .example = "95%" },
        [ROW_LEAVE] = { .name = "leave",
                        .type = PARAM_SIZE,
                        .offset = offsetof(struct fill_params, leave),
                        .help = "fill until this much is left available to ordinary users (df's Avail)",
                        .example = "1MiB" },
        [ROW_RESERVE] = { .name = "reserve",
                          .type = PARAM_SIZE,
                          .offset = offsetof(struct fill_params, reserve),
                          .fallback = "64MiB",
                          .help = "never touch this much of what is free for root; more than that is refused",
                          .example = "512MiB" },
        { 0 },
};

static const char *size_text(uint64_t bytes, char buf[UNITS_TEXT_SIZE]) {
        static const struct {
                uint64_t bytes;
                const char *unit;
        } units[] = { { 1ULL << 40, "TiB" }, { 1ULL << 30, "GiB" }, { 1ULL << 20, "MiB" }, { 1ULL << 10, "KiB" } };

        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (bytes >= units[i].bytes) {
                        (void)snprintf(buf, UNITS_TEXT_SIZE, "%.1f %s", (double)bytes / (double)units[i].bytes,
                                       units[i].unit);
                        return buf;
                }
        (void)snprintf(buf, UNITS_TEXT_SIZE, "%" PRIu64 " bytes", bytes);
        return buf;
}

static int probe(struct fault_env *env, const char *backend, struct err *e) {
        (void)env;
        (void)backend;
        (void)e;
        return 0; /* which filesystem decides, so the plan of a target says it */
}

static int validate(const void *values, struct err *e) {
        const struct fill_params *p = values;
        int given = PARAM_IS_SET(p, ROW_SIZE) + PARAM_IS_SET(p, ROW_PERCENT) + PARAM_IS_SET(p, ROW_LEAVE);

        if (given != 1)
                return err_set(e, -EINVAL, "%s: give exactly one of size, percent and leave",
                               given ? "more than one goal" : "no goal");
        return 0;
}

/* Bytes to take so that the goal is met; 0 when it already is. */
static uint64_t bytes_wanted(const struct fill_params *p, const struct filler_space *space) {
        uint64_t keep_free;

        if (PARAM_IS_SET(p, ROW_SIZE))
                return p->size;
        if (PARAM_IS_SET(p, ROW_LEAVE))
                return space->available > p->leave ? space->available - p->leave : 0;

        /* By blocks: total * ppm would not fit for filesystems over 18 TB. */
        keep_free = space->total / 1000000 * (1000000 - p->percent) +
                    space->total % 1000000 * (1000000 - p->percent) / 1000000;
        return space->free > keep_free ? space->free - keep_free : 0;
}

/* 1 = a file without a name can be had, 0 = it needs one for a moment, or why the place is refused. */
static int check_place(struct fault_env *env, const struct fault *f, const struct filler_space *space, struct err *e) {
        const char *path = f->target->path;
        int r;

        if (space->refusal)
                return err_set(e, -EOPNOTSUPP, "%s is a %s filesystem: %s", path, space->type, space->refusal);

        r = filler_is_same(f->target->path_fd, env->runtime_dir, e);
        if (r < 0)
                return r;
        if (r == 1)
                return err_set(e, -EPERM,
                               "%s is on the filesystem of the daemon's journal (%s), which must not be filled", path,
                               env->runtime_dir);

        r = filler_probe(f->target->path_fd, e);
        return r < 0 ? err_wrap(e, r, "%s", path) : r;
}

static int check_amount(const struct fill_params *p, const struct filler_space *space, uint64_t bytes, struct err *e) {
        char left[UNITS_TEXT_SIZE], reserve[UNITS_TEXT_SIZE], want[UNITS_TEXT_SIZE], free[UNITS_TEXT_SIZE];
        uint64_t remains = bytes < space->free ? space->free - bytes : 0, memory = 0;
        int r;

        (void)size_text(bytes, want);
        (void)size_text(space->free, free);
        if (bytes < space->block_size)
                return err_set(e, -ERANGE, "nothing to do: only %s are free already, %s of them available", free,
                               size_text(space->available, left));
        if (bytes > space->free || remains < p->reserve) {
                (void)err_set(e, -ERANGE, "taking %s of the %s that are free would leave %s, and the reserve is %s",
                              want, free, size_text(remains, left), size_text(p->reserve, reserve));
                (void)err_at(e, "reserve");
                (void)err_at(e, "params");
                return -ERANGE;
        }
        if (!space->in_memory)
                return 0;

        r = filler_memory(&memory, e);
        if (r < 0)
                return r;
        /* A quarter stays: the kernel would otherwise look for a process to kill, which is another fault. */
        if (bytes > memory / 4 * 3)
                return err_set(e, -ERANGE, "%s is in memory: %s are over three quarters of the %s that are available",
                               space->type, want, size_text(memory, left));
        return 0;
}

/* Looks, decides, changes nothing. *ret_named: the file needs a name for a moment. */
static int decide(struct fault_env *env, const struct fault *f, struct filler_space *ret_space,
                  struct filler_goal *ret_goal, bool *ret_named, struct err *e) {
        const struct fill_params *p = f->params;
        uint64_t bytes;
        int named, r;

        r = filler_space(f->target->path_fd, ret_space, e);
        if (r < 0)
                return err_wrap(e, r, "%s", f->target->path);

        named = check_place(env, f, ret_space, e);
        if (named < 0) {
                (void)err_at(e, "path");
                (void)err_at(e, "target");
                return named;
        }

        bytes = bytes_wanted(p, ret_space);
        r = check_amount(p, ret_space, bytes, e);
        if (r < 0)
                return r;

        *ret_named = named == 0;
        *ret_goal = (struct filler_goal){
                .bytes = bytes,
                .top_up = PARAM_IS_SET(p, ROW_LEAVE),
                .leave = p->leave,
                .floor = p->reserve,
                .write = strcmp(f->backend, "write") == 0,
        };
        return 0;
}

static char *file_name(const struct fault *f, char buf[64]) {
        (void)snprintf(buf, 64, ".chaos-fill-%s", f->uid);
        return buf;
}

static int plan(struct fault_env *env, const struct fault *f, char **ret, struct err *e) {
        char taken[UNITS_TEXT_SIZE], total[UNITS_TEXT_SIZE], available[UNITS_TEXT_SIZE], floor[UNITS_TEXT_SIZE];
        char memory[128] = "", name[64], moment[128] = "";
        struct filler_space space;
        struct filler_goal goal;
        bool named;
        int r;

        r = decide(env, f, &space, &goal, &named, e);
        if (r < 0)
                return r;

        if (named)
                (void)snprintf(moment, sizeof(moment),
                               "\nthe file is called %s for a moment, for %s knows no O_TMPFILE", file_name(f, name),
                               space.type);
        if (space.in_memory)
                (void)snprintf(memory, sizeof(memory), "\n%s is in memory: the same amount of RAM is taken",
                               space.type);
        r = asprintf(ret,
                     "take %s of %s (%s, %s in all, %s available) with a file that has no name, by %s\n"
                     "child process chaos-fill does it in steps and stops when %s are left free for root%s%s",
                     size_text(goal.bytes, taken), f->target->path, space.type, size_text(space.total, total),
                     size_text(space.available, available), goal.write ? "writing" : "fallocate",
                     size_text(goal.floor, floor), moment, memory);
        return r < 0 ? err_set(e, -ENOMEM, "no memory for a plan") : 0;
}

static int start_filling(struct fault *f, struct fill_state *state, struct err *e) {
        char name[64];
        int fd, r;

        fd = filler_open(f->target->path_fd, file_name(f, name), e);
        if (fd < 0)
                return err_wrap(e, fd, "%s", f->target->path);

        r = holds_add_fd(f->holds, fd);
        if (r < 0)
                return err_set(e, r, "no memory to hold our file");

        return filler_start(f->holds, fd, &state->goal, &state->filler, e);
}

static int inject(struct fault_env *env, struct fault *f, struct err *e) {
        struct fill_state *state;
        char name[64];
        int error = 0, r;
        bool named;

        state = calloc(1, sizeof(*state));
        if (!state || holds_add(f->holds, state, free) < 0)
                return err_set(e, -ENOMEM, "no memory for a fill");

        r = decide(env, f, &state->before, &state->goal, &named, e);
        if (r < 0)
                return r;

        /* The path comes last, for it may hold any character. */
        r = undo_push(f->undo, e, "file %" PRIu64 " %s %s", state->before.device, file_name(f, name), f->target->path);
        if (r < 0)
                return r;

        r = start_filling(f, state, e);
        if (r < 0)
                return r;

        f->state = state;
        if (filler_wait(state->filler, INJECT_WAIT_MS, &error) == FILLER_FAILED)
                return err_set(e, -error, "fill %s: %s", f->target->path, strerror(error));
        return 0;
}

static int read_counters(struct fault *f, struct evidence *ev, uint64_t *ret_taken, struct err *e) {
        const struct fill_state *state = f->state;
        struct filler_space now;
        int r;

        r = filler_taken(state->filler, ret_taken, e);
        if (r == 0)
                r = filler_space(f->target->path_fd, &now, e);
        if (r < 0)
                return r;

        ev->hits = *ret_taken;
        evidence_add(ev, "taken", "bytes", *ret_taken);
        evidence_add(ev, "goal", "bytes", state->goal.bytes);
        evidence_add(ev, "available_before", "bytes", state->before.available);
        evidence_add(ev, "available", "bytes", now.available);
        evidence_add(ev, "free", "bytes", now.free);
        return 0;
}

static int verify(struct fault_env *env, struct fault *f, struct evidence *ret, struct err *e) {
        const struct fill_state *state = f->state;
        char taken_text[UNITS_TEXT_SIZE], goal_text[UNITS_TEXT_SIZE];
        uint64_t taken = 0;
        int error = 0, r;

        (void)env;
        *ret = (struct evidence){ 0 };
        if (!state)
                return err_set(e, -ESTALE, "the fill belongs to a process that is gone");

        r = read_counters(f, ret, &taken, e);
        if (r < 0)
                return r;

        (void)size_text(taken, taken_text);
        (void)size_text(state->goal.bytes, goal_text);
        switch (filler_wait(state->filler, 0, &error)) {
        case FILLER_WORKING:
                (void)snprintf(ret->note, sizeof(ret->note), "still filling: %s of %s", taken_text, goal_text);
                return 0;
        case FILLER_DONE:
                if (filler_has_written(state->filler) && !state->goal.write)
                        (void)snprintf(ret->note, sizeof(ret->note), "written, for fallocate is not supported there");
                /* With top_up the child has seen the goal in what is left; a size shows in the file only. */
                if (state->goal.top_up || taken + state->before.block_size > state->goal.bytes)
                        return 1;
                (void)snprintf(ret->note, sizeof(ret->note), "the file holds only %s of %s: the filesystem saves space",
                               taken_text, goal_text);
                return 0;
        case FILLER_FULL:
                (void)snprintf(ret->note, sizeof(ret->note), "after %s of %s the filesystem gave no more: %s",
                               taken_text, goal_text, strerror(error));
                return 1;
        case FILLER_FLOOR:
                (void)snprintf(ret->note, sizeof(ret->note),
                               "stopped at the reserve after %s of %s: others took space too", taken_text, goal_text);
                return 0;
        default:
                return err_set(e, error > 0 ? -error : -EIO, "the fill stopped after %s of %s: %s", taken_text,
                               goal_text, strerror(error));
        }
}

static int revert(struct fault_env *env, const char *record, struct err *e) {
        uint64_t device;
        char name[64];
        int path_at = 0, r;

        (void)env;
        if (sscanf(record, "file %" SCNu64 " %63s %n", &device, name, &path_at) != 2 || record[path_at] != '/')
                return err_set(e, -EINVAL, "not a record of disk.fill");

        /* The file itself goes with its last descriptor; only a name could be left, and only for a moment. */
        r = filler_unlink(record + path_at, device, name, e);
        return r < 0 ? r : 0;
}

const struct fault_ops fault_disk_fill = {
        .name = "disk.fill",
        .summary = "take the space of a filesystem until little or nothing is left",
        .owner = FAULT_OWNER_FD,
        .backends = backends,
        .targets = TARGET_PATH,
        .target_required = TARGET_PATH,
        .params = params,
        .params_size = sizeof(struct fill_params),
        .probe = probe,
        .validate = validate,
        .plan = plan,
        .inject = inject,
        .verify = verify,
        .revert = revert,
};
