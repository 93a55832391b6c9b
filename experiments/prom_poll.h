/* prom_poll.h — asks Prometheus for all its SLIs and stop conditions once a second, from a thread of its own, so that a
 * slow server delays no abort. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "experiments/model.h"
#include "experiments/prometheus.h"

struct err;
struct prom_poll;

struct prom_sample {
        uint64_t at_us;         /* CLOCK_BOOTTIME: when it was asked for */
        size_t slo;             /* index into the experiment's SLOs */
        struct slo_count count; /* total 0 = none */
        bool no_data;           /* Prometheus answered, and had nothing: bad, if a fault is at work */
        bool condition;         /* a stop condition holds: .text */
        char text[240];
        char note[240]; /* a warning or an error, once each; "" = none */
};

/* prom_poll_start — *ret stays NULL when the experiment asks Prometheus nothing. Polls begin at first_us. x must
 * outlive it. */
int prom_poll_start(const struct experiment *x, uint64_t first_us, struct prom_poll **ret, struct err *e);

/* Readable when prom_poll_take() has something. */
int prom_poll_fd(const struct prom_poll *p);
bool prom_poll_take(struct prom_poll *p, struct prom_sample *ret);
void prom_poll_free(struct prom_poll *p);
