#include "scorecards/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *words_percent(const json_t *number, char *buf, size_t size) {
        double percent = json_number_value(number) * 100;

        if (!json_is_number(number))
                (void)snprintf(buf, size, "–");
        else if (percent > 99 && percent < 100)
                /* 99.97 must not read 100. */
                (void)snprintf(buf, size, "%.4g %%", (double)(long)(percent * 100) / 100);
        else
                (void)snprintf(buf, size, "%.0f %%", percent);
        return buf;
}

char *words_share(const json_t *number, char *buf, size_t size) {
        if (!json_is_number(number))
                (void)snprintf(buf, size, "–");
        else
                (void)snprintf(buf, size, "%.6g %%", (double)(long)(json_number_value(number) * 1e5 + 1e-6) / 1e3);
        return buf;
}

char *words_interval(const json_t *card, char *buf, size_t size) {
        char low[16], high[16];

        if (!json_is_object(json_at(card, "interval"))) {
                (void)snprintf(buf, size, "no interval");
                return buf;
        }
        (void)snprintf(buf, size, "%s–%s", words_percent(json_at(card, "interval/low"), low, sizeof(low)),
                       words_percent(json_at(card, "interval/high"), high, sizeof(high)));
        return buf;
}

char *words_summary(const json_t *card, char *buf, size_t size) {
        char value[16], coverage[16], fresh[16], interval[40];
        long long checks = json_int_at(card, "checks", 0);
        size_t findings = json_array_size(json_at(card, "findings"));

        if (checks == 0) {
                (void)snprintf(buf, size,
                               "No run of this service has both evidence and a judged SLO: nothing is known yet.");
                return buf;
        }
        (void)snprintf(buf, size,
                       "%s of %lld judged check%s held (95 %% interval %s); %s of what should be exercised was; "
                       "results are %s fresh; %zu open finding%s.",
                       words_percent(json_at(card, "value"), value, sizeof(value)), checks, checks == 1 ? "" : "s",
                       words_interval(card, interval, sizeof(interval)),
                       words_percent(json_at(card, "coverage"), coverage, sizeof(coverage)),
                       words_percent(json_at(card, "freshness"), fresh, sizeof(fresh)), findings,
                       findings == 1 ? "" : "s");
        return buf;
}

char *words_list(const json_t *texts, char *buf, size_t size) {
        size_t used = 0, i;
        json_t *text;

        buf[0] = 0;
        json_array_foreach (texts, i, text) {
                int n = snprintf(buf + used, size - used, "%s%s", i ? ", " : "", json_string_value(text) ?: "");

                if (n < 0 || (size_t)n >= size - used)
                        break;
                used += (size_t)n;
        }
        return buf;
}

char *words_time(const char *rfc3339, char *buf, size_t size) {
        if (!rfc3339 || strlen(rfc3339) < 16)
                (void)snprintf(buf, size, "never");
        else
                (void)snprintf(buf, size, "%.10s %.5s", rfc3339, rfc3339 + 11);
        return buf;
}

char *words_movement(const json_t *service, char *buf, size_t size) {
        const char *movement = json_text_at(service, "movement", "");
        const char *before = json_text_at(service, "before/grade", "none");

        (void)snprintf(buf, size, "%s%s",
                       strcmp(movement, "up") == 0     ? "▲ from "
                       : strcmp(movement, "down") == 0 ? "▼ from "
                       : strcmp(movement, "same") == 0 ? "= "
                                                       : "new",
                       strcmp(movement, "new") == 0 ? "" : before);
        return buf;
}

char *words_cost(const json_t *cost, char *buf, size_t size) {
        int64_t unknown = json_int_at(cost, "unknown_runs", 0), estimated = json_int_at(cost, "estimated_runs", 0);
        size_t used = 0;
        const char *currency;
        json_t *amount;

        buf[0] = 0;
        json_object_foreach (json_at(cost, "sums"), currency, amount) {
                int n = snprintf(buf + used, size - used, "%s%.2f %.8s", used ? " + " : "", json_number_value(amount),
                                 currency);

                if (n < 0 || (size_t)n >= size - used)
                        return buf;
                used += (size_t)n;
        }
        if (used == 0)
                (void)snprintf(buf, size, "Unknown: neither the runs nor the profile say what a drill costs.");
        else if (unknown > 0)
                (void)snprintf(buf + used, size - used, " for the runs that say so; unknown for %" PRId64 " others.",
                               unknown);
        else if (estimated > 0)
                (void)snprintf(buf + used, size - used, ", of which %" PRId64 " run(s) by the profile's cost per run.",
                               estimated);
        else
                (void)snprintf(buf + used, size - used, ".");
        return buf;
}

char *words_status(const json_t *finding, char *buf, size_t size) {
        const char *status = json_text_at(finding, "status", "");

        if (strcmp(status, "accepted") == 0)
                (void)snprintf(buf, size, "accepted until %.10s", json_text_at(finding, "accepted/until", "?"));
        else
                (void)snprintf(buf, size, "%s", json_bool_at(finding, "overdue", false) ? "overdue" : status);
        return buf;
}
