/* lane_classifier.h — the packet classifier of bpf/net_classify.bpf.c, loaded for one fault and one direction.
 * It is not attached here: tc_filter_add() does that. The kernel keeps it while a filter or this handle holds it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/net_classify.h"
#include "core/scoped.h"

struct err;
struct lane_classifier;

enum lane_kind { LANE_NETEM, LANE_RELAY };

/* Nothing passes into the lane before a deadline is set. */
int lane_classifier_new(enum lane_kind lane, const struct net_classify_config *config,
                        const struct net_classify_cidr *cidrs, size_t n_cidrs, struct lane_classifier **ret,
                        struct err *e);
void lane_classifier_free(struct lane_classifier *c);
DEFINE_SCOPED(struct lane_classifier, lane_classifier_free)

/* Borrowed descriptors and the names for their filters. return: relay lane, ingress; for the lane's own device. */
int lane_classifier_fd(const struct lane_classifier *c);
const char *lane_classifier_name(const struct lane_classifier *c);
int lane_classifier_return_fd(const struct lane_classifier *c);
const char *lane_classifier_return_name(const struct lane_classifier *c);

/* Takes effect with the next packet. */
void lane_classifier_set_deadline(struct lane_classifier *c, uint64_t deadline_us);

/* Where the relay writes CLOCK_BOOTTIME ns at least every 50 ms; shared with children over fork(). */
volatile uint64_t *lane_classifier_beat(struct lane_classifier *c);

/* Summed over all CPUs. */
int lane_classifier_counters(const struct lane_classifier *c, struct net_classify_counters *ret, struct err *e);
