#include "faults/mech/burner.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"
#include "faults/holds.h"
#include "faults/mark.h"
#include "faults/mech/cgroup.h"

/* Long enough that a wake-up (some 60 µs) is noise, short enough that no service sees the pattern as phases. */
#define PERIOD_NS 20000000LL
/* What was missed while others had the CPU is made up for, but no more than this: a burst is not a load. */
#define DEBT_NS (10 * PERIOD_NS)
/* Turns between two looks at the clock, some 20 µs: the time is spent in user mode, not in clock_gettime(). */
#define TURNS 20000

struct burner {
        int gate; /* eventfd: readable once the child is where it shall be */
        uint32_t load_ppm;
        cpu_set_t cpus;
        const struct burner_deadline *deadline;
};

static int64_t read_clock(clockid_t clock) {
        struct timespec ts = { 0 };

        (void)clock_gettime(clock, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void sleep_until(int64_t when_ns) {
        struct timespec ts = { .tv_sec = when_ns / 1000000000, .tv_nsec = when_ns % 1000000000 };

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
                ;
}

static void burn_until_used(int64_t used_ns) {
        volatile uint64_t x = 1;

        while (read_clock(CLOCK_PROCESS_CPUTIME_ID) < used_ns)
                for (int i = 0; i < TURNS; i++)
                        x = x * 6364136223846793005ULL + 1;
}

static bool is_over(const struct burner_deadline *deadline) {
        uint64_t us = deadline->us;

        return us > 0 && read_clock(CLOCK_BOOTTIME) / 1000 >= (int64_t)us;
}

/* Each period the right to load_ppm of it is added; burn what is due, sleep to the next. All from the two clocks
 * and the start, so errors do not add up. */
static void burn_until_over(uint32_t load_ppm, const struct burner_deadline *deadline) {
        int64_t start = read_clock(CLOCK_MONOTONIC), used = read_clock(CLOCK_PROCESS_CPUTIME_ID);

        for (int64_t period = 1; !is_over(deadline); period++) {
                int64_t end = start + period * PERIOD_NS, now;
                int64_t due = used + period * PERIOD_NS / 1000000 * load_ppm;
                int64_t behind = due - read_clock(CLOCK_PROCESS_CPUTIME_ID);

                if (behind > DEBT_NS) {
                        used -= behind - DEBT_NS;
                        due -= behind - DEBT_NS;
                }
                burn_until_used(due);

                now = read_clock(CLOCK_MONOTONIC);
                if (now < end)
                        sleep_until(end);
                else
                        period += (now - end) / PERIOD_NS; /* periods that went by meanwhile count as well */
        }
}

static int run_burner(void *arg) {
        const struct burner *b = arg;
        uint64_t opened;

        if (read(b->gate, &opened, sizeof(opened)) != sizeof(opened))
                return 1;
        (void)close(b->gate);
        (void)sched_setaffinity(0, sizeof(b->cpus), &b->cpus); /* a cpuset that became smaller meanwhile rules anyway */
        if (child_confine(0) < 0)
                return 1;

        burn_until_over(b->load_ppm, b->deadline);
        return 0;
}

static void unmap(void *thing) {
        (void)munmap(thing, sizeof(struct burner_deadline));
}

int burner_deadline_new(struct holds *h, uint64_t us, struct burner_deadline **ret, struct err *e) {
        struct burner_deadline *d;
        int r;

        d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (d == MAP_FAILED)
                return err_errno(e, "map a page to share with children");
        d->us = us;
        r = holds_add(h, d, unmap);
        if (r < 0)
                return err_set(e, r, "no memory to hold a page");

        *ret = d;
        return 0;
}

int burner_start(struct holds *h, const struct cgroup *where, const cpu_set_t *cpus, uint32_t load_ppm,
                 const struct burner_deadline *deadline, struct child *ret, struct err *e) {
        SCOPED_FD int gate = eventfd(0, EFD_CLOEXEC);
        struct burner b = { .gate = gate, .load_ppm = load_ppm, .cpus = *cpus, .deadline = deadline };
        uint64_t open = 1;
        struct child c;
        int r;

        if (gate < 0)
                return err_errno(e, "make an eventfd");

        r = child_spawn(h, MARK_COMM_PREFIX "cpu", run_burner, &b, &gate, 1, &c, e);
        if (r < 0)
                return r;

        r = where ? cgroup_move(where, c.pid, e) : 0;
        if (r < 0)
                return r;
        if (write(gate, &open, sizeof(open)) != sizeof(open))
                return err_errno(e, "start child %d", (int)c.pid);

        *ret = c;
        return 0;
}
