#include "chaosctl/param_text.h"

#include <inttypes.h>
#include <string.h>

#include "core/units.h"

static bool is_listed(const json_t *only, const char *name) {
        const json_t *item;
        size_t i;

        if (!only)
                return true;
        json_array_foreach((json_t *)only, i, item)
                if (strcmp(json_string_value(item) ?: "", name) == 0)
                        return true;
        return false;
}

static char *number_text(const char *type, uint64_t value, char buf[UNITS_TEXT_SIZE]) {
        if (strcmp(type, "duration") == 0)
                return units_format_duration(value, buf);
        if (strcmp(type, "size") == 0)
                return units_format_size(value, buf);
        if (strcmp(type, "percentage") == 0)
                return units_format_percent((uint32_t)value, buf);
        if (strcmp(type, "bitrate") == 0)
                return units_format_bitrate(value, buf);
        (void)snprintf(buf, UNITS_TEXT_SIZE, "%" PRIu64, value);
        return buf;
}

char *param_text_range(const json_t *row, char *buf, size_t size) {
        const char *type = json_text_at(row, "type", "");
        uint64_t min = (uint64_t)json_int_at(row, "min", 0), max = (uint64_t)json_int_at(row, "max", 0);
        char low[UNITS_TEXT_SIZE], high[UNITS_TEXT_SIZE];
        const json_t *choice;
        size_t i, used = 0;

        buf[0] = 0;
        json_array_foreach(json_object_get(row, "choices"), i, choice)
                if (used < size)
                        used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? "|" : "",
                                                 json_string_value(choice));
        if (buf[0] || (strcmp(type, "text") == 0 && !max))
                return buf;

        if (strcmp(type, "text") == 0)
                (void)snprintf(buf, size, "%" PRIu64 " bytes", max);
        else if (max)
                (void)snprintf(buf, size, "%s … %s", number_text(type, min, low), number_text(type, max, high));
        else if (min)
                (void)snprintf(buf, size, "from %s", number_text(type, min, low));
        return buf;
}

char *param_text_type(const json_t *row, char *buf, size_t size) {
        (void)snprintf(buf, size, "%s%s", json_text_at(row, "type", "?"),
                       json_bool_at(row, "list", false) ? ", …" : "");
        return buf;
}

size_t param_text_rows(struct table *t, const json_t *rows, const json_t *only, const char *prefix) {
        const json_t *row;
        size_t i, n = 0;

        json_array_foreach((json_t *)rows, i, row) {
                const char *name = json_text_at(row, "name", "?");
                char key[128], type[64], range[200];

                if (!is_listed(only, name))
                        continue;
                (void)snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", name);
                if (json_object_get(row, "params")) {
                        n += param_text_rows(t, json_object_get(row, "params"), NULL, key);
                        continue;
                }

                table_cell(t, STYLE_BOLD, "%s", key);
                table_cell(t, STYLE_INFO, "%s", json_text_at(row, "flag", ""));
                table_cell(t, STYLE_NONE, "%s", param_text_type(row, type, sizeof(type)));
                table_cell(t, STYLE_NONE, "%s", param_text_range(row, range, sizeof(range)));
                table_cell(t, STYLE_NONE, "%s",
                           json_bool_at(row, "required", false) ? "required" : json_text_at(row, "default", ""));
                table_cell(t, STYLE_NONE, "%s", json_text_at(row, "help", ""));
                n++;
        }
        return n;
}

const char *param_text_owner(const char *owner) {
        static const char *const owners[][2] = {
                { "bpf-link", "Held by an unpinned BPF link: the kernel drops it when chaosd dies." },
                { "kernel-deadline",
                  "A kernel program compares the clock with the deadline: the effect ends with nobody's help." },
                { "child-process", "A child process of chaosd that dies with it." },
                { "file-descriptor", "An unlinked file: freed with the last descriptor." },
                { "guard-process", "A guard process waits for chaosd's death and reverts." },
        };

        for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
                if (strcmp(owners[i][0], owner) == 0)
                        return owners[i][1];
        return "Reverted by chaosd.";
}

static size_t add_example(char *buf, size_t size, size_t used, const json_t *row) {
        const char *text = json_text_at(row, "example", NULL);
        bool is_bool = strcmp(json_text_at(row, "type", ""), "bool") == 0;
        bool quote = text && strpbrk(text, " '\"$*?|&;<>()") != NULL;

        if (!text || used >= size)
                return used;
        return used + (size_t)(is_bool ? snprintf(buf + used, size - used, " %s", json_text_at(row, "flag", ""))
                                       : snprintf(buf + used, size - used, quote ? " %s '%s'" : " %s %s",
                                                  json_text_at(row, "flag", ""), text));
}

/* Required parameters, and the first optional one that has an example: enough to be understood and to work. */
char *param_text_example(const json_t *kind, const json_t *target, char *buf, size_t size) {
        const json_t *required = json_object_get(kind, "targetRequired");
        const json_t *row, *only = json_array_size(required) ? required : json_object_get(kind, "targets");
        size_t i, used = (size_t)snprintf(buf, size, "inject %s", json_text_at(kind, "kind", "KIND"));
        bool have_target = false;

        json_array_foreach((json_t *)target, i, row)
                if (!have_target && is_listed(only, json_text_at(row, "name", "")) && json_object_get(row, "example")) {
                        used = add_example(buf, size, used, row);
                        have_target = true;
                }
        json_array_foreach(json_object_get(kind, "params"), i, row)
                if (json_bool_at(row, "required", false))
                        used = add_example(buf, size, used, row);
        if (!json_bool_at(kind, "irreversible", false) && used < size)
                (void)snprintf(buf + used, size - used, " --for 30s");
        return buf;
}
