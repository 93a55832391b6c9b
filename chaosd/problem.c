#include "chaosd/problem.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/text.h"

/* What a kernel's refusal during a change may still say about the request is marked; the rest is a 500. */
static const struct row {
        int code;
        unsigned status;
        bool also_changing;
        const char *hint;
} rows[] = {
        { EINVAL, 400, false, "`chaosctl faults KIND` lists parameters, units and ranges" },
        { ERANGE, 400, false, "`chaosctl faults KIND` lists parameters, units and ranges" },
        { EPROTO, 400, false, "use a chaosctl of the daemon's version" },
        { EPERM, 403, false, "the node's policy is /etc/chaosd/chaosd.yaml" },
        { EACCES, 403, false, "be root, the daemon's own user, or a member of its group (usually `chaos`)" },
        { ENOENT, 404, false,
          "`chaosctl status` lists faults; `chaosctl plan` resolves targets without touching them" },
        { ESRCH, 404, true, "the target has to be there when the fault starts" },
        { ENODEV, 404, true, "the target has to be there when the fault starts" },
        { EBUSY, 409, true, "`chaosctl status` shows what is live" },
        { EEXIST, 409, true, "`chaosctl status` shows what is live; `chaosctl reap` finds left-overs" },
        { EALREADY, 409, true, "`chaosctl status` shows what is live" },
        { EMSGSIZE, 413, false, "a request's body is at most 1 MiB" },
        { ECANCELED, 423, false, "`chaosctl resume` lets faults in again" },
        { EDQUOT, 429, false, "revert a fault, or raise the limits in the node's configuration" },
        { EOPNOTSUPP, 501, true, "`chaosctl doctor` says what this node can do, and what is missing" },
};

static const struct row *find_row(int code) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (rows[i].code == -code)
                        return &rows[i];
        return NULL;
}

unsigned problem_status(int code, bool changing) {
        const struct row *row = find_row(code);

        return row && (!changing || row->also_changing) ? row->status : 500;
}

static const char *title_of(unsigned status) {
        switch (status) {
        case 400:
                return "Bad Request";
        case 403:
                return "Forbidden";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 409:
                return "Conflict";
        case 413:
                return "Content Too Large";
        case 423:
                return "Locked";
        case 429:
                return "Too Many Requests";
        case 501:
                return "Not Implemented";
        default:
                return "Internal Server Error";
        }
}

json_t *problem_describe(struct problem *p, const struct err *e) {
        const struct row *row = find_row(e->code);
        struct err clean = *e; /* a message may quote bytes that are no text, or be cut within a character */
        const char *name = e->code < 0 ? strerrorname_np(-e->code) : NULL;
        const char *hint = p->hint;

        if (p->status == 0)
                p->status = problem_status(e->code, p->changing);
        if (!hint && row && row->status == p->status)
                hint = row->hint;
        if (p->residue)
                hint = "the undo is tried again every second; `chaosctl status` shows it, `chaosctl reap` is the last "
                       "resort";
        (void)text_clean(clean.msg);
        (void)text_clean(clean.path);
        (void)text_clean(clean.extack);
        return json_pack("{s:s s:s s:i s:s s:s? s:i s:s? s:s? s:s? s:b s:s?}", "type", "about:blank", "title",
                         title_of(p->status), "status", (int)p->status, "detail",
                         clean.msg[0] ? clean.msg : title_of(p->status), "pointer", clean.path[0] ? clean.path : NULL,
                         "errno", -e->code, "errno_name", name, "extack", clean.extack[0] ? clean.extack : NULL, "hint",
                         hint, "residue", p->residue != NULL, "fault", p->residue);
}
