#include "faults/mech/lane_relay_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "faults/mech/child.h"
#include "faults/mech/lane_delay.h"
#include "faults/mech/lane_queue.h"
#include "faults/mech/lane_relay.h"

#define NS_PER_SEC      1000000000ULL
#define BEAT_NS         20000000ULL
#define BATCH           32 /* packets read or sent before looking at the other side again */
#define PACKET_BYTES    (65536 + 512)
#define QUEUE_MAX_BYTES (256ULL << 20)

struct relay {
        const struct relay_job *job;
        struct lane_queue queue;
        struct lane_dice dice;
        char buffer[PACKET_BYTES];
};

/* Only this process writes them. */
static void count(uint64_t *counter, uint64_t more) {
        __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

static uint64_t now_ns(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_BOOTTIME, &ts);
        return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

static ssize_t send_packet(const struct relay *r, const struct lane_packet *p) {
        const struct lane_relay_spec *spec = r->job->spec;
        struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)spec->origin_ifindex };

        if (r->job->out_fd < 0)
                return write(r->job->tap_fd, p->data, p->size);
        if (!spec->raw_ip)
                return send(r->job->out_fd, p->data, p->size, 0);

        /* Without an Ethernet header nobody else says which protocol this is. */
        to.sll_protocol = htons(p->data[sizeof(struct virtio_net_hdr)] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
        return sendto(r->job->out_fd, p->data, p->size, 0, (struct sockaddr *)&to, sizeof(to));
}

/* all: also what is not due yet. */
static void send_due(struct relay *r, bool all) {
        struct lane_relay_counters *c = r->job->counters;
        const struct lane_packet *first;

        for (unsigned i = 0; (all || i < BATCH) && (first = lane_queue_first(&r->queue)); i++) {
                uint64_t now = now_ns();
                struct lane_packet p;

                if (!all && first->due_ns > now)
                        return;

                p = lane_queue_pop(&r->queue);
                if (!all && (now - p.due_ns) / 1000 > c->late_max_us)
                        __atomic_store_n(&c->late_max_us, (now - p.due_ns) / 1000, __ATOMIC_RELAXED);
                count(send_packet(r, &p) < 0 ? &c->failed : &c->sent, 1);
                free(p.data);
        }
}

static void take_packet(struct relay *r, size_t size) {
        struct lane_relay_counters *c = r->job->counters;
        char *data = NULL;

        count(&c->received, 1);
        if (r->queue.n < r->job->spec->limit && r->queue.bytes + size <= QUEUE_MAX_BYTES)
                data = malloc(size);
        if (!data) {
                count(&c->dropped, 1);
                return;
        }

        (void)memcpy(data, r->buffer, size);
        if (lane_queue_push(&r->queue, now_ns() + lane_dice_next(&r->dice, &r->job->spec->delay), data,
                            (uint32_t)size) < 0) {
                free(data);
                count(&c->dropped, 1);
        }
}

/* 1 = there may be more, 0 = nothing more now, negative = the device is gone. */
static int read_packets(struct relay *r) {
        for (unsigned i = 0; i < BATCH; i++) {
                ssize_t n = read(r->job->tap_fd, r->buffer, sizeof(r->buffer));

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR || errno == EIO ? 0 : -errno;
                if ((size_t)n > sizeof(struct virtio_net_hdr))
                        take_packet(r, (size_t)n);
        }
        return 1;
}

static struct timespec wait_time(const struct relay *r, uint64_t now) {
        const struct lane_packet *first = lane_queue_first(&r->queue);
        uint64_t wait = BEAT_NS;

        if (first && first->due_ns < now + wait)
                wait = first->due_ns > now ? first->due_ns - now : 0;
        return (struct timespec){ .tv_nsec = (long)wait };
}

static int relay_loop(struct relay *r) {
        struct pollfd tap = { .fd = r->job->tap_fd, .events = POLLIN };
        uint64_t one = 1;
        int more = 0;

        *r->job->beat_ns = now_ns();
        if (write(r->job->ready_fd, &one, sizeof(one)) != sizeof(one))
                return 1;

        while (more >= 0) {
                uint64_t now = now_ns();
                struct timespec wait = wait_time(r, now);

                *r->job->beat_ns = now;
                r->job->counters->queued = r->queue.n;
                if (more == 0 && ppoll(&tap, 1, &wait, NULL) < 0 && errno != EINTR)
                        return 1;

                more = read_packets(r);
                send_due(r, false);
        }
        /* The fault was reverted: what still waits goes out now rather than being lost. */
        send_due(r, true);
        return 0;
}

int relay_main(void *job) {
        struct relay *r = calloc(1, sizeof(*r));

        if (!r)
                return 1;

        r->job = job;
        lane_dice_init(&r->dice, &r->job->spec->delay, r->job->spec->seed);
        (void)prctl(PR_SET_TIMERSLACK, 1UL);
        (void)mlockall(MCL_CURRENT);
        if (child_confine(0) < 0)
                return 1;

        return relay_loop(r);
}
