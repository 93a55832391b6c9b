#include "chaosctl/run_once.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "chaosctl/run_history.h"
#include "chaosctl/run_spent.h"
#include "chaosctl/run_view.h"
#include "core/clock.h"
#include "core/units.h"
#include "experiments/model.h"
#include "experiments/run.h"

/* A signal handler gets no argument; this is the one run that is under way in this process. */
static struct run *volatile running;
static volatile sig_atomic_t stop_signal; /* the first one that came */

static const struct {
        int number;
        const char *why;
} stops[] = {
        { SIGINT, "stopped by the user" },
        { SIGTERM, "stopped by SIGTERM" },
        { SIGHUP, "stopped by SIGHUP" },
        { SIGALRM, "the time limit has passed" },
};

const char *run_once_stopped(void) {
        for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
                if (stops[i].number == stop_signal)
                        return stops[i].why;
        return NULL;
}

static void on_signal(int number) {
        struct run *r = running;

        if (!stop_signal)
                stop_signal = number;
        if (r)
                run_request_stop_for(r, run_once_stopped());
}

/* A reader that went away (| head) must not keep us from reverting. A handler, for probe commands would inherit an
 * ignored signal. */
static void on_pipe(int number) {
        (void)number;
}

int run_once_catch_signals(uint64_t limit_us, struct err *e) {
        struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
        struct sigaction pipe_action = { .sa_handler = on_pipe, .sa_flags = SA_RESTART };
        struct itimerval limit = { .it_value = { .tv_sec = (time_t)(limit_us / USEC_PER_SEC),
                                                 .tv_usec = (suseconds_t)(limit_us % USEC_PER_SEC) } };

        for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
                if (sigaction(stops[i].number, &action, NULL) < 0)
                        return err_errno(e, "cannot catch signals");
        if (sigaction(SIGPIPE, &pipe_action, NULL) < 0)
                return err_errno(e, "cannot catch signals");
        if (limit_us && setitimer(ITIMER_REAL, &limit, NULL) < 0)
                return err_errno(e, "cannot start the time limit");
        return 0;
}

int run_once_parse_keep(const char *text, uint64_t *ret_us, struct err *e) {
        int r;

        if (!text) {
                *ret_us = RUN_HISTORY_KEEP_DAYS * 86400ULL * USEC_PER_SEC;
                return 0;
        }
        r = units_parse_duration(text, ret_us, e);
        return r < 0 ? err_wrap(e, r, "--keep") : 0;
}

/* From here to its end the handler stops this run; a signal that came just before is passed on. */
static int execute(struct run *r, json_t **ret_record, struct err *e) {
        int code;

        running = r;
        if (stop_signal)
                run_request_stop_for(r, run_once_stopped());
        code = run_execute(r, ret_record, e);
        running = NULL;
        return code;
}

/* Before anything is broken: will there be a place for the record? */
static int check_record_path(const char *path, struct err *e) {
        SCOPED_FREE char *folder = strdup(path);
        char *slash;

        if (!folder)
                return err_set(e, -ENOMEM, "no memory");

        slash = strrchr(folder, '/');
        if (slash)
                slash[slash == folder ? 1 : 0] = 0;
        return access(slash ? folder : ".", W_OK | X_OK) < 0 ? err_errno(e, "cannot write a record to %s", path) : 0;
}

int run_once(struct cli *cli, const struct experiment *x, const struct run_once_options *o, json_t **ret_record,
             struct err *e) {
        SCOPED(run_spent_closep) struct run_spent *spent = NULL;
        SCOPED(run_freep) struct run *r = NULL;
        struct run_options options = { .node = &cli->node, .budget_override = o->budget_override };
        struct run_view view;
        int code;

        if (o->record_path) {
                code = check_record_path(o->record_path, e);
                if (code < 0)
                        return code;
        }
        /* A budget that nobody can look up must not count as whole. */
        if (!o->no_history) {
                code = run_spent_use(&options, &spent, e);
                if (code < 0)
                        return err_wrap(e, code, "nothing was run (see --no-history)");
        }
        run_view_init(&view, cli, &options.observer);
        code = run_new(x, &options, &r, e);
        if (code < 0)
                return code;

        if (!cli->quiet)
                term_say(&cli->log, "%s%s%s  %s", term_on(&cli->log, STYLE_BOLD), x->name, term_off(&cli->log),
                         x->hypothesis ? x->hypothesis : "");
        code = execute(r, ret_record, e);
        if (code >= 0)
                run_view_phase_end(&view);
        term_live_clear(&cli->log);
        return code;
}

bool run_once_keep(struct cli *cli, const struct run_once_options *o, json_t *record) {
        SCOPED(run_history_closep) struct run_history *h = NULL;
        uint64_t now = clock_realtime_us();
        struct err e = { 0 };
        bool kept = true;

        /* The history sets the hashes, so it comes before the file. */
        if (!o->no_history) {
                kept = run_history_open(NULL, &h, &e) >= 0 && run_history_add(h, record, &e) >= 0;
                if (!kept)
                        term_say(&cli->log, "%sThe run is not in the history: %s%s", term_on(&cli->log, STYLE_BAD),
                                 e.msg, term_off(&cli->log));
                else if (run_history_prune(h, o->keep_us < now ? now - o->keep_us : 0, false, &e) < 0)
                        term_say(&cli->log, "Old runs stay in the history: %s", e.msg);
                else if (!cli->quiet)
                        term_say(&cli->log, "Kept in the history as %s", json_text_at(record, "id", "?"));
        }
        if (o->record_path && json_store_path(o->record_path, record, 0644, &e) < 0) {
                kept = false;
                term_say(&cli->log, "%sThe record was not written: %s%s", term_on(&cli->log, STYLE_BAD), e.msg,
                         term_off(&cli->log));
        } else if (o->record_path && !cli->quiet) {
                term_say(&cli->log, "Record written to %s", o->record_path);
        }
        return kept;
}
