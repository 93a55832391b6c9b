/* net_undo.c — undo from a record, in any process; and find what has no record. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "faults/mark.h"
#include "faults/net/net_mark.h"
#include "faults/net/net_records.h"

static int count_filter(void *arg, const struct tc_filter *filter) {
        (void)filter;
        (*(unsigned *)arg)++;
        return 0;
}

/* Somebody may have put filters there since: then clsact is theirs now. */
static int remove_clsact(struct tc *tc, unsigned ifindex, struct err *e) {
        unsigned n = 0;
        int r = 0;

        for (int hook = TC_HOOK_EGRESS; r >= 0 && hook <= TC_HOOK_INGRESS; hook++)
                r = tc_filter_each(tc, ifindex, hook, count_filter, &n, e);
        if (r < 0 || n > 0)
                return r;

        r = tc_clsact_del(tc, ifindex, e);
        return r == -ENOENT ? 0 : r;
}

static int revert_clsact(struct tc *tc, const struct net_record *record, struct err *e) {
        return remove_clsact(tc, record->ifindex, e);
}

static int revert_link(struct tc *tc, const struct net_record *record, struct err *e) {
        struct tc_link link;
        int r;

        if (strncmp(record->ifname, MARK_DEVICE_PREFIX, strlen(MARK_DEVICE_PREFIX)) != 0)
                return err_set(e, -EPERM, "%s is not a device of ours", record->ifname);

        r = tc_link_find(tc, record->ifname, &link, e);
        if (r >= 0)
                r = tc_link_del(tc, link.ifindex, e);
        return r == -ENODEV ? 0 : r;
}

static int revert_filter(struct tc *tc, const struct net_record *record, struct err *e) {
        int r = tc_filter_del(tc, &record->filter, e);

        /* -EEXIST: what has this number now is somebody else's, so ours is gone. */
        return r == -ENOENT || r == -ENODEV || r == -EEXIST ? 0 : r;
}

static int (*const revert_by_type[])(struct tc *tc, const struct net_record *record, struct err *e) = {
        [NET_RECORD_CLSACT] = revert_clsact,
        [NET_RECORD_LINK] = revert_link,
        [NET_RECORD_FILTER] = revert_filter,
};

/* 1 the interface of the record is there, 0 it is gone (a new one may have its index, not its name and index). */
static int find_origin(struct tc *tc, const struct net_record *record, struct err *e) {
        struct tc_link link;
        int r;

        if (record->type == NET_RECORD_LINK)
                return 1;

        r = tc_link_get(tc, record->ifindex, &link, e);
        return r == -ENODEV ? 0 : r < 0 ? r : 1; /* renamed since: still ours to clean */
}

int net_lane_revert(const char *text, struct err *e) {
        SCOPED(tc_freep) struct tc *tc = NULL;
        SCOPED_FD int netns_fd = -1;
        struct net_record record;
        int r;

        r = net_record_parse(text, &record, e);
        if (r < 0)
                return r;

        r = netns_find(record.netns_inode, record.netns_path, &netns_fd, e);
        if (r == -ENOENT)
                return 0; /* looked everywhere: the namespace is gone, and all that was in it */
        if (r < 0)
                return r;

        r = tc_open(netns_fd, &tc, e);
        if (r < 0)
                return r;

        r = find_origin(tc, &record, e);
        return r <= 0 ? r : revert_by_type[record.type](tc, &record, e);
}

/* --- sweep --- */

struct sweep {
        bool dry_run;
        void (*found)(void *arg, const char *what);
        void *arg;
        struct tc *tc;
        const char *path;
        const struct tc_link *link;
        struct tc_filter ours[16]; /* of one hook at a time; more are found by the next sweep */
        unsigned n;
        bool owns_clsact;
        struct tc_link *links;
        unsigned n_links;
        int first;
};

static void tell(struct sweep *s, const char *what, const char *where) {
        char text[400];

        (void)snprintf(text, sizeof(text), "%s %s in network namespace %s", what, where, s->path);
        s->found(s->arg, text);
}

static int note_filter(void *arg, const struct tc_filter *filter) {
        struct sweep *s = arg;
        size_t n = strlen(filter->name), m = strlen(NET_OWNS_CLSACT);

        if (!tc_filter_is_ours(filter) || s->n == ARRAY_SIZE(s->ours))
                return 0;

        s->ours[s->n++] = *filter;
        if (n > m && strcmp(filter->name + n - m, NET_OWNS_CLSACT) == 0)
                s->owns_clsact = true;
        return 0;
}

static int sweep_hook(struct sweep *s, enum tc_hook hook, struct err *e) {
        char where[64];
        int r;

        s->n = 0;
        r = tc_filter_each(s->tc, s->link->ifindex, hook, note_filter, s, e);
        for (unsigned i = 0; r >= 0 && i < s->n; i++) {
                (void)snprintf(where, sizeof(where), "%s on %s of %s", s->ours[i].name, tc_hook_name(hook),
                               s->link->name);
                tell(s, "filter", where);
                if (!s->dry_run)
                        r = tc_filter_del(s->tc, &s->ours[i], e);
        }
        return r;
}

static int sweep_link(struct sweep *s, struct err *e) {
        int r = 0;

        if (strncmp(s->link->name, MARK_DEVICE_PREFIX, strlen(MARK_DEVICE_PREFIX)) == 0) {
                tell(s, "device", s->link->name);
                r = s->dry_run ? 0 : tc_link_del(s->tc, s->link->ifindex, e);
                return r == -ENODEV ? 0 : r;
        }

        s->owns_clsact = false;
        for (int hook = TC_HOOK_EGRESS; r >= 0 && hook <= TC_HOOK_INGRESS; hook++)
                r = sweep_hook(s, hook, e);
        if (r < 0 || !s->owns_clsact)
                return r;

        tell(s, "clsact on", s->link->name);
        return s->dry_run ? 0 : remove_clsact(s->tc, s->link->ifindex, e);
}

static int note_link(void *arg, const struct tc_link *link) {
        struct sweep *s = arg;
        struct tc_link *bigger = reallocarray(s->links, s->n_links + 1, sizeof(*bigger));

        if (!bigger)
                return -ENOMEM;

        s->links = bigger;
        s->links[s->n_links++] = *link;
        return 0;
}

/* Filters before devices: while a filter is there, its device must be. So our devices come in a second pass. */
static int sweep_links(struct sweep *s, struct err *e) {
        int r = 0;

        for (int pass = 0; pass < 2; pass++)
                for (unsigned i = 0; r >= 0 && i < s->n_links; i++) {
                        bool ours = strncmp(s->links[i].name, MARK_DEVICE_PREFIX, strlen(MARK_DEVICE_PREFIX)) == 0;

                        s->link = &s->links[i];
                        if (ours == (pass == 1))
                                r = sweep_link(s, e);
                }
        return r;
}

/* One namespace that fails must not keep the others from being swept. */
static int sweep_netns(void *arg, int fd, const char *path, struct err *e) {
        SCOPED(tc_freep) struct tc *tc = NULL;
        struct sweep *s = arg;
        struct err why = { 0 };
        int r;

        s->path = path;
        s->n_links = 0;
        r = tc_open(fd, &tc, &why);
        s->tc = tc;
        if (r >= 0)
                r = tc_link_each(tc, note_link, s, &why);
        if (r >= 0)
                r = sweep_links(s, &why);
        if (r < 0 && s->first == 0) {
                s->first = r;
                (void)err_set(e, r, "sweep network namespace %s: %s", path, why.msg);
        }
        return 0;
}

int net_lane_sweep(bool dry_run, void (*found)(void *arg, const char *what), void *arg, struct err *e) {
        struct sweep s = { .dry_run = dry_run, .found = found, .arg = arg };
        int r = netns_each(sweep_netns, &s, e);

        free(s.links);
        return r < 0 ? r : s.first;
}
