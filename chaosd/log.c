#include "chaosd/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void log_line(enum log_level level, const char *fmt, ...) {
        char line[1024];
        va_list ap;
        int n = 0;

        /* systemd sets JOURNAL_STREAM for services whose stderr is the journal: it reads "<N>" (sd-daemon(3)). */
        if (getenv("JOURNAL_STREAM"))
                n = snprintf(line, sizeof(line), "<%d>", (int)level);
        else
                n = snprintf(line, sizeof(line), "chaosd: ");

        va_start(ap, fmt);
        (void)vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
        va_end(ap);

        for (char *p = line + n; *p; p++) /* one event, one line, whatever a request put into it */
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = ' ';
        (void)fprintf(stderr, "%s\n", line);
}
