# lib.sh — helpers of host tests. In a test:  . "$(dirname "$0")/lib.sh"
#
# A test says what is wrong with fail, what the machine lacks with skip, and gives back what it takes with `defer`:
# deferred commands run in reverse order however the test ends. $work is a directory of its own, gone at the end.
# Names made here carry $tag (unique to this process, at most 6 characters), so that tests never meet each other.
# shellcheck shell=bash
set -euo pipefail

CHAOS_SOURCE=${CHAOS_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
export PATH=$CHAOS_SOURCE/tests/lib/bin:$PATH:/usr/sbin:/sbin LC_ALL=C
CHAOS_BIN=${CHAOS_BIN:-$CHAOS_SOURCE/build/dev/bin}
fingerprint=$CHAOS_SOURCE/tests/lib/fingerprint
tag=t$(($$ % 100000))
deferred=()
chaosd_pid=
chaosd_children=

defer() { deferred+=("$*"); }

run_deferred() {
        local rc=$? i
        trap - EXIT
        set +e
        for ((i = ${#deferred[@]} - 1; i >= 0; i--)); do
                eval "${deferred[i]}" 2>/dev/null
        done
        exit "$rc"
}
trap run_deferred EXIT
trap 'exit 130' INT TERM HUP

fail() {
        echo "FAIL: $* (${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]})" >&2
        exit 1
}

# The last line of a skipped test is its reason.
skip() {
        echo "SKIP: $*"
        exit 77
}

need_root() { [ "$(id -u)" -eq 0 ] || skip "needs root"; }
need_tool() {
        local tool
        for tool; do
                command -v "$tool" >/dev/null || skip "$tool is not installed"
        done
}

# between VALUE LOW HIGH: decimal numbers, bounds included.
between() { awk -v v="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(v >= a && v <= b) }'; }

# wait_until SECONDS COMMAND…: until the command succeeds; 1 when it never did.
wait_until() {
        local end=$((SECONDS + $1 + 1))
        shift
        until "$@"; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.05
        done
}

work=$(mktemp -d "${TMPDIR:-/tmp}/chaos-test.XXXXXX")
defer 'rm -rf "$work"'

# netns_new NAME: a network namespace with its loopback up, removed at the end.
netns_new() {
        ip netns add "$1"
        defer "ip netns del $1"
        ip -n "$1" link set lo up
}

# netns_pair A B: namespaces A and B joined by a veth pair; device up0 in both, 10.77.0.1 and .2, fd77::1 and ::2.
netns_pair() {
        local n=0 ns
        netns_new "$1"
        netns_new "$2"
        ip link add up0 netns "$1" type veth peer name up0 netns "$2"
        for ns in "$1" "$2"; do
                n=$((n + 1))
                ip -n "$ns" addr add "10.77.0.$n/24" dev up0
                ip -n "$ns" addr add "fd77::$n/64" dev up0 nodad
                ip -n "$ns" link set up0 up
        done
}

in_ns() { ip netns exec "$@"; }

# ping_ms NETNS ADDRESS [COUNT]: the median round trip in milliseconds; empty when nothing came back.
ping_ms() {
        in_ns "$1" ping -n -i 0.02 -c "${3:-20}" -W 2 "$2" | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n |
                awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}

chaosd_answers() { curl -fs -o /dev/null --max-time 2 --unix-socket "$CHAOSD_SOCKET" http://localhost/healthz; }

# start_chaosd [CONFIG_TEXT] [OPTION…]: a daemon of the test's own; returns when it answers.
# Sets chaosd_pid, CHAOSD_SOCKET (which chaosctl reads) and chaosd_dir; log: $work/chaosd.log.
start_chaosd() {
        local config=${1:-}
        [ -x "$CHAOS_BIN/chaosd" ] || fail "no chaosd in $CHAOS_BIN"
        chaosd_dir=$work/run
        export CHAOSD_SOCKET=$work/chaosd.sock CHAOSD_RUNTIME_DIR=$chaosd_dir XDG_STATE_HOME=$work/state
        local options=(--runtime-dir "$chaosd_dir" --socket "$CHAOSD_SOCKET" --audit-log "$work/audit.jsonl")
        if [ -n "$config" ]; then
                printf '%s\n' "$config" >"$work/chaosd.yaml"
                options+=(--config "$work/chaosd.yaml")
        fi
        "$CHAOS_BIN/chaosd" "${options[@]}" "${@:2}" 2>>"$work/chaosd.log" &
        chaosd_pid=$!
        defer end_chaosd
        if ! wait_until 5 chaosd_answers; then
                cat "$work/chaosd.log" >&2
                fail "chaosd does not answer on $CHAOSD_SOCKET"
        fi
}

# stop_chaosd [SIGNAL]: ends the daemon and waits for it; its exit status (128 + n for a signal) is in chaosd_status.
stop_chaosd() {
        [ -n "$chaosd_pid" ] || return 0
        chaosd_children+=" $(pgrep -P "$chaosd_pid" | tr '\n' ' ' || true)"
        kill -"${1:-TERM}" "$chaosd_pid" 2>/dev/null || true
        chaosd_status=0
        wait "$chaosd_pid" 2>/dev/null || chaosd_status=$?
        chaosd_pid=
}

# What a killed daemon leaves dies by itself, but not at once: a test ends when its guard and its children have ended,
# so that the next test finds a quiet host.
end_chaosd() {
        local pid n=0
        stop_chaosd
        for pid in $chaosd_children; do
                while [ -e "/proc/$pid" ] && [ $((n++)) -lt 200 ]; do
                        sleep 0.05
                done
        done
        chaosd_children=
}

chaosctl() { "$CHAOS_BIN/chaosctl" "$@"; }

# api METHOD PATH [JSON]: the daemon's answer as it is.
api() {
        curl -s --max-time 10 --unix-socket "$CHAOSD_SOCKET" -X "$1" "http://localhost$2" \
                ${3:+-H "Content-Type: application/json" -d "$3"}
}

# json EXPRESSION: a value out of JSON on stdin, e.g. `api GET /v1/faults | json '["faults"][0]["uid"]'`.
json() { python3 -c "import json, sys; v = json.load(sys.stdin)$1; print(v if isinstance(v, str) else json.dumps(v))"; }

# fingerprint_take: remember the host as it is now. assert_fingerprint_same [SECONDS]: it is so again.
fingerprint_take() { "$fingerprint" >"$work/fingerprint"; }
assert_fingerprint_same() { "$fingerprint" same "$work/fingerprint" "${1:-5}" || fail "something was left behind"; }
