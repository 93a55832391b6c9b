#include "scorecards/html_out.h"

#include <string.h>

#include "scorecards/words.h"

/* The style sheet is linked in, so that the page needs nothing but itself. */
extern const char scorecard_style[];
__asm__(".section .rodata\n.global scorecard_style\nscorecard_style:\n"
        ".incbin \"" CHAOS_SCORECARD_STYLE "\"\n.byte 0\n.previous\n");

void html_put(const char *text, FILE *out) {
        static const char *const escapes[128] = {
                ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
        };

        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c < 128 && escapes[c])
                        (void)fputs(escapes[c], out);
                else if (c == ' ' && text[1] == '%') /* "96 %" stays together */
                        (void)fputs("&#160;", out);
                else if ((c >= ' ' && c != 127) || c == '\n')
                        (void)fputc(c, out);
        }
}

void html_put_between(const char *open, const char *text, const char *close, FILE *out) {
        (void)fputs(open, out);
        html_put(text, out);
        (void)fputs(close, out);
}

void html_put_class(const char *text, FILE *out) {
        for (; (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'); text++)
                (void)fputc(*text, out);
}

void html_put_tag(const char *name, const char *text, FILE *out) {
        (void)fprintf(out, "<span class=\"%s ", name);
        html_put_class(text, out);
        html_put_between("\">", text, "</span>", out);
}

void html_open_page(const char *title, const char *as_of, FILE *out) {
        char when[32];

        (void)fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
                    out);
        html_put_between("<title>", title, "</title><link rel=\"icon\" href=\"data:,\"><style>\n", out);
        (void)fputs(scorecard_style, out);
        html_put_between("</style></head><body><main>\n<header class=\"page\"><h1>", title, "</h1>", out);
        html_put_between("<span>as of ", words_time(as_of, when, sizeof(when)), " UTC</span></header>\n", out);
}

void html_close_page(FILE *out) {
        (void)fputs("</main></body></html>\n", out);
}

void html_open_table(const char *const *columns, FILE *out) {
        (void)fputs("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>", out);
        for (; *columns; columns++) {
                bool number = **columns == '#';

                html_put_between(number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">", *columns + number,
                                 "</th>", out);
        }
        (void)fputs("</tr></thead><tbody>\n", out);
}

void html_close_table(FILE *out) {
        (void)fputs("</tbody></table></div>\n", out);
}
