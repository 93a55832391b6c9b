/* events.h — GET /v1/events: server-sent events. A reader that does not keep up is dropped, never waited for. */
#pragma once

#include "core/json.h"

struct MHD_Connection;
struct MHD_Response;
struct daemon;
struct err;

#define EVENTS_STREAMS_MAX 16

/* events_publish — tell every reader: {"type","time",KEY:value}. value is borrowed, may be NULL. */
void events_publish(struct daemon *d, const char *type, const char *key, json_t *value);

/* events_open — the response that feeds one reader. -EDQUOT when there are EVENTS_STREAMS_MAX already. */
int events_open(struct daemon *d, struct MHD_Connection *connection, struct MHD_Response **ret, struct err *e);

/* events_end — let every stream finish (the daemon stops). */
void events_end(struct daemon *d);
