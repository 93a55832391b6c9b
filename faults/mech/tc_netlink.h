/* tc_netlink.h — one netlink conversation, for the tc_*.c files only. */
#pragma once

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>

#include "core/scoped.h"

struct err;
struct tc;

static inline void nl_msg_freep(struct nl_msg **m) {
        nlmsg_free(*m);
}
#define SCOPED_MSG SCOPED(nl_msg_freep)

/* tc_message — a request with its fixed header; NULL = no memory. flags besides NLM_F_REQUEST. */
struct nl_msg *tc_message(int type, int flags, const void *header, size_t size);

/* tc_request — send, wait for the kernel's acknowledgement. what: "add netem to chx1" for the error text, which ends in
 * the kernel's extack message, or strerror(). */
int tc_request(struct tc *tc, struct nl_msg *msg, const char *what, struct err *e);

/* tc_dump — send a dump request, pass each answer to seen(); its first negative result ends the reading and is
 * returned. */
int tc_dump(struct tc *tc, struct nl_msg *msg, int (*seen)(void *arg, struct nlmsghdr *h), void *arg, const char *what,
            struct err *e);

/* 0, or -ENOMEM when some put failed. */
int tc_put_failed(int failures, struct err *e);
