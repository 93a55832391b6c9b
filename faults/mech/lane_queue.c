#include "faults/mech/lane_queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_before(const struct lane_packet *a, const struct lane_packet *b) {
        return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void swap(struct lane_packet *a, struct lane_packet *b) {
        struct lane_packet old = *a;

        *a = *b;
        *b = old;
}

int lane_queue_push(struct lane_queue *q, uint64_t due_ns, char *data, uint32_t size) {
        size_t i = q->n;

        if (q->n == q->room) {
                size_t room = q->room ? q->room * 2 : 256;
                struct lane_packet *bigger = reallocarray(q->heap, room, sizeof(*bigger));

                if (!bigger)
                        return -ENOMEM;

                q->heap = bigger;
                q->room = room;
        }

        q->heap[q->n++] = (struct lane_packet){ due_ns, q->next_number++, data, size };
        q->bytes += size;
        for (; i && is_before(&q->heap[i], &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
                swap(&q->heap[i], &q->heap[(i - 1) / 2]);
        return 0;
}

const struct lane_packet *lane_queue_first(const struct lane_queue *q) {
        return q->n ? &q->heap[0] : NULL;
}

struct lane_packet lane_queue_pop(struct lane_queue *q) {
        struct lane_packet first = q->heap[0];
        size_t i = 0;

        q->heap[0] = q->heap[--q->n];
        q->bytes -= first.size;
        for (;;) {
                size_t child = 2 * i + 1;

                if (child >= q->n)
                        return first;
                if (child + 1 < q->n && is_before(&q->heap[child + 1], &q->heap[child]))
                        child++;
                if (!is_before(&q->heap[child], &q->heap[i]))
                        return first;

                swap(&q->heap[i], &q->heap[child]);
                i = child;
        }
}

void lane_queue_done(struct lane_queue *q) {
        for (size_t i = 0; i < q->n; i++)
                free(q->heap[i].data);
        free(q->heap);
        *q = (struct lane_queue){ 0 };
}
