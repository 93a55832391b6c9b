/* stop.h — signals, and the way out: SIGTERM and SIGINT undo everything, then the daemon exits. */
#pragma once

struct daemon;
struct err;

int stop_watch_signals(struct daemon *d, struct err *e);
