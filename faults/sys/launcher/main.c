/* main.c — chaos-exec: run a command under system call faults, without root and without the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "core/err.h"
#include "core/units.h"
#include "core/version.h"
#include "faults/sys/launcher/filter.h"
#include "faults/sys/launcher/report.h"

/* As env(1) and timeout(1): we failed. 126 and 127 are the command's: not executable, not found. */
#define EXIT_LAUNCHER    125
#define EXIT_NOTHING_HIT 3
#define EXIT_INTERRUPTED 4

#define RULES_MAX 64

struct options {
        const char *faults[RULES_MAX];
        size_t n_faults;
        uint64_t for_us, seed;
        const char *report; /* file, or NULL */
        bool json, verbose, strict, has_seed, stop;
        char *const *argv;
};

struct option_row {
        struct option o;
        const char *metavar, *help;
};

static const struct option_row option_rows[] = {
        { { "fault", required_argument, NULL, 'e' }, "EXPR", "what to break; may be repeated (first match acts)" },
        { { "for", required_argument, NULL, 'd' }, "DURATION", "faults end after this time; the command goes on" },
        { { "seed", required_argument, NULL, 's' }, "N", "same seed, same random choices" },
        { { "report", required_argument, NULL, 'r' }, "FILE", "write the counts there as JSON" },
        { { "json", no_argument, NULL, 'j' }, NULL, "the same as the last line of standard output" },
        { { "strict", no_argument, NULL, 'S' }, NULL, "exit 3 when a rule never acted" },
        { { "verbose", no_argument, NULL, 'v' }, NULL, "counts on standard error, terminal or not" },
        { { "help", no_argument, NULL, 'h' }, NULL, "this text" },
        { { "version", no_argument, NULL, 'V' }, NULL, "version" },
};

static void print_help(void) {
        printf("Usage: chaos-exec --fault EXPR… [--for DURATION] [--seed N] [--report FILE] -- COMMAND [ARGUMENT…]\n"
               "Run a command, and its children, with system calls that fail, lie or come late. Needs no root.\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
                const struct option_row *r = &option_rows[i];
                char left[40];

                (void)snprintf(left, sizeof(left), "--%s%s%s", r->o.name, r->metavar ? " " : "",
                               r->metavar ? r->metavar : "");
                printf("  -%c, %-18s %s\n", r->o.val, left, r->help);
        }
        printf("\nEXPR is strace's, and more: CALL[,CALL…]:WORD=VALUE[:WORD=VALUE…]\n"
               "  CALL         a name (openat), or %%file %%desc %%network %%process; ?name: if this machine has it\n"
               "  errno=       fail with this errno (ENOSPC, 28)          retval=  answer this without running the "
               "call\n"
               "  delay=       wait before the call (200ms)               when=    3, 3+, 3+2, 3..10, 3..10+2: which\n"
               "  probability= 50%%: of those, how many                    path=    /var/lib/*: only on such files\n"
               "\nExit status: the command's (128 + n when signal n ended it); 3 with --strict and a rule that never\n"
               "acted; 4 interrupted; 125 chaos-exec failed, 126 and 127 the command cannot be run or found.\n");
}

static int bad_option(const struct err *e, const char *option) {
        (void)fprintf(stderr, "chaos-exec: --%s: %s\n", option, e->msg);
        return -EINVAL;
}

static int take_option(struct options *o, int option, const char *value) {
        struct err e = { 0 };

        switch (option) {
        case 'e':
                if (o->n_faults == RULES_MAX) {
                        (void)fprintf(stderr, "chaos-exec: over %d faults\n", RULES_MAX);
                        return -EINVAL;
                }
                o->faults[o->n_faults++] = value;
                return 0;
        case 'd':
                if (units_parse_duration(value, &o->for_us, &e) < 0)
                        return bad_option(&e, "for");
                if (o->for_us == 0) {
                        (void)err_set(&e, -ERANGE, "'%.40s': faults must last longer than that", value);
                        return bad_option(&e, "for");
                }
                return 0;
        case 's':
                o->has_seed = true;
                return units_parse_uint(value, &o->seed, &e) < 0 ? bad_option(&e, "seed") : 0;
        case 'r':
                o->report = value;
                return 0;
        case 'j':
                return o->json = true, 0;
        case 'S':
                return o->strict = true, 0;
        case 'v':
                return o->verbose = true, 0;
        case 'h':
                print_help();
                return o->stop = true, 0;
        case 'V':
                printf("chaos-exec %s\n", CHAOS_VERSION);
                return o->stop = true, 0;
        default:
                (void)fprintf(stderr, "Try 'chaos-exec --help'.\n");
                return -EINVAL;
        }
}

static int parse_options(int argc, char **argv, struct options *o) {
        struct option longs[ARRAY_SIZE(option_rows) + 1] = { 0 };
        int option;

        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
                longs[i] = option_rows[i].o;
        while (!o->stop && (option = getopt_long(argc, argv, "+e:d:s:r:jSvhV", longs, NULL)) != -1)
                if (take_option(o, option, optarg) < 0)
                        return -EINVAL;
        if (o->stop)
                return 0;

        if (!o->n_faults || optind == argc) {
                (void)fprintf(stderr, "chaos-exec: %s missing\nTry 'chaos-exec --help'.\n",
                              o->n_faults ? "a command is" : "--fault EXPR is");
                return -EINVAL;
        }

        o->argv = argv + optind;
        if (!o->has_seed && getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
                o->seed = 1;
        return 0;
}

static int parse_rules(const struct options *o, const struct sys_names *names, struct sys_rule *rules) {
        struct err e = { 0 };
        unsigned column;

        for (size_t i = 0; i < o->n_faults; i++)
                if (sys_rule_parse(o->faults[i], names, &rules[i], &column, &e) < 0) {
                        (void)bad_option(&e, "fault");
                        (void)fprintf(stderr, "  %s\n  %*s\n", o->faults[i], (int)column, "^");
                        return -EINVAL;
                }
        return 0;
}

/* Why there is no command: 125, 126 or 127, with words. 0: there was one. */
static int check_launch(const struct launch *l, const char *command) {
        static const char *const steps[] = {
                [NOTIF_STEP_NNP] = "no_new_privs", [NOTIF_STEP_FILTER] = "seccomp filter"
        };
        int code = l->shared->fail_errno;

        switch ((int)l->shared->fail_step) {
        case NOTIF_STEP_NONE:
                return 0;
        case NOTIF_STEP_EXEC:
                (void)fprintf(stderr, "chaos-exec: cannot run '%s': %s\n", command, strerror(code));
                return code == ENOENT || code == ENOTDIR ? 127 : 126;
        default:
                (void)fprintf(stderr, "chaos-exec: %s: %s%s\n", steps[l->shared->fail_step], strerror(code),
                              code == EBUSY ? ": this process is under another seccomp supervisor already (chaos-exec "
                                              "inside chaos-exec, or a container manager's)"
                                            : "");
                return EXIT_LAUNCHER;
        }
}

static int write_report(const struct options *o, const struct supervise_plan *plan,
                        const struct supervise_result *result) {
        SCOPED_JSON json_t *report = NULL;
        struct err e = { 0 };

        if (!o->report && !o->json)
                return 0;

        report = report_json(o->argv, plan, result);
        if (!report) {
                (void)fprintf(stderr, "chaos-exec: no memory for the report\n");
                return -ENOMEM;
        }
        if (o->json) {
                (void)json_dumpf(report, stdout, JSON_COMPACT);
                (void)fputc('\n', stdout);
        }
        if (o->report && json_store_path(o->report, report, 0644, &e) < 0) {
                (void)fprintf(stderr, "chaos-exec: --report: %s\n", e.msg);
                return -EIO;
        }
        return fflush(stdout) == 0 ? 0 : -EIO;
}

static int exit_status(const struct options *o, const struct supervise_plan *plan,
                       const struct supervise_result *result) {
        int status = result->wait_status;

        if (result->interrupted)
                return EXIT_INTERRUPTED;
        for (size_t i = 0; o->strict && i < plan->n_rules; i++)
                if (!report_sum(plan, result, i).injected)
                        return EXIT_NOTHING_HIT;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The command under its filter, from start to report. Returns the exit status, or -errno. */
static int run_under(const struct options *o, const struct supervise_plan *plan, const struct sock_fprog *filter,
                     struct err *e) {
        static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
        struct supervise_result result = { 0 };
        struct launch launch;
        sigset_t signals, mask;
        int r;

        (void)sigemptyset(&signals);
        for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
                (void)sigaddset(&signals, passed_on[i]);
        (void)sigprocmask(SIG_BLOCK, &signals, &mask);
        r = launch_start(o->argv, filter, &mask, &launch, e);
        if (r < 0)
                return r;

        r = supervise_run(plan, &launch, &signals, &result, e);
        if (r == 0)
                r = check_launch(&launch, o->argv[0]);
        if (r == 0) {
                report_lines(stderr, o->verbose || isatty(STDERR_FILENO), plan, &result);
                r = write_report(o, plan, &result) < 0 ? EXIT_LAUNCHER : exit_status(o, plan, &result);
        }
        supervise_result_done(&result, plan->n_rules);
        return r;
}

static int run(const struct options *o, struct sys_rule *rules, struct err *e) {
        const struct supervise_plan plan = {
                .rules = rules, .n_rules = o->n_faults, .seed = o->seed, .for_us = o->for_us
        };
        struct sys_names names;
        struct sock_fprog filter = { 0 };
        int r;

        r = filter_load_names(&names, e);
        if (r < 0)
                return r;

        r = parse_rules(o, &names, rules) < 0 ? EXIT_LAUNCHER : filter_build(rules, o->n_faults, &filter, e);
        if (r == 0)
                r = run_under(o, &plan, &filter, e);
        free(filter.filter);
        for (size_t i = 0; i < o->n_faults; i++)
                sys_rule_done(&rules[i]);
        filter_free_names(&names);
        return r;
}

/* Descriptors 0 to 2 that the caller has closed: ours must not land there, and what we print must not go into them. The
 * command still finds them closed. */
static void fill_standard_fds(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void)close(fd);
}

int main(int argc, char **argv) {
        struct sys_rule rules[RULES_MAX] = { 0 };
        struct options o = { 0 };
        struct err e = { 0 };
        int r;

        fill_standard_fds();
        if (parse_options(argc, argv, &o) < 0)
                return EXIT_LAUNCHER;
        if (o.stop)
                return 0;

        r = run(&o, rules, &e);
        if (r < 0) {
                (void)fprintf(stderr, "chaos-exec: %s\n", e.msg);
                r = EXIT_LAUNCHER;
        }
        return r;
}
