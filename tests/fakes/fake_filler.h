/* fake_filler.h — how a test shapes the fake filesystem of tests/fakes/filler.c. */
#pragma once

#include "faults/mech/filler.h"

void fake_filler_reset(void);                 /* 10 GiB, 8 free, 7 of them available, ext4 */
struct filler_space *fake_filler_space(void); /* to be changed */
void fake_filler_same(void);                  /* it is the journal's filesystem */
void fake_filler_ends(enum filler_state state, int error);
