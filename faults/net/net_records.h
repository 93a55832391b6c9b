/* net_records.h — the undo records of network faults: one line of text that finds the object again from any process. */
#pragma once

#include "faults/net/net_decide.h"

struct undo;

enum net_record_type { NET_RECORD_CLSACT, NET_RECORD_LINK, NET_RECORD_FILTER, NET_RECORD_TYPES };

struct net_record {
        enum net_record_type type;
        uint64_t netns_inode;
        unsigned ifindex;        /* CLSACT, FILTER: of the interface under test */
        char ifname[16];         /* its name; LINK: the name of our device */
        struct tc_filter filter; /* FILTER: hook, prio, handle */
        char netns_path[NETNS_PATH_SIZE];
};

int net_record_push(struct undo *u, const struct net_record *record, struct err *e);
/* -EINVAL when the text is not such a record. */
int net_record_parse(const char *text, struct net_record *ret, struct err *e);
