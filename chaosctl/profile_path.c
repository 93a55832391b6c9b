#include "chaosctl/profile_path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/scoped.h"

/* In this order: the working directory first, so that a checkout uses its own. */
static const struct {
        bool beside_program;
        const char *folder;
} places[] = {
        { false, "scorecards/profiles" },
        { true, "../share/chaosd/profiles" },
        { true, "../../../scorecards/profiles" },
};

static int program_folder(char buf[PATH_MAX]) {
        ssize_t n = readlink("/proc/self/exe", buf, PATH_MAX - 1);
        char *slash;

        if (n <= 0)
                return -ENOENT;

        buf[n] = 0;
        slash = strrchr(buf, '/');
        if (slash)
                *slash = 0;
        return 0;
}

int profile_path_find(const char *text, char ret[PROFILE_PATH_SIZE], struct err *e) {
        size_t len = strlen(text);
        char folder[PATH_MAX], path[PROFILE_PATH_SIZE];

        if (strchr(text, '/') || (len > 5 && strcmp(text + len - 5, ".yaml") == 0)) {
                if (len >= PROFILE_PATH_SIZE)
                        return err_set(e, -ENAMETOOLONG, "the path of the profile is too long");
                memcpy(ret, text, len + 1);
                return 0;
        }
        if (program_folder(folder) < 0)
                return err_set(e, -ENOENT, "cannot find the folder of this program; give the profile as a path");

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                int n = snprintf(path, sizeof(path), "%s%s%s/%s.yaml", places[i].beside_program ? folder : "",
                                 places[i].beside_program ? "/" : "", places[i].folder, text);

                if (n > 0 && (size_t)n < sizeof(path) && access(path, R_OK) == 0) {
                        memcpy(ret, path, (size_t)n + 1);
                        return 0;
                }
        }
        return err_set(e, -ENOENT,
                       "no score profile '%.60s' in scorecards/profiles or ../share/chaosd/profiles; give a path",
                       text);
}
