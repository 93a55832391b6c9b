#include "faults/mech/tc_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "faults/mech/netns.h"
#include "faults/mech/tc.h"

#define MESSAGE_BYTES 65536 /* a distribution table of 16384 entries fits */
#define RECEIVE_BYTES 131072

struct tc {
        struct nl_sock *socket;
        uint32_t sequence;
        char buffer[RECEIVE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static int connect_socket(void *arg, struct err *e) {
        struct tc *tc = arg;
        int one = 1, r;

        r = nl_connect(tc->socket, NETLINK_ROUTE);
        if (r < 0)
                return err_set(e, -EIO, "connect to rtnetlink: %s", nl_geterror(r));

        /* Not fatal: only the texts get poorer, and dumps longer. */
        (void)setsockopt(nl_socket_get_fd(tc->socket), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
        (void)setsockopt(nl_socket_get_fd(tc->socket), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
        (void)setsockopt(nl_socket_get_fd(tc->socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
        return 0;
}

int tc_open(int netns_fd, struct tc **ret, struct err *e) {
        SCOPED(tc_freep) struct tc *tc = calloc(1, sizeof(*tc));
        int r;

        if (!tc || !(tc->socket = nl_socket_alloc()))
                return err_set(e, -ENOMEM, "no memory for a netlink socket");

        r = netns_run(netns_fd, connect_socket, tc, e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(tc);
        return 0;
}

void tc_free(struct tc *tc) {
        if (!tc)
                return;

        if (tc->socket)
                nl_socket_free(tc->socket);
        free(tc);
}

struct nl_msg *tc_message(int type, int flags, const void *header, size_t size) {
        struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_BYTES);

        if (!msg)
                return NULL;
        if (!nlmsg_put(msg, NL_AUTO_PORT, 0, type, 0, NLM_F_REQUEST | flags) ||
            nlmsg_append(msg, (void *)(uintptr_t)header, size, NLMSG_ALIGNTO) < 0) {
                nlmsg_free(msg);
                return NULL;
        }
        return msg;
}

int tc_put_failed(int failures, struct err *e) {
        return failures ? err_set(e, -ENOMEM, "netlink message too long") : 0;
}

static int send_message(struct tc *tc, struct nl_msg *msg, int flags, const char *what, struct err *e) {
        struct nlmsghdr *h = nlmsg_hdr(msg);
        ssize_t n;

        h->nlmsg_seq = ++tc->sequence;
        h->nlmsg_pid = nl_socket_get_local_port(tc->socket);
        h->nlmsg_flags |= (uint16_t)flags;
        n = send(nl_socket_get_fd(tc->socket), h, h->nlmsg_len, 0);
        if (n < 0)
                return err_errno(e, "%s: send to rtnetlink", what);
        return 0;
}

/* Behind the error come attributes; with NETLINK_CAP_ACK the request is not repeated in between. */
static const char *find_extack(struct nlmsghdr *h) {
        struct nlmsgerr *error = nlmsg_data(h);
        size_t skip = sizeof(*error);
        struct nlattr *attr;
        int rest;

        if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
                return NULL;
        if (!(h->nlmsg_flags & NLM_F_CAPPED))
                skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
        if (NLMSG_HDRLEN + skip > h->nlmsg_len)
                return NULL;

        rest = (int)(h->nlmsg_len - NLMSG_HDRLEN - skip);
        nla_for_each_attr(attr, (struct nlattr *)((char *)error + NLMSG_ALIGN(skip)), rest,
                          rest) if (nla_type(attr) == NLMSGERR_ATTR_MSG && nla_len(attr) > 0 &&
                                    memchr(nla_data(attr), 0, (size_t)nla_len(attr))) return nla_data(attr);
        return NULL;
}

static int read_error(struct nlmsghdr *h, const char *what, struct err *e) {
        int code = ((struct nlmsgerr *)nlmsg_data(h))->error;
        const char *extack;

        if (code == 0)
                return 0;

        extack = find_extack(h);
        if (extack) {
                (void)err_set(e, code, "%s: %s (%s)", what, extack, strerror(-code));
                if (e)
                        (void)snprintf(e->extack, sizeof(e->extack), "%s", extack);
                return code;
        }
        return err_set(e, code, "%s: %s", what, strerror(-code));
}

/* 1 = go on reading, 0 = done. The rest of an interrupted dump is dropped by sequence number next time. */
static int read_message(struct tc *tc, struct nlmsghdr *h, int (*seen)(void *arg, struct nlmsghdr *h), void *arg,
                        const char *what, struct err *e) {
        int r;

        if (h->nlmsg_seq != tc->sequence)
                return 1;
        if (h->nlmsg_type == NLMSG_ERROR)
                return read_error(h, what, e);
        if (h->nlmsg_type == NLMSG_DONE)
                return 0;

        r = seen ? seen(arg, h) : 0;
        return r < 0 ? r : 1;
}

static int receive(struct tc *tc, int (*seen)(void *arg, struct nlmsghdr *h), void *arg, const char *what,
                   struct err *e) {
        int r = 1;

        while (r > 0) {
                ssize_t n = recv(nl_socket_get_fd(tc->socket), tc->buffer, sizeof(tc->buffer), MSG_TRUNC);
                struct nlmsghdr *h = (struct nlmsghdr *)tc->buffer;
                int rest = (int)n;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_errno(e, "%s: receive from rtnetlink", what);
                if ((size_t)n > sizeof(tc->buffer))
                        return err_set(e, -EMSGSIZE, "%s: answer of %zd bytes", what, n);

                for (; r > 0 && nlmsg_ok(h, rest); h = nlmsg_next(h, &rest))
                        r = read_message(tc, h, seen, arg, what, e);
        }
        return r;
}

int tc_request(struct tc *tc, struct nl_msg *msg, const char *what, struct err *e) {
        int r = send_message(tc, msg, NLM_F_ACK, what, e);

        return r < 0 ? r : receive(tc, NULL, NULL, what, e);
}

int tc_dump(struct tc *tc, struct nl_msg *msg, int (*seen)(void *arg, struct nlmsghdr *h), void *arg, const char *what,
            struct err *e) {
        int r = send_message(tc, msg, NLM_F_DUMP, what, e);

        return r < 0 ? r : receive(tc, seen, arg, what, e);
}
