/* clock.h — the two clocks this project knows. Durations and deadlines are CLOCK_BOOTTIME in
 * microseconds (it runs on through suspend and is what BPF programs compare with); wall time is only
 * for people and records. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC  1000000ULL

uint64_t clock_boottime_us(void);
uint64_t clock_realtime_us(void);

/* "2026-11-23T22:06:08.123Z"; size 25 is enough. Returns buf. */
#define CLOCK_TEXT_SIZE 32
char *clock_format_utc(uint64_t realtime_us, char *buf, size_t size);
