#!/bin/bash
# What the daemon tells: events as they happen, metrics that Prometheus reads; and that it costs nothing when idle.
. "$(dirname "$0")/lib.sh"
need_root
need_tool curl python3

start_chaosd
sleep 1000 &
target=$!
defer "kill -KILL $target; wait $target"
pause() { api POST /v1/faults '{"kind":"proc.pause","for":"60s","target":{"pid":'"$target"'}}' | json '["uid"]'; }

curl -sN --max-time 30 --unix-socket "$CHAOSD_SOCKET" http://localhost/v1/events >"$work/events" &
reader=$!
defer "kill $reader; wait $reader"
wait_until 2 grep -q chaosd "$work/events" || fail "the stream does not begin"
# A reader that takes nothing: it may cost others nothing.
python3 - "$CHAOSD_SOCKET" <<'PYTHON' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(sys.argv[1])
s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
time.sleep(60)
PYTHON
lazy=$!
defer "kill $lazy; wait $lazy"

uid=$(pause)
api POST "/v1/faults/$uid/renew" '{}' >/dev/null
api DELETE "/v1/faults/$uid" >/dev/null
api POST /v1/halt '{"reason":"a drill"}' >/dev/null
api POST /v1/resume >/dev/null
seen() { sed -n 's/^event: //p' "$work/events" | tr '\n' ' '; }
seen_all() { [ "$(seen)" = "injected renewed reverted halted resumed " ]; }
wait_until 2 seen_all || fail "events: $(cat "$work/events")"
sed -n 's/^data: //p' "$work/events" | head -1 >"$work/data"
[ "$(json '["fault"]["uid"]' <"$work/data")" = "$uid" ] || fail "data: $(cat "$work/data")"

# An event that no request causes: a lease lapses.
api POST /v1/faults '{"kind":"proc.pause","for":"60s","lease":"200ms","target":{"pid":'"$target"'}}' >/dev/null
lapsed() { grep -q '"reason":"lease"' "$work/events"; }
wait_until 2 lapsed || fail "a lapse that nobody asked about is not told: $(cat "$work/events")"

uid=$(pause)
for i in $(seq 600); do # far more than a socket and the reader's buffer hold
        [ "$i" = 1 ] || echo next
        printf 'url = "http://localhost/v1/faults/%s/renew"\nunix-socket = "%s"\n' "$uid" "$CHAOSD_SOCKET"
        printf 'data = "{}"\noutput = "/dev/null"\n'
done >"$work/renewals"
curl -s -K "$work/renewals" || fail "renewals"
api DELETE "/v1/faults/$uid" >/dev/null
wait_until 3 bash -c "[ \"\$(grep -c '^event: renewed' '$work/events')\" = 601 ]" ||
        fail "a quick reader got $(grep -c '^event: renewed' "$work/events") of 601 renewals"
api GET /metrics >"$work/metrics"
grep -q '^chaosd_event_streams_dropped_total 1$' "$work/metrics" ||
        fail "the slow reader was not dropped: $(cat "$work/metrics")"
kill "$lazy" "$reader"

grep -q '^chaosd_faults_active{kind="proc.pause"} 0$' "$work/metrics" || fail "$(cat "$work/metrics")"
grep -q '^chaosd_faults_injected_total{kind="proc.pause"} 3$' "$work/metrics" || fail "$(cat "$work/metrics")"
grep -q '^chaosd_fault_hits_total{kind="proc.pause"} 3$' "$work/metrics" || fail "$(cat "$work/metrics")"
if command -v promtool >/dev/null; then
        promtool check metrics <"$work/metrics" || fail "promtool does not like the metrics"
fi

# Idle: not one wake-up in three seconds (a reading of /proc does not wake it).
switches() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$1/status"; }
idle() {
        local before
        before=$(switches "$1")
        sleep 3
        [ "$(switches "$1")" = "$before" ]
}
wait_until 12 idle "$chaosd_pid" || fail "chaosd wakes up with nothing to do"
idle "$(pgrep -P "$chaosd_pid" -x chaos-guard)" || fail "the guard wakes up with nothing to do"
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$chaosd_pid/status")
echo "resident: $rss KiB, idle wake-ups: 0/s"
stop_chaosd
[ "$chaosd_status" = 0 ] || fail "exit status $chaosd_status"
