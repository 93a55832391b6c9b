#include "core/param_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/suggest.h"
#include "core/units.h"

#define ERRNO_LAST 133 /* EHWPOISON, the last one of asm-generic/errno.h */

/* Scalars of JSON and YAML become text first, so that 5, "5" and 5s go through one parser. */
static int value_text(const json_t *value, char *buf, size_t size, struct err *e) {
        int n;

        if (json_is_string(value))
                n = snprintf(buf, size, "%s", json_string_value(value));
        else if (json_is_integer(value))
                n = snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_real(value))
                n = snprintf(buf, size, "%.17g", json_real_value(value));
        else if (json_is_boolean(value))
                n = snprintf(buf, size, "%s", json_is_true(value) ? "true" : "false");
        else
                return err_set(e, -EINVAL, "expected a single value, not a %s",
                               json_is_object(value)  ? "mapping"
                               : json_is_array(value) ? "list"
                                                      : "null");

        if (n < 0 || (size_t)n >= size)
                return err_set(e, -EINVAL, "value is too long (over %zu bytes)", size - 1);
        return 0;
}

static int check_range(const struct param *row, uint64_t value, char *(*format)(uint64_t, char *), struct err *e) {
        char low[UNITS_TEXT_SIZE], high[UNITS_TEXT_SIZE], got[UNITS_TEXT_SIZE];

        if (value >= row->min && (row->max == 0 || value <= row->max))
                return 0;
        if (row->max == 0)
                return err_set(e, -ERANGE, "'%s' is %s; it must be at least %s", row->name, format(value, got),
                               format(row->min, low));
        return err_set(e, -ERANGE, "'%s' is %s; it must be in %s … %s", row->name, format(value, got),
                       format(row->min, low), format(row->max, high));
}

static char *format_uint(uint64_t value, char *buf) {
        (void)snprintf(buf, UNITS_TEXT_SIZE, "%" PRIu64, value);
        return buf;
}

static char *format_percent(uint64_t ppm, char *buf) {
        return units_format_percent((uint32_t)ppm, buf);
}

static int parse_bool(const struct param *row, const char *text, void *out, struct err *e) {
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
                return err_set(e, -EINVAL, "'%s' is '%.40s'; it must be true or false", row->name, text);

        *(bool *)out = text[0] == 't';
        return 0;
}

#define DEFINE_PARSE_NUMBER(name, type, parse, format)                                                                 \
        static int name(const struct param *row, const char *text, void *out, struct err *e) {                         \
                type value;                                                                                            \
                int r = parse(text, &value, e);                                                                        \
                                                                                                                       \
                if (r < 0)                                                                                             \
                        return r;                                                                                      \
                r = check_range(row, value, format, e);                                                                \
                if (r == 0)                                                                                            \
                        *(type *)out = value;                                                                          \
                return r;                                                                                              \
        }
DEFINE_PARSE_NUMBER(parse_uint, uint64_t, units_parse_uint, format_uint)
DEFINE_PARSE_NUMBER(parse_duration, uint64_t, units_parse_duration, units_format_duration)
DEFINE_PARSE_NUMBER(parse_size, uint64_t, units_parse_size, units_format_size)
DEFINE_PARSE_NUMBER(parse_bitrate, uint64_t, units_parse_bitrate, units_format_bitrate)
DEFINE_PARSE_NUMBER(parse_percent, uint32_t, units_parse_percent, format_percent)

static int parse_enum(const struct param *row, const char *text, void *out, struct err *e) {
        const char *nearest;
        char known[160] = "";
        size_t n = 0, used = 0;

        for (; row->choices[n]; n++) {
                if (strcmp(row->choices[n], text) == 0) {
                        *(int *)out = (int)n;
                        return 0;
                }
                if (used < sizeof(known))
                        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", n ? ", " : "",
                                                 row->choices[n]);
        }

        nearest = suggest_word(text, row->choices, n);
        return err_set(e, -EINVAL, "'%s' cannot be '%.40s'%s%s%s; one of: %s", row->name, text,
                       nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", known);
}

static int parse_string(const struct param *row, const char *text, void *out, struct err *e) {
        size_t len = strlen(text);
        char *copy;

        if (len == 0)
                return err_set(e, -EINVAL, "'%s' is empty", row->name);
        if (row->max && len > row->max)
                return err_set(e, -ERANGE, "'%s' is longer than %" PRIu64 " bytes", row->name, row->max);

        copy = strdup(text);
        if (!copy)
                return err_set(e, -ENOMEM, "no memory");

        *(char **)out = copy;
        return 0;
}

static int parse_signal(const struct param *row, const char *text, void *out, struct err *e) {
        int signal = param_parse_signal(text);

        if (signal < 0)
                return err_set(e, -EINVAL, "'%s': '%.40s' is not a signal such as SIGKILL, TERM or 9", row->name, text);

        *(int *)out = signal;
        return 0;
}

static int parse_errno(const struct param *row, const char *text, void *out, struct err *e) {
        int number = param_parse_errno(text);

        if (number < 0)
                return err_set(e, -EINVAL, "'%s': '%.40s' is not an error number such as ENOSPC, EIO or 28", row->name,
                               text);

        *(int *)out = number;
        return 0;
}

/* Host bits are cleared: 10.0.0.1/8 means 10.0.0.0/8, as every routing tool reads it. */
static void clear_host_bits(struct param_cidr *cidr) {
        uint8_t *bytes = cidr->address.s6_addr;
        unsigned n = cidr->family == AF_INET ? 4 : 16;

        for (unsigned i = 0; i < n; i++) {
                unsigned keep = cidr->prefix <= i * 8 ? 0 : cidr->prefix - i * 8;

                if (keep < 8)
                        bytes[i] &= (uint8_t)(0xFF00U >> keep);
        }
}

static int parse_cidr(const struct param *row, const char *text, void *out, struct err *e) {
        struct param_cidr cidr = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
        const char *slash = strchr(text, '/');
        size_t len = slash ? (size_t)(slash - text) : strlen(text);
        unsigned bits = cidr.family == AF_INET ? 32 : 128;
        char address[INET6_ADDRSTRLEN];
        uint64_t prefix = bits;

        if (len >= sizeof(address) || (slash && units_parse_uint(slash + 1, &prefix, NULL) < 0) || prefix > bits)
                return err_set(e, -EINVAL, "'%s': '%.60s' is not a network such as 10.0.0.0/8 or fd00::/64", row->name,
                               text);

        memcpy(address, text, len);
        address[len] = 0;
        if (inet_pton(cidr.family, address, &cidr.address) != 1)
                return err_set(e, -EINVAL, "'%s': '%.60s' is not a network such as 10.0.0.0/8 or fd00::/64", row->name,
                               text);

        cidr.prefix = (unsigned)prefix;
        clear_host_bits(&cidr);
        *(struct param_cidr *)out = cidr;
        return 0;
}

static int parse_ports(const struct param *row, const char *text, void *out, struct err *e) {
        const char *dash = strchr(text, '-');
        uint64_t first, last;
        char low[8];
        size_t len = dash ? (size_t)(dash - text) : strlen(text);

        if (len < sizeof(low)) {
                memcpy(low, text, len);
                low[len] = 0;
                if (units_parse_uint(low, &first, NULL) == 0 && first <= UINT16_MAX) {
                        last = first;
                        if ((!dash || units_parse_uint(dash + 1, &last, NULL) == 0) && first <= last &&
                            last <= UINT16_MAX && first > 0) {
                                *(struct param_ports *)out = (struct param_ports){ (uint16_t)first, (uint16_t)last };
                                return 0;
                        }
                }
        }
        return err_set(e, -EINVAL, "'%s': '%.40s' is not a port such as 8080 or a range such as 8000-8999", row->name,
                       text);
}

static json_t *text_of(char *(*format)(uint64_t, char *), uint64_t value) {
        char buf[UNITS_TEXT_SIZE];

        return json_string(format(value, buf));
}

static json_t *json_of_bool(const struct param *row, const void *v) {
        (void)row;
        return json_boolean(*(const bool *)v);
}

static json_t *json_of_uint(const struct param *row, const void *v) {
        (void)row;
        return json_integer((json_int_t) * (const uint64_t *)v);
}

static json_t *json_of_duration(const struct param *row, const void *v) {
        (void)row;
        return text_of(units_format_duration, *(const uint64_t *)v);
}

static json_t *json_of_size(const struct param *row, const void *v) {
        (void)row;
        return text_of(units_format_size, *(const uint64_t *)v);
}

static json_t *json_of_percent(const struct param *row, const void *v) {
        (void)row;
        return text_of(format_percent, *(const uint32_t *)v);
}

static json_t *json_of_bitrate(const struct param *row, const void *v) {
        (void)row;
        return text_of(units_format_bitrate, *(const uint64_t *)v);
}

static json_t *json_of_enum(const struct param *row, const void *v) {
        return json_string(row->choices[*(const int *)v]);
}

static json_t *json_of_string(const struct param *row, const void *v) {
        const char *text = *(char *const *)v;

        (void)row;
        return text ? json_string(text) : json_null();
}

static json_t *json_of_signal(const struct param *row, const void *v) {
        const char *name = sigabbrev_np(*(const int *)v);

        (void)row;
        return name ? json_sprintf("SIG%s", name) : json_integer(*(const int *)v);
}

static json_t *json_of_errno(const struct param *row, const void *v) {
        const char *name = strerrorname_np(*(const int *)v);

        (void)row;
        return name ? json_string(name) : json_integer(*(const int *)v);
}

static json_t *json_of_cidr(const struct param *row, const void *v) {
        const struct param_cidr *cidr = v;
        char address[INET6_ADDRSTRLEN];

        (void)row;
        if (!cidr->family)
                return json_null();
        (void)inet_ntop(cidr->family, &cidr->address, address, sizeof(address));
        return json_sprintf("%s/%u", address, cidr->prefix);
}

static json_t *json_of_ports(const struct param *row, const void *v) {
        const struct param_ports *ports = v;

        (void)row;
        return ports->first == ports->last ? json_integer(ports->first)
                                           : json_sprintf("%u-%u", ports->first, ports->last);
}

static int parse_rate(const struct param *row, const char *text, void *out, struct err *e) {
        double per_s;
        int r;

        r = units_parse_rate(text, &per_s, e);
        if (r < 0)
                return r;
        if (per_s < (double)row->min || (row->max && per_s > (double)row->max))
                return err_set(e, -ERANGE, "'%s' is %s; it must be in %" PRIu64 "/s … %" PRIu64 "/s", row->name, text,
                               row->min, row->max);

        *(double *)out = per_s;
        return 0;
}

static int parse_real(const struct param *row, const char *text, void *out, struct err *e) {
        double value;
        char *end;

        value = strtod(text, &end);
        if (end == text || *end || !isfinite(value))
                return err_set(e, -EINVAL, "'%s' is '%.40s'; it must be a number", row->name, text);
        if (row->max && (value < (double)row->min || value > (double)row->max))
                return err_set(e, -ERANGE, "'%s' is %s; it must be in %" PRIu64 " … %" PRIu64, row->name, text,
                               row->min, row->max);

        *(double *)out = value;
        return 0;
}

static json_t *json_of_real(const struct param *row, const void *v) {
        (void)row;
        return json_real(*(const double *)v);
}

static json_t *json_of_rate(const struct param *row, const void *v) {
        (void)row;
        return json_sprintf("%g/s", *(const double *)v);
}

static json_t *json_of_json(const struct param *row, const void *v) {
        (void)row;
        return json_incref(*(json_t *const *)v);
}

static const struct {
        const char *name, *unit;
        size_t size;
        int (*parse)(const struct param *row, const char *text, void *out, struct err *e);
        json_t *(*to_json)(const struct param *row, const void *value);
} types[PARAM_TYPE_COUNT] = {
        [PARAM_BOOL] = { "bool", "", sizeof(bool), parse_bool, json_of_bool },
        [PARAM_UINT] = { "integer", "", sizeof(uint64_t), parse_uint, json_of_uint },
        [PARAM_DURATION] = { "duration", "us", sizeof(uint64_t), parse_duration, json_of_duration },
        [PARAM_SIZE] = { "size", "bytes", sizeof(uint64_t), parse_size, json_of_size },
        [PARAM_PERCENT] = { "percentage", "ppm", sizeof(uint32_t), parse_percent, json_of_percent },
        [PARAM_BITRATE] = { "bitrate", "bit/s", sizeof(uint64_t), parse_bitrate, json_of_bitrate },
        [PARAM_ENUM] = { "choice", "", sizeof(int), parse_enum, json_of_enum },
        [PARAM_STRING] = { "text", "", sizeof(char *), parse_string, json_of_string },
        [PARAM_SIGNAL] = { "signal", "", sizeof(int), parse_signal, json_of_signal },
        [PARAM_ERRNO] = { "errno", "", sizeof(int), parse_errno, json_of_errno },
        [PARAM_CIDR] = { "network", "", sizeof(struct param_cidr), parse_cidr, json_of_cidr },
        [PARAM_PORTS] = { "ports", "", sizeof(struct param_ports), parse_ports, json_of_ports },
        [PARAM_OBJECT] = { "object", "", 0, NULL, NULL },
        [PARAM_RATE] = { "rate", "1/s", sizeof(double), parse_rate, json_of_rate },
        [PARAM_REAL] = { "number", "", sizeof(double), parse_real, json_of_real },
        [PARAM_JSON] = { "any", "", sizeof(json_t *), NULL, json_of_json },
};

const char *param_type_name(enum param_type type) {
        return types[type].name;
}

const char *param_type_unit(enum param_type type) {
        return types[type].unit;
}

size_t param_value_size(const struct param *row) {
        return types[row->type].size;
}

int param_value_parse(const struct param *row, const json_t *value, void *out, struct err *e) {
        char text[1024];
        int r;

        if (!types[row->type].parse)
                return err_set(e, -EINVAL, "'%s' cannot be given here", row->name);

        /* Long texts are legal only where the row says so; all else fits easily. */
        if (row->type == PARAM_STRING && json_is_string(value))
                return parse_string(row, json_string_value(value), out, e);

        r = value_text(value, text, sizeof(text), e);
        return r < 0 ? r : types[row->type].parse(row, text, out, e);
}

json_t *param_value_to_json(const struct param *row, const void *value) {
        return types[row->type].to_json(row, value);
}

void param_value_done(const struct param *row, void *value) {
        if (row->type != PARAM_STRING)
                return;

        free(*(char **)value);
        *(char **)value = NULL;
}

int param_parse_signal(const char *text) {
        const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
        uint64_t number;

        if (units_parse_uint(text, &number, NULL) == 0)
                return number >= 1 && number < NSIG ? (int)number : -EINVAL;

        for (int i = 1; i < NSIG; i++)
                if (sigabbrev_np(i) && strcasecmp(sigabbrev_np(i), name) == 0)
                        return i;
        return -EINVAL;
}

int param_parse_errno(const char *text) {
        uint64_t number;

        if (units_parse_uint(text, &number, NULL) == 0)
                return number >= 1 && number <= ERRNO_LAST ? (int)number : -EINVAL;

        for (int i = 1; i <= ERRNO_LAST; i++)
                if (strerrorname_np(i) && strcasecmp(strerrorname_np(i), text) == 0)
                        return i;
        return -EINVAL;
}
