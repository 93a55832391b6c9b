#include "faults/mech/lane_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "core/err.h"
#include "faults/holds.h"
#include "faults/mark.h"
#include "faults/mech/child.h"
#include "faults/mech/lane_relay_child.h"
#include "faults/mech/netns.h"

#define SEND_BUFFER_BYTES (64 << 20)
#define READY_TIMEOUT_MS  2000
#define REALTIME_PRIORITY 1

struct lane_relay {
        struct lane_relay_spec spec;
        struct relay_job job;
        struct child child;
        int ready_fd;
        bool started;
};

static int open_tap(struct lane_relay *r, struct err *e) {
        int header = sizeof(struct virtio_net_hdr);
        unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        struct ifreq request = { .ifr_flags = IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL };

        r->job.tap_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (r->job.tap_fd < 0)
                return err_errno(e, "open /dev/net/tun");

        request.ifr_flags |= r->spec.raw_ip ? IFF_TUN : IFF_TAP;
        (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", r->spec.name);
        if (ioctl(r->job.tap_fd, TUNSETIFF, &request) < 0)
                return err_errno(e, "make TAP device %s", r->spec.name);
        if (ioctl(r->job.tap_fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(r->job.tap_fd, TUNSETOFFLOAD, offloads) < 0)
                return err_errno(e, "offloads of TAP device %s", r->spec.name);

        return 0;
}

/* Protocol 0: this socket only sends; it never sees a packet of the interface. */
static int open_packet_socket(struct lane_relay *r, struct err *e) {
        struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)r->spec.origin_ifindex };
        uint32_t mark = r->spec.root_mark;
        int one = 1, bytes = SEND_BUFFER_BYTES;
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return err_errno(e, "open a packet socket");

        r->job.out_fd = fd;
        if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0)
                return err_errno(e, "packet socket with offloads");
        if (mark ? setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0
                 : setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
                return err_errno(e, "packet socket options");
        if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
                return err_errno(e, "packet socket buffer");
        if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
                return err_errno(e, "bind a packet socket to device %u", r->spec.origin_ifindex);

        return 0;
}

static int open_inside(void *arg, struct err *e) {
        struct lane_relay *r = arg;
        int result = open_tap(r, e);

        return result < 0 || r->spec.ingress ? result : open_packet_socket(r, e);
}

int lane_relay_open(const struct lane_relay_spec *spec, struct lane_relay **ret, struct err *e) {
        SCOPED(lane_relay_freep) struct lane_relay *r = calloc(1, sizeof(*r));
        int result;

        if (!r)
                return err_set(e, -ENOMEM, "no memory for the relay");

        r->spec = *spec;
        r->job = (struct relay_job){ .tap_fd = -1, .out_fd = -1, .spec = &r->spec };
        r->ready_fd = eventfd(0, EFD_CLOEXEC);
        if (r->ready_fd < 0)
                return err_errno(e, "make an eventfd");

        r->job.ready_fd = r->ready_fd;
        r->job.counters =
                mmap(NULL, sizeof(*r->job.counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (r->job.counters == MAP_FAILED) {
                r->job.counters = NULL;
                return err_errno(e, "map memory for the relay's counters");
        }

        result = netns_run(spec->netns_fd, open_inside, r, e);
        if (result < 0)
                return result;

        *ret = TAKE_PTR(r);
        return 0;
}

static void close_fds(struct lane_relay *r) {
        scoped_closep(&r->job.tap_fd);
        scoped_closep(&r->job.out_fd);
        scoped_closep(&r->ready_fd);
        r->job.tap_fd = r->job.out_fd = r->ready_fd = -1;
}

void lane_relay_free(struct lane_relay *r) {
        if (!r)
                return;

        close_fds(r);
        if (r->job.counters)
                (void)munmap(r->job.counters, sizeof(*r->job.counters));
        free(r);
}

static int wait_ready(struct lane_relay *r, struct err *e) {
        struct pollfd fds[] = { { .fd = r->ready_fd, .events = POLLIN }, { .fd = r->child.pidfd, .events = POLLIN } };
        int n;

        do
                n = poll(fds, ARRAY_SIZE(fds), READY_TIMEOUT_MS);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return err_errno(e, "wait for the relay");
        if (!(fds[0].revents & POLLIN))
                return err_set(e, n ? -ECHILD : -ETIMEDOUT, n ? "the relay ended at once" : "the relay does not start");
        return 0;
}

/* A late relay is a wrong measurement: ahead of ordinary work, but the least of the realtime priorities. */
static void raise_priority(pid_t pid) {
        struct sched_param param = { .sched_priority = REALTIME_PRIORITY };

        if (sched_setscheduler(pid, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0)
                (void)setpriority(PRIO_PROCESS, (id_t)pid, -20);
}

int lane_relay_start(struct lane_relay *r, volatile uint64_t *beat_ns, struct holds *h, struct err *e) {
        const int keep[] = { r->job.tap_fd, r->ready_fd, r->job.out_fd };
        unsigned n_keep = r->job.out_fd < 0 ? 2 : 3;
        int result;

        r->job.beat_ns = beat_ns;
        result = child_spawn(h, MARK_COMM_PREFIX "relay", relay_main, &r->job, keep, n_keep, &r->child, e);
        if (result < 0)
                return result;

        result = wait_ready(r, e);
        if (result < 0)
                return result;

        raise_priority(r->child.pid);
        r->started = true;
        close_fds(r);
        return 0;
}

bool lane_relay_is_alive(const struct lane_relay *r) {
        return r->started && child_is_alive(&r->child);
}

struct lane_relay_counters lane_relay_counters(const struct lane_relay *r) {
        const struct lane_relay_counters *shared = r->job.counters;

        return (struct lane_relay_counters){ .received = __atomic_load_n(&shared->received, __ATOMIC_RELAXED),
                                             .sent = __atomic_load_n(&shared->sent, __ATOMIC_RELAXED),
                                             .dropped = __atomic_load_n(&shared->dropped, __ATOMIC_RELAXED),
                                             .failed = __atomic_load_n(&shared->failed, __ATOMIC_RELAXED),
                                             .queued = __atomic_load_n(&shared->queued, __ATOMIC_RELAXED),
                                             .late_max_us = __atomic_load_n(&shared->late_max_us, __ATOMIC_RELAXED) };
}
