/* fault_view.h — fault objects (docs/api/README.md) in words: rows of a table, one line, everything. */
#pragma once

#include "chaosctl/cli.h"

/* "netns shop-front, interface up0, peer 10.77.1.2/32 ports 8080": the target as given. Returns buf. */
char *fault_view_target(const json_t *fault, char *buf, size_t size);

/* "delay 80ms, jitter 5ms": the parameters as the daemon normalised them. Returns buf. */
char *fault_view_params(const json_t *fault, char *buf, size_t size);

/* "1m30s", "29s", "0.4s": a span for people, in milliseconds. Returns buf. */
char *fault_view_span(double ms, char *buf, size_t size);

enum term_style fault_view_state_style(const char *state);

/* One table over all of them; "No faults." when there are none. */
int fault_view_list(struct cli *cli, const json_t *faults);

/* Everything about one. */
void fault_view_whole(struct cli *cli, const json_t *fault);

/* A plan of the daemon (POST /v1/plan): backend, objects it resolved to, every change. */
void fault_view_plan(struct cli *cli, const json_t *plan);

/* fault_view_is_over — gone, or failed with nobody left who tries. */
bool fault_view_is_over(const json_t *fault);

/* fault_view_verdict — what the end of a fault means to a script: EXIT_RESIDUE when the undo did not succeed,
 * EXIT_ABORTED when someone or something ended it early, EXIT_INCONCLUSIVE when nothing met it or its effect was
 * not there when it was last looked at, EXIT_PASS.
 * *ret_word: "passed" …, static. */
int fault_view_verdict(const json_t *fault, const char **ret_word);

/* fault_view_ending — the last words about a fault that is over: hits, verified, how it was undone. */
void fault_view_ending(struct term *t, const json_t *fault);
