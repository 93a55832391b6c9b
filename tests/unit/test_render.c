/* Renderers: untrusted text never leaves its place, pages are whole, and stand alone. With an argument, writes the
 * HTML page of tests/data/runs.json to that file, for the browser test. */
#include "scorecards/render.h"

#include "core/err.h"
#include "lib/check.h"
#include "scorecards/score.h"

#define NOW_US 1795478400000000ULL /* 2026-11-24T00:00:00Z */

static json_t *cards_of(const char *service_name) {
        SCOPED(score_profile_freep) struct score_profile *p = NULL;
        SCOPED_JSON json_t *records = NULL;
        struct err e = { 0 };
        json_t *card = NULL, *record;
        size_t i;

        CHECK(score_profile_read(CHAOS_SOURCE_DIR "/scorecards/profiles/web-service.yaml", &p, &e) == 0, "%s", e.msg);
        CHECK(json_load_path(CHAOS_SOURCE_DIR "/tests/data/runs.json", &records, &e) == 0, "%s", e.msg);
        json_array_foreach (records, i, record)
                (void)json_object_set_new(json_at(record, "experiment"), "service", json_string(service_name));
        CHECK(score_compute(p, records, SCORE_BY_SERVICE, service_name, NOW_US, &card, &e) == 0, "%s", e.msg);
        return json_pack("[o]", card);
}

static char *text_of(void (*render)(const json_t *, FILE *), const json_t *cards) {
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);

        render(cards, out);
        (void)fclose(out);
        return text;
}

static void plain_text(const json_t *cards, FILE *out) {
        render_text(cards, false, out);
}

static void test_untrusted_text(void) {
        SCOPED_JSON json_t *cards = cards_of("<script>alert(1)</script>|x\033[31m");
        SCOPED_FREE char *html = text_of(render_html, cards);
        SCOPED_FREE char *markdown = text_of(render_markdown, cards);

        CHECK(strstr(html, "<script") == NULL, "a script element in the page");
        CHECK(strstr(html, "&lt;script&gt;") != NULL, "the service's name is missing");
        CHECK(strchr(html, '\033') == NULL, "a control character in the page");
        CHECK(strstr(markdown, "<script") == NULL && strstr(markdown, "\\|x") != NULL, "markdown is not escaped");
}

static void test_whole(void) {
        SCOPED_JSON json_t *cards = cards_of("shop");
        SCOPED_FREE char *html = text_of(render_html, cards);
        SCOPED_FREE char *text = text_of(plain_text, cards);
        SCOPED_FREE char *explain = text_of(render_explain, cards);

        CHECK(strstr(html, "</html>") != NULL && strstr(html, "<svg") != NULL, "the page is not whole");
        CHECK(strstr(html, "http://") == NULL && strstr(html, "https://") == NULL && strstr(html, "url(") == NULL,
              "the page refers to the network");
        CHECK(strstr(text, "slow-upstream") && strstr(text, "inconclusive") && !strchr(text, '\033'), "%s", text);
        CHECK(strstr(text, "Give the upstream call a timeout") != NULL, "the recommendation is missing");
        CHECK(strstr(explain, "coverage = ") != NULL, "%s", explain);
}

int main(int argc, char **argv) {
        if (argc == 2) {
                SCOPED_JSON json_t *cards = cards_of("shop");
                FILE *out = fopen(argv[1], "we");

                if (!out)
                        return 1;
                render_html(cards, out);
                return fclose(out) != 0;
        }

        test_untrusted_text();
        test_whole();
        return check_result();
}
