#include <inttypes.h>
#include <string.h>

#include "scorecards/render.h"
#include "scorecards/words.h"

#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RESET  "\033[0m"

static const char *colour_of_verdict(const char *verdict) {
        return strcmp(verdict, "pass") == 0 ? GREEN : strcmp(verdict, "fail") == 0 ? RED : YELLOW;
}

static void put_bar(double share, unsigned width, FILE *out) {
        for (unsigned i = 0; i < width; i++)
                (void)fputs(i + 0.5 < share * width ? "█" : "░", out);
}

static void put_categories(const json_t *card, FILE *out) {
        char value[16], when[32];
        json_t *row;
        size_t i;

        (void)fprintf(out, "\n  %-30s %-6s %-12s %-8s %s\n", "exercised", "weight", "freshness", "held", "last run");
        json_array_foreach (json_at(card, "categories"), i, row) {
                (void)fprintf(out, "  %-30.30s %-6" PRId64 " ", json_text_at(row, "name", ""),
                              json_int_at(row, "weight", 0));
                put_bar(json_number_at(row, "freshness", 0), 10, out);
                (void)fprintf(out, "   %-8s %s\n",
                              json_is_number(json_at(row, "value"))
                                      ? words_percent(json_at(row, "value"), value, sizeof(value))
                                      : "-",
                              words_time(json_text_at(row, "last_run", NULL), when, sizeof(when)));
        }
}

/* Why the grade is no better than it is. */
static void put_caps(const json_t *card, FILE *out) {
        json_t *cap;
        size_t i;

        json_array_foreach (json_at(card, "caps"), i, cap)
                (void)fprintf(out, "  no better than %s: %s\n", json_text_at(cap, "grade", ""),
                              json_text_at(cap, "reason", ""));
}

static void put_findings(const json_t *card, FILE *out) {
        char status[64];
        json_t *f;
        size_t i;

        if (json_array_size(json_at(card, "findings")) == 0)
                return;

        (void)fputs("\n  Open findings\n", out);
        json_array_foreach (json_at(card, "findings"), i, f) {
                (void)fprintf(out, "  • [%s] %s\n", json_text_at(f, "severity", ""), json_text_at(f, "summary", ""));
                (void)fprintf(out, "    %s\n", json_text_at(f, "recommendation", ""));
                (void)fprintf(out, "    %s, owner %s, due %s, retest %s, see %s\n",
                              words_status(f, status, sizeof(status)), json_text_at(f, "owner", "nobody"),
                              json_text_at(f, "due", "never"), json_text_at(f, "retest", "-"),
                              json_text_at(f, "docs", "-"));
        }
}

static void put_runs(const json_t *card, bool colour, FILE *out) {
        char when[32], kinds[80];
        json_t *row;
        size_t i;

        (void)fprintf(out, "\n  %-17s %-24s %-13s %-22s %s\n", "run", "experiment", "verdict", "faults", "evidence");
        json_array_foreach (json_at(card, "run_table"), i, row) {
                const char *verdict = json_text_at(row, "verdict", "");

                if (i == 10) {
                        (void)fprintf(out, "  … %zu more\n", json_array_size(json_at(card, "run_table")) - i);
                        break;
                }
                (void)fprintf(out, "  %-17s %-24.24s %s%-13s%s %-22.22s %" PRId64 "\n",
                              words_time(json_text_at(row, "started", NULL), when, sizeof(when)),
                              json_text_at(row, "experiment", ""), colour ? colour_of_verdict(verdict) : "", verdict,
                              colour ? RESET : "", words_list(json_at(row, "kinds"), kinds, sizeof(kinds)),
                              json_int_at(row, "evidence_hits", 0));
        }
}

void render_text(const json_t *cards, bool colour, FILE *out) {
        char summary[WORDS_SIZE];
        json_t *card;
        size_t i;

        json_array_foreach (cards, i, card) {
                (void)fprintf(out, "%s%s%s  grade %s%s   (profile %s)\n", i ? "\n" : "", colour ? BOLD : "",
                              json_text_at(card, "name", ""), json_text_at(card, "grade", ""), colour ? RESET : "",
                              json_text_at(card, "profile", ""));
                (void)fprintf(out, "  %s\n", words_summary(card, summary, sizeof(summary)));
                put_caps(card, out);
                put_categories(card, out);
                put_findings(card, out);
                put_runs(card, colour, out);
        }
}

void render_explain(const json_t *cards, FILE *out) {
        json_t *card, *t;
        size_t i, k;

        json_array_foreach (cards, i, card) {
                double sum = 0, held = 0;

                (void)fprintf(out, "%s: value = Σ weight·freshness·held / Σ weight·freshness, half-life %g days\n",
                              json_text_at(card, "name", ""), json_number_at(card, "half_life_s", 0) / 86400);
                (void)fprintf(out, "  %-24s %-20s %-20s %6s %9s %9s %s\n", "started", "experiment", "SLO", "weight",
                              "freshness", "term", "held");
                json_array_foreach (json_at(card, "terms"), k, t) {
                        double term = json_number_at(t, "term", 0);

                        sum += term;
                        held += json_bool_at(t, "held", false) ? term : 0;
                        (void)fprintf(out, "  %-24s %-20.20s %-20.20s %6" PRId64 " %9.4f %9.4f %s\n",
                                      json_text_at(t, "started", ""), json_text_at(t, "experiment", ""),
                                      json_text_at(t, "slo", ""), json_int_at(t, "weight", 0),
                                      json_number_at(t, "freshness", 0), term,
                                      json_bool_at(t, "held", false) ? "yes" : "no");
                }
                if (sum > 0)
                        (void)fprintf(out, "  value = %.4f / %.4f = %.4f\n", held, sum, held / sum);

                (void)fprintf(out, "coverage = Σ weight·freshness of the newest judged run / Σ weight\n");
                json_array_foreach (json_at(card, "categories"), k, t)
                        (void)fprintf(out, "  %-30.30s weight %" PRId64 " · %.4f\n", json_text_at(t, "name", ""),
                                      json_int_at(t, "weight", 0), json_number_at(t, "freshness", 0));
                (void)fprintf(out, "  coverage = %.4f\n", json_number_at(card, "coverage", 0));
                (void)fprintf(out, "interval: Wilson, 95 %%, n = %.2f effective checks\n",
                              json_number_at(card, "interval/effective_n", 0));
        }
}
