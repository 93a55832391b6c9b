#!/bin/bash
# openat — what one openat/close costs: bare; with a fault on another process; with a fault that matches but never
# hits; and under strace with the same expression. All in one boot, one after the other, three rounds.
# kernels: errinj debian
set -euo pipefail
export PATH=$PATH:/usr/sbin CHAOSD_SOCKET=/run/bench.sock

"$CHAOS_BIN/chaosd" --runtime-dir /run/bench --socket "$CHAOSD_SOCKET" --audit-log /run/bench.audit 2>/run/bench.log &
for _ in $(seq 200); do
        "$CHAOS_BIN/chaosctl" status >/dev/null 2>&1 && break
        sleep 0.05
done

# loop [COMMAND…]: one measurement under COMMAND; prints its line of JSON.
loop() { "$@" "$CHAOS_BIN/bench_openat" "${SECONDS_EACH:-1}" <<<x; }

# loop_with_fault TARGET_PID|self: the program waits for a byte until the fault is there.
loop_with_fault() {
        local fifo=/run/bench.fifo pid uid
        rm -f $fifo
        mkfifo $fifo
        "$CHAOS_BIN/bench_openat" 1 <$fifo >/run/bench.out &
        pid=$!
        exec 7>$fifo
        uid=$("$CHAOS_BIN/chaosctl" inject sys.errno --pid "${1/self/$pid}" --syscall openat --errno ENOSPC \
                --when 1000000000 --for 5m --detach --quiet)
        echo x >&7
        exec 7>&-
        wait $pid
        "$CHAOS_BIN/chaosctl" revert "$uid" --json >/run/bench.fault
        cat /run/bench.out
}

# check_matched WANTED: did the fault meet the loop's calls? A figure of a fault that was not there is worth nothing.
check_matched() {
        local matched
        matched=$(python3 -c '
import json
fault = json.load(open("/run/bench.fault"))["reverted"][0]
print(next(c["value"] for c in fault["evidence"]["counters"] if c["name"] == "matched"))')
        if { [ "$1" = yes ] && [ "${matched:-0}" -eq 0 ]; } || { [ "$1" = no ] && [ "${matched:-1}" -ne 0 ]; }; then
                echo "FAIL: matched ${matched:-nothing known}, wanted $1: $(cat /run/bench.fault)"
                exit 1
        fi
}

sleep 1000 &
other=$!
for round in 1 2 3; do
        echo "bare $(loop env)"
        figure=$(loop_with_fault $other)
        echo "other $figure"
        check_matched no
        figure=$(loop_with_fault self)
        echo "matching $figure"
        check_matched yes
        echo "strace $(loop strace -f -qq -o /dev/null -e trace=openat -e inject=openat:error=ENOSPC:when=60000)"
done
"$CHAOS_BIN/chaosctl" doctor --json | python3 -c '
import json, sys
for kind in json.load(sys.stdin)["kinds"]:
    if kind["kind"] == "sys.errno":
        print("backend", json.dumps(kind["backend"]))'
