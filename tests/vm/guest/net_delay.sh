#!/bin/bash
# net_delay — the netem lane against a bare netem that tc set, both lanes against each other, and nothing left behind.
# kernels: debian errinj
# timeout: 300
set -euo pipefail
host_test=$CHAOS_SOURCE/tests/host/test_net_delay.py

CHAOS_LANE=netem "$host_test" test_against_tc test_lanes_agree test_ports test_foreign test_no_residue test_deadline \
        test_target_gone
CHAOS_LANE=relay "$host_test" test_relay_killed
