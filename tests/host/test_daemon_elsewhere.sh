#!/bin/bash
# A reaper leaves alone what carries our mark while a daemon in another network namespace (a container's) has live
# faults, and sweeps again when there are none.
. "$(dirname "$0")/lib.sh"
need_root
need_tool ip curl python3

ns=$tag-n
netns_new "$ns"
sleep 300 &
victim=$!
defer "kill -CONT $victim; kill $victim"

export CHAOSD_SOCKET=$work/socket
ip netns exec "$ns" "$CHAOS_BIN/chaosd" --runtime-dir "$work/there" --socket "$CHAOSD_SOCKET" \
        --audit-log "$work/audit.jsonl" 2>"$work/chaosd.log" &
chaosd_pid=$!
defer end_chaosd
wait_until 5 chaosd_answers || fail "no answer: $(cat "$work/chaosd.log")"

mkdir -p "$work/here/faults"
reap() { "$CHAOS_BIN/chaosd" --reap --dry-run --runtime-dir "$work/here"; }
reap >"$work/said" || fail "an idle daemon elsewhere: $(cat "$work/said")"
grep -q "not swept" "$work/said" && fail "an idle daemon elsewhere kept the reaper from sweeping"

uid=$(chaosctl inject proc.pause --pid $victim --for 60s --detach --quiet) || fail "not injected"
reap >"$work/said" || fail "reap: $(cat "$work/said")"
grep -q "not swept: another chaosd (process $chaosd_pid)" "$work/said" || fail "swept beside live faults: $(cat "$work/said")"

chaosctl revert "$uid" >/dev/null || fail "not reverted"
reap >"$work/said" || fail "reap: $(cat "$work/said")"
! grep -q "not swept" "$work/said" || fail "not swept although the fault is over"
