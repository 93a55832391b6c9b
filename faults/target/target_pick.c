/* target_pick.c — "all", "one", "3", "50%": which of the processes found. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/units.h"
#include "faults/target/resolve.h"

int target_pick_parse(const char *text, struct target_pick *ret, struct err *e) {
        struct target_pick pick = { 0 };
        uint32_t ppm;

        if (!text || strcmp(text, "all") == 0) {
                pick.all = true;
        } else if (strcmp(text, "one") == 0) {
                pick.count = 1;
        } else if (strchr(text, '%')) {
                int r = units_parse_percent(text, &ppm, e);

                if (r < 0)
                        return r;
                pick.percent = true;
                pick.count = ppm;
        } else if (units_parse_uint(text, &pick.count, NULL) < 0) {
                return err_set(e, -EINVAL, "'%.40s' is not a choice: write all, one, a number such as 3, or 50%%", text);
        }
        if (!pick.all && pick.count == 0)
                return err_set(e, -ERANGE, "'%.40s' picks nothing", text);

        *ret = pick;
        return 0;
}

size_t target_pick_count(const struct target_pick *pick, size_t found) {
        if (pick->all)
                return found;
        if (pick->percent)
                return (size_t)(((uint64_t)found * pick->count + 999999) / 1000000);
        return pick->count <= found ? (size_t)pick->count : 0;
}

static uint64_t splitmix64(uint64_t *state) {
        uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

void target_pick_shuffle(void *items, size_t n, size_t size, uint64_t seed) {
        char *base = items;

        for (size_t i = n; i > 1; i--) {
                size_t j = (size_t)(splitmix64(&seed) % i);

                for (size_t k = 0; k < size && j != i - 1; k++) {
                        char byte = base[j * size + k];

                        base[j * size + k] = base[(i - 1) * size + k];
                        base[(i - 1) * size + k] = byte;
                }
        }
}
