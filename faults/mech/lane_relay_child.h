/* lane_relay_child.h — the relay's child process; for lane_relay.c only. */
#pragma once

#include <stdint.h>

struct lane_relay_counters;
struct lane_relay_spec;

struct relay_job {
        int tap_fd;
        int out_fd;   /* packet socket, or -1: write back to the TAP device */
        int ready_fd; /* eventfd, written once the child beats */
        const struct lane_relay_spec *spec;
        volatile uint64_t *beat_ns;           /* shared with the classifier */
        struct lane_relay_counters *counters; /* shared with the parent */
};

/* relay_main — for child_spawn(): returns when the device is gone. */
int relay_main(void *job);
