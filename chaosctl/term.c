#include "chaosctl/term.h"

#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_MAX 1024

static const char *const style_codes[] = {
        [STYLE_NONE] = "",         [STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",   [STYLE_GOOD] = "\033[32m",
        [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m", [STYLE_INFO] = "\033[36m",
};

void term_init(struct term *t, FILE *file, bool no_colour) {
        const char *unwanted = getenv("NO_COLOR");
        const char *kind = getenv("TERM");
        bool is_tty = isatty(fileno(file));

        *t = (struct term){
                .file = file,
                .is_tty = is_tty,
                .colour = is_tty && !no_colour && !(unwanted && *unwanted) && kind && strcmp(kind, "dumb") != 0,
                .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        };
}

unsigned term_width(const struct term *t) {
        struct winsize size;

        if (t->is_tty && ioctl(fileno(t->file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return 80;
}

const char *term_on(const struct term *t, enum term_style style) {
        return t->colour ? style_codes[style] : "";
}

const char *term_off(const struct term *t) {
        return t->colour ? "\033[0m" : "";
}

/* Length in bytes of the escape sequence or UTF-8 character at text; *columns: what it takes on the screen. */
static size_t next_glyph(const char *text, size_t *columns) {
        size_t n = 1;

        if (text[0] == '\033' && text[1] == '[') {
                n = 2;
                while (text[n] && !(text[n] >= '@' && text[n] <= '~'))
                        n++;
                *columns = 0;
                return text[n] ? n + 1 : n;
        }

        while (((unsigned char)text[n] & 0xC0) == 0x80)
                n++;
        *columns = 1;
        return n;
}

size_t term_columns(const char *text) {
        size_t total = 0, columns;

        while (*text) {
                text += next_glyph(text, &columns);
                total += columns;
        }
        return total;
}

void term_live(struct term *t, const char *fmt, ...) {
        char line[LIVE_MAX];
        size_t width = term_width(t) - 1, used = 0, columns;
        const char *p = line;
        va_list ap;

        if (!t->is_tty)
                return;

        va_start(ap, fmt);
        (void)vsnprintf(line, sizeof(line), fmt, ap);
        va_end(ap);

        (void)fputs("\r\033[K", t->file);
        while (*p) {
                size_t n = next_glyph(p, &columns);

                if (used + columns > width)
                        break;
                (void)fwrite(p, 1, n, t->file);
                used += columns;
                p += n;
        }
        (void)fputs(term_off(t), t->file);
        (void)fflush(t->file);
        t->live_shown = true;
}

void term_live_clear(struct term *t) {
        if (!t->live_shown)
                return;

        (void)fputs("\r\033[K", t->file);
        (void)fflush(t->file);
        t->live_shown = false;
}

void term_say(struct term *t, const char *fmt, ...) {
        va_list ap;

        term_live_clear(t);
        va_start(ap, fmt);
        (void)vfprintf(t->file, fmt, ap);
        va_end(ap);
        (void)fputc('\n', t->file);
        (void)fflush(t->file);
}

static const char *spark_glyph(const struct term *t, double position) {
        static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
        static const char *const ascii[] = { "_", ".", "-", "~", "=", "+", "*", "#" };
        int i = (int)(position * 8);

        if (isnan(position))
                return t->utf8 ? "·" : " ";
        i = i < 0 ? 0 : i > 7 ? 7 : i;
        return t->utf8 ? blocks[i] : ascii[i];
}

char *term_sparkline(const struct term *t, const double *values, size_t n, size_t n_max, double low, double high,
                     char *buf, size_t size) {
        size_t first = n > n_max ? n - n_max : 0, used = 0;

        if (!(high > low)) {
                low = INFINITY;
                high = -INFINITY;
                for (size_t i = first; i < n; i++) {
                        low = values[i] < low ? values[i] : low;
                        high = values[i] > high ? values[i] : high;
                }
        }

        buf[0] = 0;
        for (size_t i = first; i < n && used + 4 < size; i++) {
                double position = high > low ? (values[i] - low) / (high - low) : isnan(values[i]) ? NAN : 0.5;

                used += (size_t)snprintf(buf + used, size - used, "%s", spark_glyph(t, position));
        }
        return buf;
}
