/* lane_queue.h — packets in the order in which they are due: a binary heap; equal times leave as they came. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct lane_packet {
        uint64_t due_ns;
        uint64_t number; /* set by lane_queue_push() */
        char *data;      /* heap, owned by the queue until popped */
        uint32_t size;
};

struct lane_queue {
        struct lane_packet *heap;
        size_t n, room;
        uint64_t next_number;
        uint64_t bytes;
};

/* lane_queue_push — takes data over. 0, or -ENOMEM: then data is still the caller's. */
int lane_queue_push(struct lane_queue *q, uint64_t due_ns, char *data, uint32_t size);

/* The packet that is due first, or NULL. */
const struct lane_packet *lane_queue_first(const struct lane_queue *q);

/* Removes it; data is the caller's. The queue must not be empty. */
struct lane_packet lane_queue_pop(struct lane_queue *q);
void lane_queue_done(struct lane_queue *q);
