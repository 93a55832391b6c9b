/* metrics.h — GET /metrics in the Prometheus text format. */
#pragma once

struct daemon;

/* Heap text; NULL = no memory. Reads the evidence of live faults. */
char *metrics_text(struct daemon *d);
