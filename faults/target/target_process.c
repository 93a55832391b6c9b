/* target_process.c — processes by id and by what they are, each held by a pidfd.
 *
 * Candidates are found first, chosen among second and only then opened: pidfd, then everything is read and
 * compared once more, then the pidfd must still be alive. So whatever was read was read of that process. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "core/suggest.h"
#include "core/units.h"
#include "faults/target/procfs.h"
#include "faults/target/resolve.h"

#define WORDS_MAX 512

struct query {
        const struct target_spec *spec;
        const struct target_policy *policy;
        const struct target *target; /* its cgroups and network namespace narrow the search */
        uid_t uid;                   /* valid when a user is asked for */
};

struct candidate {
        pid_t pid;
        uint64_t start_time;
};

enum process_row { ROW_EXE, ROW_COMM, ROW_CMDLINE, ROW_USER, ROW_LISTENS };

static bool exe_is(pid_t pid, const char *wanted) {
        SCOPED_FREE char *exe = NULL;

        return procfs_read_exe(pid, &exe) == 0 && strcmp(exe, wanted) == 0;
}

static bool cmdline_has(pid_t pid, const char *wanted) {
        char buf[16384];

        return procfs_read_cmdline(pid, buf, sizeof(buf)) == 0 && strstr(buf, wanted);
}

static bool is_of_user(pid_t pid, uid_t wanted) {
        uid_t uid;

        return procfs_read_uid(pid, &uid) == 0 && uid == wanted;
}

static bool is_in_netns(pid_t pid, uint64_t wanted) {
        uint64_t inode;

        return procfs_read_netns(pid, &inode) == 0 && inode == wanted;
}

static bool matches(const struct query *q, pid_t pid, const struct procfs_stat *stat) {
        const struct target_process_spec *p = &q->spec->process;

        /* The kernel keeps 15 bytes of a name; a longer one in the selector means the same process. */
        return stat->state != 'Z' && stat->state != 'X' && (!p->comm || strncmp(stat->comm, p->comm, 15) == 0) &&
               (!p->exe || exe_is(pid, p->exe)) && (!p->cmdline || cmdline_has(pid, p->cmdline)) &&
               (!p->user || is_of_user(pid, q->uid)) &&
               (q->target->netns_fd < 0 || is_in_netns(pid, q->target->netns_inode)) &&
               (!PARAM_IS_SET(p, ROW_LISTENS) || procfs_listens(pid, (uint16_t)p->listens));
}

/* What was asked for, in words. */
static const char *query_text(const struct query *q, char *buf, size_t size) {
        const struct target_process_spec *p = &q->spec->process;
        const struct {
                const char *what, *value;
        } parts[] = {
                { "exe", p->exe }, { "comm", p->comm }, { "cmdline", p->cmdline }, { "user", p->user },
                { "netns", q->spec->netns }, { "cgroup", q->target->n_cgroups ? q->target->cgroups[0].path : NULL },
        };
        size_t n = 0;

        buf[0] = 0;
        for (size_t i = 0; i < ARRAY_SIZE(parts) && n < size; i++)
                if (parts[i].value)
                        n += (size_t)snprintf(buf + n, size - n, "%s%s '%.60s'", n ? ", " : "", parts[i].what,
                                              parts[i].value);
        if (PARAM_IS_SET(p, ROW_LISTENS) && n < size)
                (void)snprintf(buf + n, size - n, "%slistening on %u", n ? ", " : "", (unsigned)p->listens);
        return buf;
}

/* The nearest comm or exe that there is, for a message; "" when nothing is near. Never the selector itself. */
static void find_nearest(const struct query *q, const pid_t *pids, size_t n_pids, char *buf, size_t size) {
        const struct target_process_spec *p = &q->spec->process;
        const char *words[WORDS_MAX] = { 0 }, *wanted = p->comm ? p->comm : p->exe, *near;
        size_t n = 0;

        buf[0] = 0;
        if (!wanted)
                return;

        for (size_t i = 0; i < n_pids && n < WORDS_MAX; i++) {
                struct procfs_stat stat;
                char *word = NULL;

                if (p->comm)
                        word = procfs_read_stat(pids[i], &stat) == 0 ? strdup(stat.comm) : NULL;
                else if (procfs_read_exe(pids[i], &word) < 0)
                        continue;
                if (word && strcmp(word, wanted) != 0)
                        words[n++] = word;
                else
                        free(word);
        }
        near = suggest_word(wanted, words, n);
        if (near)
                (void)snprintf(buf, size, "; nearest: '%.60s'", near);
        for (size_t i = 0; i < n; i++)
                free((char *)words[i]);
}

static int no_process(const struct query *q, const pid_t *pids, size_t n, struct err *e) {
        char what[260], near[80];

        find_nearest(q, pids, n, near, sizeof(near));
        return err_set(e, -ESRCH, "no process with %s (%zu looked at)%s", query_text(q, what, sizeof(what)), n, near);
}

static int check_user(struct query *q, struct err *e) {
        const char *user = q->spec->process.user;
        const struct passwd *pw;
        uint64_t uid;

        if (!user)
                return 0;
        if (units_parse_uint(user, &uid, NULL) == 0 && uid < UINT32_MAX) {
                q->uid = (uid_t)uid;
                return 0;
        }
        pw = getpwnam(user);
        if (!pw)
                return err_set(e, -ESRCH, "no user '%.60s' on this node; a number works too", user);

        q->uid = pw->pw_uid;
        return 0;
}

static int check_query(struct query *q, struct err *e) {
        const struct target_process_spec *p = &q->spec->process;
        const char *key = NULL;
        int r = check_user(q, e);

        if (r < 0) {
                key = "user";
        } else if (PARAM_IS_SET(q->spec, TARGET_ROW_PROCESS) && p->set == 0) {
                r = err_set(e, -EINVAL, "an empty process selector: give exe, comm, cmdline, user or listens");
                key = "";
        } else if (p->exe && p->exe[0] != '/') {
                r = err_set(e, -EINVAL, "exe '%.80s' is not an absolute path; comm selects by name", p->exe);
                key = "exe";
        } else if ((p->comm && !p->comm[0]) || (p->cmdline && !p->cmdline[0])) {
                r = err_set(e, -EINVAL, "an empty text selects nothing");
                key = p->comm && !p->comm[0] ? "comm" : "cmdline";
        }
        if (r < 0) {
                if (key[0])
                        (void)err_at(e, key);
                (void)err_at(e, "process");
        }
        return r;
}

/* Where to look: the pids given, the cgroup's processes, or all. */
static int list_pids(const struct query *q, pid_t **ret, size_t *ret_n, struct err *e) {
        int r;

        if (PARAM_IS_SET(q->spec, TARGET_ROW_PID)) {
                const uint64_t *given = q->spec->pid.items;
                pid_t *pids = calloc(q->spec->pid.n + 1, sizeof(*pids));

                if (!pids)
                        return err_set(e, -ENOMEM, "no memory for processes");
                *ret_n = 0;
                for (size_t i = 0; i < q->spec->pid.n; i++) {
                        bool twice = false;

                        for (size_t k = 0; k < *ret_n; k++)
                                twice |= pids[k] == (pid_t)given[i];
                        if (!twice)
                                pids[(*ret_n)++] = (pid_t)given[i];
                }
                *ret = pids;
                return 0;
        }

        r = q->target->n_cgroups ? target_cgroup_list(&q->target->cgroups[0], ret, ret_n) : procfs_list(ret, ret_n);
        return r < 0 ? err_set(e, r, "list processes") : 0;
}

static bool is_member(const struct query *q, pid_t pid) {
        SCOPED_FREE pid_t *pids = NULL;
        size_t n = 0;

        if (q->target->n_cgroups == 0)
                return true;
        if (target_cgroup_list(&q->target->cgroups[0], &pids, &n) < 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (pids[i] == pid)
                        return true;
        return false;
}

/* A pid that was given must be a process and unprotected; one that was found is silently no candidate. */
static int check_given(pid_t pid, const char *rule, struct err *e) {
        SCOPED_FD int fd = pidfd_open(pid, 0);
        int r;

        if (fd < 0 && errno == EINVAL)
                r = err_set(e, -ESRCH, "%d is a thread: give its process's id", (int)pid);
        else if (fd < 0 && errno == ESRCH)
                r = err_set(e, -ESRCH, "no process %d", (int)pid);
        else if (rule)
                r = err_set(e, -EPERM, "process %d is protected: %s", (int)pid, rule);
        else
                return 0;
        (void)err_at(e, "pid");
        return r;
}

static int compare_candidates(const void *a, const void *b) {
        const struct candidate *left = a, *right = b;

        if (left->start_time != right->start_time)
                return left->start_time < right->start_time ? -1 : 1;
        return (left->pid > right->pid) - (left->pid < right->pid);
}

/* Sorted, so that a seed means the same choice again. */
static int find_candidates(const struct query *q, struct candidate **ret, size_t *ret_n, struct err *e) {
        SCOPED_FREE struct candidate *found = NULL;
        SCOPED_FREE pid_t *pids = NULL;
        bool given = PARAM_IS_SET(q->spec, TARGET_ROW_PID);
        char refused[160] = "";
        size_t n_pids = 0, n = 0;
        int r = list_pids(q, &pids, &n_pids, e);

        if (r < 0)
                return r;

        found = calloc(n_pids + 1, sizeof(*found));
        if (!found)
                return err_set(e, -ENOMEM, "no memory for processes");

        for (size_t i = 0; i < n_pids; i++) {
                struct procfs_stat stat;
                char buf[96];
                const char *rule;
                bool match = procfs_read_stat(pids[i], &stat) == 0 && matches(q, pids[i], &stat) &&
                             (!given || is_member(q, pids[i]));

                if (!match && !given)
                        continue;
                rule = target_protect_rule(pids[i], q->policy, buf, sizeof(buf));
                if (given && (r = check_given(pids[i], rule, e)) < 0)
                        return r;
                if (match && rule)
                        (void)snprintf(refused, sizeof(refused), "process %d is protected: %s", (int)pids[i], rule);
                else if (match)
                        found[n++] = (struct candidate){ pids[i], stat.start_time };
        }
        if (n == 0 && refused[0])
                return err_set(e, -EPERM, "%s", refused);
        if (n == 0)
                return no_process(q, pids, n_pids, e);

        qsort(found, n, sizeof(*found), compare_candidates);
        *ret = TAKE_PTR(found);
        *ret_n = n;
        return 0;
}

/* 1 held, 0 it is gone or is not what it was, negative errno when the machine has no descriptor left. */
static int hold(const struct query *q, const struct candidate *c, struct target_proc *ret) {
        SCOPED_FD int fd = pidfd_open(c->pid, 0);
        SCOPED_FREE char *exe = NULL;
        struct procfs_stat stat;

        if (fd < 0)
                return errno == ESRCH || errno == EINVAL ? 0 : -errno;
        if (procfs_read_stat(c->pid, &stat) < 0 || stat.start_time != c->start_time || !matches(q, c->pid, &stat) ||
            !is_member(q, c->pid))
                return 0;
        if (procfs_read_exe(c->pid, &exe) < 0)
                exe = strdup("");
        if (!pidfd_is_alive(fd))
                return 0;
        if (!exe)
                return -ENOMEM;

        *ret = (struct target_proc){ .pid = c->pid, .start_time = c->start_time };
        (void)snprintf(ret->comm, sizeof(ret->comm), "%s", stat.comm);
        ret->pidfd = TAKE_FD(fd);
        ret->exe = TAKE_PTR(exe);
        return 1;
}

static int compare_procs(const void *a, const void *b) {
        const struct target_proc *left = a, *right = b;

        return compare_candidates(&(struct candidate){ left->pid, left->start_time },
                                  &(struct candidate){ right->pid, right->start_time });
}

static int hold_wanted(const struct query *q, struct candidate *found, size_t n_found, size_t wanted,
                       struct target *t, struct err *e) {
        t->procs = calloc(wanted, sizeof(*t->procs));
        if (!t->procs)
                return err_set(e, -ENOMEM, "no memory for processes");

        /* The next in line stands in for one that dies meanwhile. */
        for (size_t i = 0; i < n_found && t->n_procs < wanted; i++) {
                int r = hold(q, &found[i], &t->procs[t->n_procs]);

                if (r < 0)
                        return err_set(e, r, "hold process %d (%zu held): %s", (int)found[i].pid, t->n_procs,
                                       strerror(-r));
                t->n_procs += (size_t)r;
        }
        if (t->n_procs == 0)
                return err_set(e, -ESRCH, "every process found (%zu) ended while it was being resolved", n_found);

        qsort(t->procs, t->n_procs, sizeof(*t->procs), compare_procs);
        return 0;
}

int target_process_resolve(const struct target_spec *spec, const struct target_policy *policy, uint64_t seed,
                           struct target *t, struct err *e) {
        struct query q = { .spec = spec, .policy = policy, .target = t };
        SCOPED_FREE struct candidate *found = NULL;
        struct target_pick pick;
        size_t n = 0, wanted;
        int r = target_pick_parse(spec->pick, &pick, e);

        if (r < 0) {
                (void)err_at(e, "pick");
                return r;
        }

        r = check_query(&q, e);
        if (r < 0)
                return r;

        r = find_candidates(&q, &found, &n, e);
        if (r < 0)
                return r;

        wanted = target_pick_count(&pick, n);
        if (wanted == 0) {
                r = err_set(e, -ESRCH, "pick: %s, but only %zu found", spec->pick, n);
                (void)err_at(e, "pick");
                return r;
        }
        if (!pick.all)
                target_pick_shuffle(found, n, sizeof(*found), seed);
        return hold_wanted(&q, found, n, wanted, t, e);
}
