/* bench_openat SECONDS — how long one openat()/close() pair takes, in nanoseconds: the fastest of many batches, since
 * everything else that a machine does only adds. Waits for a byte on stdin first, so that a fault can be aimed at it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BATCH 1000

static uint64_t now_ns(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int main(int argc, char **argv) {
        double seconds = argc > 1 ? atof(argv[1]) : 1;
        uint64_t best = UINT64_MAX, end;
        unsigned failed = 0, batches = 0;
        char byte;

        if (read(STDIN_FILENO, &byte, 1) < 0)
                return 1;

        end = now_ns() + (uint64_t)(seconds * 1e9);
        /* strace makes a batch take long: at least three batches count, whatever the clock says. */
        for (; now_ns() < end || batches < 3; batches++) {
                uint64_t start = now_ns(), took;

                for (int i = 0; i < BATCH; i++) {
                        int fd = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);

                        if (fd < 0)
                                failed++;
                        else
                                (void)close(fd);
                }
                took = (now_ns() - start) / BATCH;
                if (took < best)
                        best = took;
        }
        (void)printf("{\"ns\": %llu, \"failed\": %u, \"calls\": %llu}\n", (unsigned long long)best, failed,
                     (unsigned long long)batches * BATCH);
        return 0;
}
