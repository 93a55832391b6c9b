/* Targets, resolved against real processes that this test forks, and real namespaces of its own. */
#include "faults/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "faults/target/procfs.h"
#include "faults/target/resolve.h"
#include "lib/check.h"

#define PROCESS_KIND (TARGET_PROCESS | TARGET_CGROUP | TARGET_NETNS | TARGET_MEMBERS)

/* A child with a name of its own that waits to be killed; returns when the name is set. */
static pid_t fork_named(const char *comm) {
        int ready[2];
        pid_t pid;
        char byte;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -1;
        pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, comm);
                if (write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        (void)pause();
        }
        (void)close(ready[1]);
        (void)!read(ready[0], &byte, 1);
        (void)close(ready[0]);
        return pid;
}

static void end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

struct outcome {
        int r;
        struct err e;
        struct target_spec spec;
        struct target *t;
};

/* Parse a selector text as users write it, then resolve it. */
static struct outcome *resolve(const char *text, uint64_t accepted, const struct target_policy *policy, uint64_t seed) {
        struct outcome *o = calloc(1, sizeof(*o));
        SCOPED_JSON json_t *json = json_loads(text, 0, NULL);

        CHECK(json, "bad test: %s", text);
        o->r = param_parse_object(target_params, json, &o->spec, &o->e);
        if (o->r == 0)
                o->r = target_resolve(&o->spec, accepted, accepted & (TARGET_PROCESS | TARGET_CGROUP), false, policy,
                                      seed, &o->t, &o->e);
        return o;
}

static void outcome_free(struct outcome *o) {
        target_free(o->t);
        param_done(target_params, &o->spec);
        free(o);
}
DEFINE_SCOPED(struct outcome, outcome_free)

static const struct target_policy open_policy = { 0 };

#define CHECK_REFUSED(o, code, where, words)                                                                           \
        do {                                                                                                           \
                CHECK((o)->r == (code), "r=%d, want %d: %s", (o)->r, (code), (o)->e.msg);                              \
                CHECK(strstr((o)->e.msg, words), "\"%s\" lacks \"%s\"", (o)->e.msg, words);                            \
                CHECK_STR((o)->e.path, where);                                                                         \
                CHECK((o)->t == NULL, "an error must give no target");                                                 \
        } while (0)

static void test_selectors(void) {
        pid_t a = fork_named("tgt-alpha"), b = fork_named("tgt-alpha"), c = fork_named("tgt-beta");
        char text[200];

        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"process\": {\"comm\": \"tgt-alpha\"}}", PROCESS_KIND, &open_policy, 1);

                CHECK(o->r == 0, "%s", o->e.msg);
                CHECK(o->t && o->t->n_procs == 2, "both of that name");
                CHECK(o->t && o->t->procs[0].pid == a && o->t->procs[1].pid == b, "in order of their start");
                CHECK(o->t && pidfd_is_alive(o->t->procs[0].pidfd) == 1, "held by a pidfd that works");
                CHECK(o->t && strstr(o->t->procs[0].exe, "test_target"), "exe is known");
        }
        (void)snprintf(text, sizeof(text), "{\"pid\": [%d, %d, %d]}", c, a, c);
        {
                SCOPED(outcome_freep) struct outcome *o = resolve(text, PROCESS_KIND, &open_policy, 1);
                SCOPED_JSON json_t *described = o->t ? target_describe(o->t) : NULL;

                CHECK(o->r == 0 && o->t->n_procs == 2, "each pid once: %s", o->e.msg);
                CHECK_STR(json_text_at(described, "1/comm", ""), "tgt-beta");
                CHECK(json_int_at(described, "1/pid", 0) == c, "described");
        }
        (void)snprintf(text, sizeof(text), "{\"pid\": [%d, %d], \"process\": {\"comm\": \"tgt-beta\"}}", a, c);
        {
                SCOPED(outcome_freep) struct outcome *o = resolve(text, PROCESS_KIND, &open_policy, 1);

                CHECK(o->r == 0 && o->t->n_procs == 1 && o->t->procs[0].pid == c, "all that is given must hold: %s",
                      o->e.msg);
        }
        (void)snprintf(text, sizeof(text),
                       "{\"process\": {\"comm\": \"tgt-beta\", \"user\": \"%u\", \"cmdline\": \"test_target\"}}",
                       (unsigned)geteuid());
        {
                SCOPED(outcome_freep) struct outcome *o = resolve(text, PROCESS_KIND, &open_policy, 1);

                CHECK(o->r == 0 && o->t->n_procs == 1, "user and cmdline: %s", o->e.msg);
        }
        end(a);
        end(b);
        end(c);
}

static void test_listens(void) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        char text[120];
        pid_t holder;

        CHECK(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0, "listen");
        (void)getsockname(fd, (struct sockaddr *)&address, &len);
        holder = fork_named("tgt-listen"); /* inherits the socket */
        (void)close(fd);

        (void)snprintf(text, sizeof(text), "{\"process\": {\"listens\": %u}}", ntohs(address.sin_port));
        {
                SCOPED(outcome_freep) struct outcome *o = resolve(text, PROCESS_KIND, &open_policy, 1);

                CHECK(o->r == 0 && o->t->n_procs == 1 && o->t->procs[0].pid == holder, "the listener: %s", o->e.msg);
        }
        end(holder);
        {
                SCOPED(outcome_freep) struct outcome *o = resolve(text, PROCESS_KIND, &open_policy, 1);

                CHECK_REFUSED(o, -ESRCH, "", "listening on");
        }
}

static void test_pick(void) {
        pid_t pids[10];
        unsigned changed = 0;
        pid_t first = 0;

        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                pids[i] = fork_named("tgt-pick");

        for (uint64_t seed = 0; seed < 12; seed++) {
                static const char one[] = "{\"process\": {\"comm\": \"tgt-pick\"}, \"pick\": \"one\"}";
                SCOPED(outcome_freep) struct outcome *o = resolve(one, PROCESS_KIND, &open_policy, seed);
                SCOPED(outcome_freep) struct outcome *again = resolve(one, PROCESS_KIND, &open_policy, seed);

                CHECK(o->r == 0 && again->r == 0 && o->t->n_procs == 1, "%s", o->e.msg);
                CHECK(o->t->procs[0].pid == again->t->procs[0].pid, "same seed, same choice");
                if (seed == 0)
                        first = o->t->procs[0].pid;
                changed += o->t->procs[0].pid != first;
        }
        CHECK(changed > 0, "another seed must be able to choose another process");
        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"process\": {\"comm\": \"tgt-pick\"}, \"pick\": \"25%\"}", PROCESS_KIND,
                                            &open_policy, 3);

                CHECK(o->r == 0 && o->t->n_procs == 3, "25%% of 10, rounded up, is 3: %s", o->e.msg);
        }
        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"process\": {\"comm\": \"tgt-pick\"}, \"pick\": \"11\"}", PROCESS_KIND,
                                            &open_policy, 3);

                CHECK_REFUSED(o, -ESRCH, "/pick", "only 10 found");
        }
        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"process\": {\"comm\": \"tgt-pick\"}, \"pick\": \"some\"}", PROCESS_KIND,
                                            &open_policy, 3);

                CHECK_REFUSED(o, -EINVAL, "/pick", "not a choice");
        }
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                end(pids[i]);
}

static void test_refusals(void) {
        static const struct {
                const char *text, *path, *words;
                int code;
        } rows[] = {
                { "{\"process\": {\"comm\": \"tgt-nier\"}}", "", "nearest: 'tgt-near'", -ESRCH },
                { "{\"process\": {\"exe\": \"nginx\"}}", "/process/exe", "absolute", -EINVAL },
                { "{\"process\": {}}", "/process", "empty process selector", -EINVAL },
                { "{\"process\": {\"comm\": \"\"}}", "/process/comm", "empty", -EINVAL },
                { "{\"process\": {\"user\": \"nobody-at-all\"}}", "/process/user", "no user", -ESRCH },
                { "{\"pid\": 4194304}", "/pid", "no process 4194304", -ESRCH },
                { "{\"path\": \"/tmp\"}", "/path", "this kind has no target 'path'; it takes: pid, process", -EINVAL },
                { "{}", "", "no target: give one of", -EINVAL },
                { "{\"netns\": \"no-such-space\", \"pid\": 1}", "/netns", "no network namespace", -ENOENT },
                { "{\"netns\": \"/etc/passwd\", \"pid\": 1}", "/netns", "not a network namespace", -EINVAL },
                { "{\"netns\": \"../x\", \"pid\": 1}", "/netns", "write a name", -EINVAL },
                { "{\"netns\": \"pid:4194304\", \"pid\": 1}", "/netns", "no process 4194304", -ESRCH },
                { "{\"cgroup\": \"/no/such/group\"}", "/cgroup", "no cgroup '/no/such/group'", -ENOENT },
                { "{\"cgroup\": \"/a/../b\"}", "/cgroup", "not allowed", -EINVAL },
                { "{\"cgroup\": \"/\"}", "/cgroup", "protected", -EPERM },
                { "{\"unit\": \"no-such-thing.service\"}", "/unit", "no cgroup of a unit", -ENOENT },
                { "{\"container\": \"abc\"}", "/container", "not a container id", -EINVAL },
                { "{\"container\": \"abcdefabcdef\"}", "/container", "no cgroup of a container", -ENOENT },
                { "{\"pod\": \"0d1a3f0e-5b7c-4a58-9d53-2f1f6f0b7a11\"}", "/pod", "no cgroup of a pod", -ENOENT },
        };
        pid_t near = fork_named("tgt-near");

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                SCOPED(outcome_freep) struct outcome *o = resolve(rows[i].text, PROCESS_KIND, &open_policy, 1);

                CHECK_REFUSED(o, rows[i].code, rows[i].path, rows[i].words);
        }
        end(near);
}

static void test_protection(void) {
        pid_t child = fork_named("tgt-child"), guard = fork_named("sshd");
        const struct target_policy of_parent = { .daemon = getpid() }, of_child = { .daemon = child };
        static const char *const more[] = { "tgt-ch*", NULL };
        const struct target_policy listed = { .protected_comms = more };
        const struct target_policy asked = { .client = child };
        const struct target_policy broken = { .daemon = getpid(), .break_glass = true };
        char child_text[60], self_text[60], guard_text[60];

        (void)snprintf(child_text, sizeof(child_text), "{\"pid\": %d}", child);
        (void)snprintf(self_text, sizeof(self_text), "{\"pid\": %d}", getpid());
        (void)snprintf(guard_text, sizeof(guard_text), "{\"pid\": %d}", guard);
        const struct {
                const char *text, *path, *words;
                const struct target_policy *policy;
        } rows[] = {
                { "{\"pid\": 1}", "/pid", "PID 1", &open_policy },
                { self_text, "/pid", "the daemon itself", &of_parent },
                { child_text, "/pid", "a child of the daemon", &of_parent },
                { self_text, "/pid", "a parent of the daemon", &of_child },
                { guard_text, "/pid", "list of protected processes", &open_policy },
                { guard_text, "/pid", "list of protected processes", &listed },
                { child_text, "/pid", "list of protected processes", &listed },
                { self_text, "/pid", "a parent of it", &asked },
                { child_text, "/pid", "the client that asks", &asked },
                { "{\"process\": {\"comm\": \"tgt-child\"}}", "", "a child of the daemon", &of_parent },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                SCOPED(outcome_freep) struct outcome *o = resolve(rows[i].text, PROCESS_KIND, rows[i].policy, 1);

                CHECK_REFUSED(o, -EPERM, rows[i].path, rows[i].words);
        }
        {
                SCOPED(outcome_freep) struct outcome *o = resolve(child_text, PROCESS_KIND, &broken, 1);

                CHECK(o->r == 0, "broken glass lets it pass: %s", o->e.msg);
        }
        end(child);
        end(guard);
}

/* Processes of that name come and go all the time: whatever is resolved must be one that was alive and had the
 * name, and a dead one must never be given out. */
static void test_dying(void) {
        unsigned found = 0, gone = 0;
        pid_t churn = fork();

        if (churn == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;) {
                        pid_t pid = fork();

                        if (pid == 0) {
                                (void)prctl(PR_SET_NAME, "tgt-mayfly");
                                (void)poll(NULL, 0, 1);
                                _exit(0);
                        }
                        (void)waitpid(pid, NULL, 0);
                }
        }
        for (int i = 0; i < 100; i++) {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"process\": {\"comm\": \"tgt-mayfly\"}}", PROCESS_KIND, &open_policy, 1);

                CHECK(o->r == 0 || o->r == -ESRCH, "%d: %s", o->r, o->e.msg);
                if (o->r == 0) {
                        found++;
                        CHECK(strcmp(o->t->procs[0].comm, "tgt-mayfly") == 0, "comm '%s'", o->t->procs[0].comm);
                } else {
                        gone++;
                }
        }
        end(churn);
        (void)fprintf(stderr, "mayflies: %u held, %u missed\n", found, gone);

        /* A zombie is nobody's target. */
        pid_t zombie = fork_named("tgt-zombie");
        siginfo_t info;

        (void)kill(zombie, SIGKILL);
        (void)waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"process\": {\"comm\": \"tgt-zombie\"}}", PROCESS_KIND, &open_policy, 1);

                CHECK_REFUSED(o, -ESRCH, "", "no process with comm");
        }
        (void)waitpid(zombie, NULL, 0);
}

static void test_network(void) {
        const uint64_t kind = TARGET_NETNS | TARGET_INTERFACE | TARGET_PEER;

        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve(
                        "{\"interface\": \"lo\", \"peer\": {\"cidr\": \"10.0.0.0/8\", \"ports\": [80, \"8000-8099\"]}}",
                        kind, &open_policy, 1);
                SCOPED_JSON json_t *described = o->t ? target_describe(o->t) : NULL;

                CHECK(o->r == 0 && o->t->ifindex == 1 && o->t->netns_fd < 0, "%s", o->e.msg);
                CHECK_STR(json_text_at(described, "1/cidr/0", ""), "10.0.0.0/8");
                CHECK_STR(json_text_at(described, "1/ports/1", ""), "8000-8099");
        }
        {
                SCOPED(outcome_freep) struct outcome *o = resolve("{\"interface\": \"lo0\"}", kind, &open_policy, 1);

                CHECK_REFUSED(o, -ENODEV, "/interface", "no interface 'lo0'");
        }
        {
                SCOPED(outcome_freep)
                struct outcome *o = resolve("{\"interface\": \"lo\", \"pick\": \"one\"}", kind, &open_policy, 1);

                CHECK_REFUSED(o, -EINVAL, "/pick", "this kind has no target 'pick'");
        }

        /* A namespace of our own, in a child that we name by its pid. */
        int ready[2];
        char byte = 0, text[80];
        uint64_t own = 0, after = 0;
        pid_t pid;

        CHECK(pipe2(ready, O_CLOEXEC) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                byte = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
                (void)!write(ready[1], &byte, 1);
                for (;;)
                        (void)pause();
        }
        (void)!read(ready[0], &byte, 1);
        if (byte == 'y') {
                (void)procfs_read_netns(getpid(), &own);
                (void)snprintf(text, sizeof(text), "{\"netns\": \"pid:%d\", \"interface\": \"lo\"}", pid);
                SCOPED(outcome_freep) struct outcome *o = resolve(text, kind, &open_policy, 1);

                CHECK(o->r == 0 && o->t->netns_fd >= 0 && o->t->ifindex == 1, "%s", o->e.msg);
                CHECK(o->t && o->t->netns_inode != own, "another namespace");
                (void)procfs_read_netns(getpid(), &after);
                CHECK(own == after, "and we came back from it");

                (void)snprintf(text, sizeof(text), "{\"netns\": \"pid:%d\", \"process\": {\"exe\": \"%s\"}}", pid,
                               "/proc/self/exe");
                SCOPED(outcome_freep) struct outcome *none = resolve(text, PROCESS_KIND, &open_policy, 1);

                CHECK_REFUSED(none, -ESRCH, "", "netns 'pid:");
                (void)snprintf(text, sizeof(text), "{\"netns\": \"pid:%d\", \"process\": {\"user\": \"%u\"}}", pid,
                               (unsigned)geteuid());
                SCOPED(outcome_freep) struct outcome *one = resolve(text, PROCESS_KIND, &open_policy, 1);

                CHECK(one->r == 0 && one->t->n_procs == 1 && one->t->procs[0].pid == pid,
                      "a namespace narrows processes: %s", one->e.msg);
        } else {
                (void)fprintf(stderr, "part skipped: may not make a network namespace\n");
        }
        end(pid);
        (void)close(ready[0]);
        (void)close(ready[1]);
}

static void test_path(void) {
        SCOPED(outcome_freep) struct outcome *o = resolve("{\"path\": \"/tmp\"}", TARGET_PATH, &open_policy, 1);
        SCOPED(outcome_freep) struct outcome *none = resolve("{\"path\": \"/no/such\"}", TARGET_PATH, &open_policy, 1);
        SCOPED(outcome_freep) struct outcome *here = resolve("{\"path\": \"tmp\"}", TARGET_PATH, &open_policy, 1);

        CHECK(o->r == 0 && o->t->path_fd >= 0, "%s", o->e.msg);
        CHECK_REFUSED(none, -ENOENT, "/path", "/no/such");
        CHECK_REFUSED(here, -EINVAL, "/path", "absolute");
}

int main(void) {
        SCOPED_JSON json_t *names = target_describe_bits(TARGET_CGROUP | TARGET_PATH);
        SCOPED_JSON json_t *described = param_describe(target_params);

        CHECK(json_array_size(names) == 5, "cgroup unit container pod path");
        CHECK(json_array_size(described) == 11, "one row per selector");
        test_selectors();
        test_listens();
        test_pick();
        test_refusals();
        test_protection();
        test_dying();
        test_network();
        test_path();
        return check_result();
}
