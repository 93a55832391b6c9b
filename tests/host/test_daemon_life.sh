#!/bin/bash
# What ends a fault: renewal that stops, DELETE, halt, SIGTERM, SIGKILL of the daemon, a restart, reap, the death of its
# target. Seen on a process that proc.pause stops: its state in /proc is the evidence.
. "$(dirname "$0")/lib.sh"
need_root
need_tool curl python3

# A target of our own for each fault.
new_target() {
        sleep 1000 &
        target=$!
        defer "kill -KILL $target; wait $target"
}
state_of() { awk '{ print $3 }' "/proc/$1/stat"; }
is_stopped() { [ "$(state_of "$1")" = T ]; }
is_awake() { [ "$(state_of "$1")" = S ]; }
pause() { api POST /v1/faults '{"kind":"proc.pause","for":"60s","target":{"pid":'"$1"'}'"${2:-}"'}'; }
reason_of() { api GET "/v1/faults/$1" | json '["reason"]'; }
expect_stopped() { is_stopped "$1" || fail "process $1 is not stopped"; }
expect_awake() { wait_until "${2:-2}" is_awake "$1" || fail "process $1 is still $(state_of "$1")"; }
guard_pid() { pgrep -P "$chaosd_pid" -x chaos-guard; }
daemon_args=(--runtime-dir "$work/run")
reap() { "$CHAOS_BIN/chaosd" --reap "${daemon_args[@]}" "$@"; }

new_target
first=$target
fingerprint_take
start_chaosd

# A lease that nobody renews.
uid=$(pause "$first" ',"lease":"2s"' | json '["uid"]')
expect_stopped "$first"
for _ in 1 2 3 4; do
        sleep 0.6
        api POST "/v1/faults/$uid/renew" '{}' >/dev/null
done
expect_stopped "$first"
expect_awake "$first" 4
wait_until 2 test "$(reason_of "$uid")" = lease || fail "reason: $(reason_of "$uid")"
status=$(api POST "/v1/faults/$uid/renew" '{}' | json '["status"]')
[ "$status" = 409 ] || fail "a fault that is over was renewed: $status"

# DELETE answers when it is undone, and says the same again.
uid=$(pause "$first" | json '["uid"]')
expect_stopped "$first"
once=$(api DELETE "/v1/faults/$uid")
is_awake "$first" || fail "DELETE answered before the undo"
[ "$(json '["undo"]["ok"]' <<<"$once")" = true ] || fail "undo: $once"
[ "$(json '["evidence"]["hits"]' <<<"$once")" -ge 1 ] || fail "no evidence: $once"
[ "$once" = "$(api DELETE "/v1/faults/$uid")" ] || fail "the second DELETE says something else"

# The plan changes nothing.
api POST /v1/plan '{"kind":"proc.pause","for":"60s","target":{"pid":'"$first"'}}' | grep -q SIGSTOP || fail "no plan"
is_awake "$first" || fail "the plan was carried out"

# Its target dies.
new_target
uid=$(pause "$target" | json '["uid"]')
kill -KILL "$target"
wait_until 2 test "$(reason_of "$uid")" = target-gone || fail "reason: $(reason_of "$uid")"

# halt reverts, refuses, and outlives the daemon.
uid=$(pause "$first" | json '["uid"]')
expect_stopped "$first"
api POST /v1/halt '{"reason":"real incident"}' | grep -q "$uid" || fail "halt did not name the fault"
is_awake "$first" || fail "halt answered before the undo"
pause "$first" | grep -q '"status":423' || fail "a halted daemon injects"
stop_chaosd
[ "$chaosd_status" = 0 ] || fail "exit status $chaosd_status"
start_chaosd
[ "$(api GET /v1/capabilities | json '["halt_reason"]')" = "real incident" ] || fail "the halt was forgotten"
pause "$first" | grep -q 'real incident' || fail "a restarted daemon injects"
api POST /v1/resume >/dev/null

# SIGTERM.
pause "$first" >/dev/null
expect_stopped "$first"
stop_chaosd TERM
[ "$chaosd_status" = 0 ] || fail "exit status $chaosd_status"
is_awake "$first" || fail "SIGTERM left the fault"

# SIGKILL: the guard undoes it with nobody's help, and goes.
start_chaosd
pause "$first" >/dev/null
expect_stopped "$first"
guard=$(guard_pid)
kill -TERM "$guard" # ignored: it has to outlive a service manager's stop
stop_chaosd KILL
expect_awake "$first" 2
wait_until 2 test ! -e "/proc/$guard" || fail "the guard is still there"
[ -z "$(ls -A "$chaosd_dir/faults")" ] || fail "a record is left"

# SIGKILL of both: the next start undoes it before it listens.
start_chaosd
uid=$(pause "$first" | json '["uid"]')
old=$(guard_pid)
kill -KILL "$old"
is_replaced() { guard_pid | grep -qvx "$old"; }
wait_until 2 is_replaced || fail "a dead guard is not replaced"
wait_until 2 test ! -e "/proc/$old" || fail "a dead guard is not buried"
kill -STOP "$(guard_pid)" # so that it cannot heal
guard=$(guard_pid)
stop_chaosd KILL
expect_stopped "$first"
start_chaosd
is_awake "$first" || fail "the daemon listened before it had recovered"
[ "$(reason_of "$uid")" = recovered ] || fail "reason: $(reason_of "$uid")"
kill -CONT "$guard"
wait_until 2 test ! -e "/proc/$guard" || fail "the old guard is still there"
chaosd_answers || fail "the old guard harmed the new daemon"

# reap: refused while a daemon is alive; with both dead it says what it would do, and does it.
pause "$first" >/dev/null
reap 2>"$work/said" && fail "reaped under a live daemon"
grep -q "process $chaosd_pid is alive" "$work/said" || fail "no reason: $(cat "$work/said")"
expect_stopped "$first"
guard=$(guard_pid)
kill -STOP "$guard"
stop_chaosd KILL
rc=0
reap --dry-run >"$work/said" || rc=$?
[ $rc = 6 ] && grep -q "would undo proc.pause" "$work/said" || fail "dry run: $rc, $(cat "$work/said")"
expect_stopped "$first"
reap --json >"$work/said" || fail "reap: $?, $(cat "$work/said")"
[ "$(json '["clean"]' <"$work/said")" = true ] && [ "$(json '["records"][0]["kind"]' <"$work/said")" = proc.pause ] ||
        fail "reap said: $(cat "$work/said")"
is_awake "$first" || fail "reap left the fault"
reap | grep -q "^clean: 0 records" || fail "a second reap is not clean"
kill -CONT "$guard"
wait_until 2 test ! -e "/proc/$guard" || fail "the old guard is still there"

# Everything above is in the audit log, and no line of it can be changed unseen.
"$CHAOS_BIN/chaosd" --verify-audit "$work/audit.jsonl" || fail "the audit chain is broken"
for action in start inject revert halt resume recover; do
        grep -q "\"action\":\"$action\"" "$work/audit.jsonl" || fail "no '$action' in the audit log"
done
sed '2s/"uid":0/"uid":7/' "$work/audit.jsonl" >"$work/forged"
"$CHAOS_BIN/chaosd" --verify-audit "$work/forged" 2>/dev/null && fail "a changed line was not noticed"
sed 3d "$work/audit.jsonl" >"$work/forged"
"$CHAOS_BIN/chaosd" --verify-audit "$work/forged" 2>/dev/null && fail "a missing line was not noticed"
assert_fingerprint_same
