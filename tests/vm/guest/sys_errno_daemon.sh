#!/bin/bash
# sys_errno_daemon — sys.errno through chaosd and chaosctl: injected, proven, undone; and gone at once when chaosd and
# its guard are killed, with nobody to clean up.
# kernels: debian errinj
# timeout: 120
. "$CHAOS_SOURCE/tests/host/lib.sh"

echo data >"$work/file"
# The victim opens a file ten times a second and says how that went. It starts no programs: those would fail as well.
python3 -u -c '
import os, sys, time
while True:
    try:
        os.close(os.open(sys.argv[1], os.O_RDONLY))
        print("well")
    except OSError:
        print("ill")
    time.sleep(0.1)' "$work/file" >"$work/log" &
victim=$!
defer "kill -KILL $victim; wait $victim"
last() { [ "$(tail -n 1 "$work/log")" = "$1" ]; }
no_programs() { ! bpftool prog list | grep -q 'name chaos_'; }

wait_until 10 last well || fail "the victim does not run"
fingerprint_take
start_chaosd

chaosctl --json doctor >"$work/doctor.json" || true
echo "backend: $(json '' <"$work/doctor.json" | grep -o '"backend": "bpf-[a-z]*"' | head -n 1)"

# In the foreground, for its whole time: exit 0 says that something met it.
chaosctl inject sys.errno --pid "$victim" --syscall openat --errno EIO --for 3s >"$work/inject.log" 2>&1 &
inject=$!
wait_until 10 last ill || fail "no effect: $(cat "$work/inject.log")"
wait "$inject" || fail "chaosctl inject: exit $?: $(cat "$work/inject.log")"
wait_until 5 last well || fail "not well after the end"
wait_until 5 no_programs || fail "programs are left: $(bpftool prog list | grep chaos_)"

# kill -9 of chaosd and of its guard, in the middle.
answer=$(api POST /v1/faults '{"kind":"sys.errno","for":"60s","lease":"none","target":{"pid":'"$victim"'},
        "params":{"syscalls":["openat"],"errno":"ENOSPC"}}')
wait_until 10 last ill || fail "no effect: $answer"
sleep 0.5
hits=$(api GET "/v1/faults/$(json '["uid"]' <<<"$answer")" | json '["evidence"]["hits"]')
[ "$hits" -gt 0 ] || fail "no evidence"
guard=$(pgrep -P "$chaosd_pid" -x chaos-guard) || fail "chaosd has no guard"
kill -KILL "$guard"
stop_chaosd KILL
wait_until 2 last well || fail "the fault outlives chaosd"
wait_until 5 no_programs || fail "programs outlive chaosd"

# The next start finds the record, undoes it (there is nothing to undo) and listens.
start_chaosd
[ -z "$(ls -A "$chaosd_dir/faults")" ] || fail "a record is left"
stop_chaosd
assert_fingerprint_same 5
