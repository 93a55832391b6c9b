#include "faults/net/net_records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "faults/undo.h"

static const char *const types[] = {
        [NET_RECORD_CLSACT] = "clsact",
        [NET_RECORD_LINK] = "link",
        [NET_RECORD_FILTER] = "filter",
};

/* The path comes last: it may hold blanks. */
#define RECORD_WRITE "%s netns=%" PRIu64 " ifindex=%u ifname=%s hook=%s prio=%u handle=0x%x path=%s"
#define RECORD_READ                                                                                                    \
        "%15s netns=%" SCNu64 " ifindex=%u ifname=%15s hook=%7s prio=%" SCNu16 " handle=0x%" SCNx32 " path=%n"

int net_record_push(struct undo *u, const struct net_record *record, struct err *e) {
        return undo_push(u, e, RECORD_WRITE, types[record->type], record->netns_inode, record->ifindex, record->ifname,
                         tc_hook_name(record->filter.hook), record->filter.prio, record->filter.handle,
                         record->netns_path);
}

int net_record_parse(const char *text, struct net_record *ret, struct err *e) {
        struct net_record record = { .type = NET_RECORD_TYPES };
        char type[16], hook[8];
        int path = 0;

        if (sscanf(text, RECORD_READ, type, &record.netns_inode, &record.ifindex, record.ifname, hook,
                   &record.filter.prio, &record.filter.handle, &path) != 7 ||
            path == 0)
                return err_set(e, -EINVAL, "not a record of a network fault: '%.80s'", text);

        for (unsigned i = 0; i < NET_RECORD_TYPES; i++)
                if (strcmp(types[i], type) == 0)
                        record.type = i;
        if (record.type == NET_RECORD_TYPES)
                return err_set(e, -EINVAL, "unknown record type '%s'", type);

        record.filter.hook = strcmp(hook, tc_hook_name(TC_HOOK_INGRESS)) == 0 ? TC_HOOK_INGRESS : TC_HOOK_EGRESS;
        record.filter.ifindex = record.ifindex;
        (void)snprintf(record.netns_path, sizeof(record.netns_path), "%s", text + path);
        *ret = record;
        return 0;
}
