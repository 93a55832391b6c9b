#include "core/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t now_us(clockid_t id) {
        struct timespec ts;

        (void)clock_gettime(id, &ts);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_boottime_us(void) {
        return now_us(CLOCK_BOOTTIME);
}

uint64_t clock_realtime_us(void) {
        return now_us(CLOCK_REALTIME);
}

char *clock_format_utc(uint64_t realtime_us, char *buf, size_t size) {
        time_t t = (time_t)(realtime_us / USEC_PER_SEC);
        struct tm tm;
        char day[24];

        (void)gmtime_r(&t, &tm);
        (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(buf, size, "%s.%03uZ", day, (unsigned)(realtime_us % USEC_PER_SEC / USEC_PER_MSEC));
        return buf;
}
