/* net_mark.h — how a sweep without records knows that the clsact under our filter is ours too: its name says so. */
#pragma once

#define NET_OWNS_CLSACT "/clsact"
