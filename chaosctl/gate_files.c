/* gate_files.c — what the gate reads: experiments of files and folders, and records to compare with. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "chaosctl/gate.h"
#include "chaosctl/run_history.h"
#include "experiments/model.h"

static bool ends_with(const char *text, const char *end) {
        size_t n = strlen(text), k = strlen(end);

        return n >= k && strcmp(text + n - k, end) == 0;
}

static bool is_folder(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int is_yaml(const struct dirent *entry) {
        return entry->d_name[0] != '.' && (ends_with(entry->d_name, ".yaml") || ends_with(entry->d_name, ".yml"));
}

static int is_json(const struct dirent *entry) {
        return entry->d_name[0] != '.' && ends_with(entry->d_name, ".json");
}

/* Calls with each file of the folder in alphabetical order. Returns how many there were, or -errno. */
static int each_file(const char *folder, int (*filter)(const struct dirent *),
                     int (*call)(void *arg, const char *path, struct err *e), void *arg, struct err *e) {
        struct dirent **names = NULL;
        int n = scandir(folder, &names, filter, alphasort), r = 0;

        if (n < 0)
                return err_errno(e, "cannot read the folder %s", folder);

        for (int i = 0; i < n; i++) {
                SCOPED_FREE char *path = NULL;

                if (r >= 0 &&
                    asprintf(&path, "%s%s%s", folder, ends_with(folder, "/") ? "" : "/", names[i]->d_name) < 0)
                        path = NULL;
                if (r >= 0)
                        r = path ? call(arg, path, e) : err_set(e, -ENOMEM, "no memory");
                free(names[i]);
        }
        free(names);
        return r < 0 ? r : n;
}

/* ── experiments ───────────────────────────────────────────────────────────────────────────────────────────── */

struct reading {
        struct cli *cli;
        struct gate_files *files;
        unsigned wrong;
        bool in_folder; /* other documents may stand there, too */
        unsigned found; /* experiments of this folder */
};

static void say_wrong(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say_wrong(struct reading *r, const char *fmt, ...) {
        char text[700];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        term_say(&r->cli->log, "%s", text);
        r->wrong++;
}

/* Records, baselines and scores know an experiment by its name. */
static const char *same_name(const struct gate_files *files, const struct experiment *x) {
        for (size_t i = 0; i < files->n; i++)
                if (strcmp(files->files[i].x->name, x->name) == 0)
                        return files->files[i].path;
        return NULL;
}

static int add(struct gate_files *files, const char *path, struct experiment *x) {
        struct gate_file *grown = reallocarray(files->files, files->n + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        files->files = grown;
        grown[files->n].path = strdup(path);
        if (!grown[files->n].path)
                return -ENOMEM;
        grown[files->n++].x = x;
        return 0;
}

/* Goes on after every fault but the lack of memory. */
static int read_one(void *arg, const char *path, struct err *e) {
        SCOPED(experiment_freep) struct experiment *x = NULL;
        struct reading *r = arg;
        struct err wrong = { 0 };
        char kind[32] = "";
        const char *other;

        if (document_check(path, kind, &wrong) < 0) {
                say_wrong(r, "%s", wrong.msg);
                return 0;
        }
        if (strcmp(kind, "Experiment") != 0) {
                if (!r->in_folder)
                        say_wrong(r, "%s: is a file of kind %s, not Experiment", path, kind);
                return 0;
        }
        if (experiment_load(path, &x, &wrong) < 0) {
                say_wrong(r, "%s", wrong.msg);
                return 0;
        }
        r->found++;
        other = same_name(r->files, x);
        if (other) {
                say_wrong(r, "%s: experiment '%s' is in %s already: the gate tells runs by their experiment's name",
                          path, x->name, other);
                return 0;
        }
        if (add(r->files, path, x) < 0)
                return err_set(e, -ENOMEM, "no memory");
        (void)TAKE_PTR(x);
        return 0;
}

unsigned gate_files_read(struct cli *cli, const char *const *paths, size_t n_paths, struct gate_files *ret) {
        struct reading reading = { .cli = cli, .files = ret };

        for (size_t i = 0; i < n_paths; i++) {
                struct err e = { 0 };
                int r;

                reading.in_folder = is_folder(paths[i]);
                reading.found = 0;
                if (!reading.in_folder) {
                        r = read_one(&reading, paths[i], &e);
                } else {
                        unsigned wrong = reading.wrong;

                        r = each_file(paths[i], is_yaml, read_one, &reading, &e);
                        if (r >= 0 && reading.found == 0 && reading.wrong == wrong)
                                say_wrong(&reading, "%s: no experiment in this folder", paths[i]);
                }
                if (r < 0)
                        say_wrong(&reading, "%s", e.msg);
        }
        return reading.wrong;
}

void gate_files_done(struct gate_files *f) {
        for (size_t i = 0; i < f->n; i++) {
                free(f->files[i].path);
                experiment_free(f->files[i].x);
        }
        free(f->files);
        *f = (struct gate_files){ 0 };
}

uint64_t gate_planned_us(const struct gate_files *files) {
        uint64_t sum_us = 0;

        for (size_t i = 0; i < files->n; i++)
                sum_us += files->files[i].x->baseline_us + files->files[i].x->fault_us + files->files[i].x->recovery_us;
        return sum_us;
}

/* ── records ───────────────────────────────────────────────────────────────────────────────────────────────── */

static int collect(void *arg, const json_t *record) {
        return json_array_append(arg, (json_t *)record) < 0 ? -ENOMEM : 0;
}

static int read_history(json_t *records, struct err *e) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        int r = run_history_open(NULL, &h, e);

        return r < 0 ? r : run_history_each(h, NULL, NULL, NULL, 0, collect, records, e);
}

static int add_record(json_t *records, const json_t *record, const char *path, struct err *e) {
        if (strncmp(json_text_at(record, "schema", ""), "chaosd/run/v1", 13) != 0)
                return err_set(e, -EINVAL, "%s: holds something that is no run record (schema chaosd/run/v1)", path);
        return json_array_append(records, (json_t *)record) < 0 ? err_set(e, -ENOMEM, "no memory") : 0;
}

static int read_records(void *arg, const char *path, struct err *e) {
        SCOPED_JSON json_t *read = NULL;
        const json_t *record;
        size_t i;
        int r = json_load_path(path, &read, e);

        if (r < 0)
                return r;
        if (!json_is_array(read))
                return add_record(arg, read, path, e);
        json_array_foreach (read, i, record) {
                r = add_record(arg, record, path, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

int gate_records_read(const char *from, json_t *records, struct err *e) {
        if (strcmp(from, "history") == 0)
                return read_history(records, e);
        return is_folder(from) ? each_file(from, is_json, read_records, records, e) : read_records(records, from, e);
}
