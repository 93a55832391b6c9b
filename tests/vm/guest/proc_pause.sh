#!/bin/bash
# proc_pause — proc.pause on a kernel whose control groups are version 2 only, with nobody else on the machine.
# kernels: debian
# timeout: 180
exec "$CHAOS_SOURCE/tests/host/test_proc_pause.sh"
