/* kinds.h — the catalogue of fault kinds as data: generated at build time from the kinds themselves, so that
 * chaosctl validates and documents faults without linking a single one. */
#pragma once

/* NUL-terminated JSON: {"kinds": [fault_describe() …], "target": the selector table}. Linked
 * from the target chaos_catalogue. */
extern const char kinds_json_text[];
