#include "chaosctl/sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/err.h"
#include "core/scoped.h"

#define OUTPUT_MAX ((size_t)8 << 20)

extern char **environ;

static bool is_program(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool try_path(char *buf, size_t size, int n) {
        return n > 0 && (size_t)n < size && is_program(buf);
}

int sibling_find(const char *name, char *buf, size_t size, struct err *e) {
        const char *path = getenv("PATH");
        char self[PATH_MAX] = "";
        ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *slash = len > 0 ? memrchr(self, '/', (size_t)len) : NULL;

        if (slash) {
                static const char *const beside[] = { "", "../sbin/", "../libexec/chaosd/" };

                *slash = 0;
                for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
                        if (try_path(buf, size, snprintf(buf, size, "%s/%s%s", self, beside[i], name)))
                                return 0;
        }

        /* Relative entries of PATH are skipped: root must not run what lies in the current directory. */
        for (const char *p = path; p && *p;) {
                size_t n = strcspn(p, ":");

                if (*p == '/' && try_path(buf, size, snprintf(buf, size, "%.*s/%s", (int)n, p, name)))
                        return 0;
                p += n + (p[n] == ':');
        }
        return err_set(e, -ENOENT, "%s is neither in %s, nor in ../sbin or ../libexec/chaosd beside it, nor in PATH",
                       name, *self ? self : "chaosctl's folder");
}

int sibling_exec(const char *name, char **argv, struct err *e) {
        char path[PATH_MAX];
        int r;

        r = sibling_find(name, path, sizeof(path), e);
        if (r < 0)
                return r;

        argv[0] = path;
        (void)execv(path, argv);
        return err_errno(e, "cannot run %s", path);
}

static int read_to_end(int fd, char **ret, size_t *ret_len, struct err *e) {
        SCOPED_FREE char *text = NULL;
        size_t used = 0, room = 0;

        for (;;) {
                ssize_t n;

                if (room - used < 4096) {
                        char *grown = room < OUTPUT_MAX ? realloc(text, room + 65536) : NULL;

                        if (!grown)
                                return err_set(e, -EMSGSIZE, "more output than can be held");
                        text = grown;
                        room += 65536;
                }

                n = read(fd, text + used, room - used - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_errno(e, "cannot read from a child");
                if (n == 0)
                        break;
                used += (size_t)n;
        }
        text[used] = 0;
        *ret_len = used;
        *ret = TAKE_PTR(text);
        return 0;
}

int sibling_read(const char *name, char *const *argv, char **ret, size_t *ret_len, int *ret_status, struct err *e) {
        posix_spawn_file_actions_t actions;
        char path[PATH_MAX];
        SCOPED_FD int from = -1;
        int pipes[2], r, status;
        pid_t pid;

        r = sibling_find(name, path, sizeof(path), e);
        if (r < 0)
                return r;
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return err_errno(e, "cannot make a pipe");
        from = pipes[0];

        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
        r = posix_spawn(&pid, path, &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(pipes[1]);
        if (r != 0)
                return err_set(e, -r, "cannot run %s: %s", path, strerror(r));

        r = read_to_end(from, ret, ret_len, e);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return err_errno(e, "cannot wait for %s", path);
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return r;
}
