/* halt.c — a node that was halted stays halted until somebody resumes it, over restarts of the daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chaosd/daemon.h"
#include "chaosd/paths.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/text.h"

static void set_reason(struct daemon *d, const char *reason) {
        d->halted = true;
        (void)snprintf(d->halt_reason, sizeof(d->halt_reason), "%.*s", HALT_REASON_SIZE - 1, reason);
        (void)text_clean(d->halt_reason); /* the cut may have split a character */
}

int halt_load(struct daemon *d, struct err *e) {
        SCOPED_JSON json_t *file = NULL;
        char path[PATHS_MAX];
        int r;

        r = paths_join(path, d->env.runtime_dir, PATHS_HALTED, e);
        if (r < 0)
                return r;

        r = json_load_path(path, &file, e);
        if (r == -ENOENT)
                return 0;

        /* A file that cannot be read still says that somebody wanted a halt. */
        set_reason(d, r == 0 ? json_text_at(file, "reason", "") : "the halt file cannot be read");
        return 0;
}

int halt_store(struct daemon *d, const char *reason, struct err *e) {
        char path[PATHS_MAX], time_text[CLOCK_TEXT_SIZE];
        SCOPED_JSON json_t *file = NULL;
        int r;

        set_reason(d, reason); /* whatever happens to the file */
        r = paths_join(path, d->env.runtime_dir, PATHS_HALTED, e);
        if (r < 0)
                return r;

        file = json_pack("{s:s s:s}", "reason", d->halt_reason, "since",
                         clock_format_utc(clock_realtime_us(), time_text, sizeof(time_text)));
        if (!file)
                return err_set(e, -ENOMEM, "no memory");

        return json_store_path(path, file, 0600, e);
}

int halt_clear(struct daemon *d, struct err *e) {
        char path[PATHS_MAX];
        int r;

        r = paths_join(path, d->env.runtime_dir, PATHS_HALTED, e);
        if (r < 0)
                return r;

        if (unlink(path) < 0 && errno != ENOENT)
                return err_errno(e, "cannot remove %s", path);

        d->halted = false;
        d->halt_reason[0] = 0;
        return 0;
}
