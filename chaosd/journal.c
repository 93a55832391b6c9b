#include "chaosd/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"

#define JOURNAL_SCHEMA "chaosd/journal/v1"

/* Where a debug build dies on request: tests kill the daemon at each step in turn and look for what is left. */
static void step(struct journal *j) {
#ifndef NDEBUG
        if (j->crash_at && ++j->step == j->crash_at)
                (void)kill(getpid(), SIGKILL);
#else
        (void)j;
#endif
}

static void read_boot_id(struct journal *j) {
        SCOPED_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, j->boot_id, sizeof(j->boot_id) - 1);

        j->boot_id[n > 0 ? n : 0] = 0;
        j->boot_id[strcspn(j->boot_id, "\n")] = 0;
}

int journal_open(struct journal *j, const char *runtime_dir, struct err *e) {
        struct stat st;

        if ((size_t)snprintf(j->dir, sizeof(j->dir), "%s/faults", runtime_dir) >= sizeof(j->dir))
                return err_set(e, -ENAMETOOLONG, "runtime directory: name too long");

        if (mkdir(j->dir, 0700) < 0 && errno != EEXIST)
                return err_errno(e, "cannot create %s", j->dir);

        if (lstat(j->dir, &st) < 0)
                return err_errno(e, "cannot stat %s", j->dir);

        if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
                return err_set(e, -EPERM, "%s must be a directory that only this user can write", j->dir);

        read_boot_id(j);
        return 0;
}

static int entry_path(const struct journal_entry *entry, char *buf, size_t size) {
        return (size_t)snprintf(buf, size, "%s/%s.json", entry->journal->dir, entry->uid) < size ? 0 : -ENAMETOOLONG;
}

int journal_store(struct journal_entry *entry, const char *state, struct err *e) {
        SCOPED_JSON json_t *records = json_array();
        SCOPED_JSON json_t *file = NULL;
        char path[3200];
        int r;

        for (size_t i = 0; i < entry->undo.n; i++)
                if (json_array_append_new(records, json_string(entry->undo.records[i])) < 0)
                        return err_set(e, -EINVAL, "an undo record of %s is not UTF-8", entry->kind);

        file = json_pack("{s:s s:s s:s s:s s:s s:O s:O?}", "schema", JOURNAL_SCHEMA, "uid", entry->uid, "kind",
                         entry->kind, "state", state, "boot_id", entry->journal->boot_id, "undo", records, "about",
                         entry->about);
        if (!file)
                return err_set(e, -ENOMEM, "no memory for the journal");

        r = entry_path(entry, path, sizeof(path));
        if (r < 0)
                return err_set(e, r, "journal: name too long");

        step(entry->journal);
        r = json_store_path(path, file, 0600, e);
        if (r < 0)
                return err_wrap(e, r, "journal");

        step(entry->journal);
        entry->state = state;
        return 0;
}

static int push_record(struct undo *u, const char *record, struct err *e) {
        struct journal_entry *entry = u->owner;
        int r;

        r = undo_append(u, record);
        if (r < 0)
                return err_set(e, r, "no room for an undo record");

        r = journal_store(entry, entry->state, e);
        if (r < 0) { /* not on file, so it must not be done, so there is nothing to undo */
                u->n--;
                free(u->records[u->n]);
                u->records[u->n] = NULL;
        }
        return r;
}

void journal_entry_init(struct journal_entry *entry, struct journal *j, const char *uid, const char *kind,
                        const json_t *about) {
        *entry = (struct journal_entry){ .journal = j, .about = (json_t *)about, .state = "intent" };
        (void)snprintf(entry->uid, sizeof(entry->uid), "%s", uid);
        (void)snprintf(entry->kind, sizeof(entry->kind), "%s", kind);
        entry->undo.push = push_record;
        entry->undo.owner = entry;
}

int journal_drop(struct journal_entry *entry, struct err *e) {
        char path[3200];
        int r;

        r = entry_path(entry, path, sizeof(path));
        if (r < 0)
                return err_set(e, r, "journal: name too long");

        step(entry->journal);
        if (unlink(path) < 0 && errno != ENOENT)
                return err_errno(e, "cannot remove %s", path);

        step(entry->journal);
        return 0;
}

void journal_entry_done(struct journal_entry *entry) {
        undo_done(&entry->undo);
}

void journal_entry_free(struct journal_entry *entry) {
        if (!entry)
                return;

        undo_done(&entry->undo);
        json_decref(entry->about);
        free(entry);
}

static int fill_entry(struct journal_entry *entry, struct journal *j, const json_t *file, struct err *e) {
        const char *uid = json_text_at(file, "uid", ""), *kind = json_text_at(file, "kind", "");
        const json_t *records = json_object_get(file, "undo");

        if (strcmp(json_text_at(file, "schema", ""), JOURNAL_SCHEMA) != 0)
                return err_set(e, -EINVAL, "schema is not %s", JOURNAL_SCHEMA);
        if (strlen(uid) != JOURNAL_UID_SIZE - 1 || !*kind || strlen(kind) >= sizeof(entry->kind))
                return err_set(e, -EINVAL, "uid or kind is missing");

        journal_entry_init(entry, j, uid, kind, json_incref(json_object_get(file, "about")));
        entry->other_boot = strcmp(json_text_at(file, "boot_id", ""), j->boot_id) != 0;
        for (size_t i = 0; i < json_array_size(records); i++) {
                const char *record = json_string_value(json_array_get(records, i));

                if (!record || undo_append(&entry->undo, record) < 0)
                        return err_set(e, -EINVAL, "undo record %zu cannot be read", i);
        }
        return 0;
}

static int load_entry(struct journal *j, const char *name, struct journal_entry **ret, struct err *e) {
        SCOPED(journal_entry_freep) struct journal_entry *entry = calloc(1, sizeof(*entry));
        SCOPED_JSON json_t *file = NULL;
        char path[3400];
        int r;

        if (!entry)
                return err_set(e, -ENOMEM, "no memory");

        (void)snprintf(path, sizeof(path), "%s/%.255s", j->dir, name);
        r = json_load_path(path, &file, e);
        if (r < 0)
                return r;

        r = fill_entry(entry, j, file, e);
        if (r < 0)
                return err_wrap(e, r, "%s", path);

        /* The file's name is what journal_drop() removes: it must be the entry's own. */
        if (strncmp(name, entry->uid, JOURNAL_UID_SIZE - 1) != 0)
                return err_set(e, -EINVAL, "%s holds another fault's record", path);

        *ret = TAKE_PTR(entry);
        return 0;
}

static bool has_suffix(const char *name, const char *suffix) {
        size_t n = strlen(name), m = strlen(suffix);

        return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* Names first, files later: entries are removed while we go through them. */
static int list_names(const struct journal *j, char ***ret, size_t *ret_n, struct err *e) {
        DIR *dir = opendir(j->dir);
        const struct dirent *at;
        char **names = NULL;
        size_t n = 0;

        if (!dir)
                return err_errno(e, "cannot read %s", j->dir);

        while ((at = readdir(dir))) {
                char **more;

                if (!j->read_only && has_suffix(at->d_name, ".json.new")) /* died before the rename: never counted */
                        (void)unlinkat(dirfd(dir), at->d_name, 0);
                if (!has_suffix(at->d_name, ".json"))
                        continue;

                more = reallocarray(names, n + 1, sizeof(*names));
                if (!more)
                        break;
                names = more;
                names[n] = strdup(at->d_name);
                if (!names[n])
                        break;
                n++;
        }
        (void)closedir(dir);
        *ret = names;
        *ret_n = n;
        return 0;
}

int journal_each(struct journal *j, void (*on_entry)(struct journal_entry *entry, void *arg),
                 void (*on_broken)(const char *name, const struct err *why, void *arg), void *arg, struct err *e) {
        char **names = NULL;
        size_t n = 0;
        int r;

        r = list_names(j, &names, &n, e);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; i++) {
                struct journal_entry *entry = NULL;
                struct err why = { 0 };

                if (load_entry(j, names[i], &entry, &why) < 0)
                        on_broken(names[i], &why, arg);
                else
                        on_entry(entry, arg);
                free(names[i]);
        }
        free(names);
        return (int)n;
}
