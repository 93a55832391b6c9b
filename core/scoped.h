/* scoped.h — ownership in the declaration (STYLE: SCOPED_* at declaration, hand over with TAKE_*). */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define SCOPED(fn)  __attribute__((cleanup(fn)))
#define SCOPED_FREE SCOPED(scoped_freep)
#define SCOPED_FD   SCOPED(scoped_closep)

/* Makes fn##p(type **) for SCOPED(fn##p) from a destructor void fn(type *) that accepts NULL. */
#define DEFINE_SCOPED(type, fn)                                                                                        \
        static inline void fn##p(type **p) {                                                                           \
                if (*p)                                                                                                \
                        fn(*p);                                                                                        \
        }

#define TAKE_PTR(p)                                                                                                    \
        ({                                                                                                             \
                __typeof__(p) take_ptr_ = (p);                                                                         \
                (p) = NULL;                                                                                            \
                take_ptr_;                                                                                             \
        })

#define TAKE_FD(fd)                                                                                                    \
        ({                                                                                                             \
                int take_fd_ = (fd);                                                                                   \
                (fd) = -1;                                                                                             \
                take_fd_;                                                                                              \
        })

/* For functions whose result the C library insists on and the caller has no use for. */
#define IGNORE_RESULT(call)                                                                                            \
        do {                                                                                                           \
                if (call) {                                                                                            \
                }                                                                                                      \
        } while (0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void scoped_freep(void *p) {
        free(*(void **)p);
}

/* close() is never retried: close(2) says the descriptor may already belong to somebody else. */
static inline void scoped_closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}
