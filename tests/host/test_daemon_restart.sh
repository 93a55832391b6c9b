#!/bin/bash
# Whoever comes while the guard of a killed chaosd still heals waits for it: the next start and `chaosctl reap` alike.
. "$(dirname "$0")/lib.sh"
need_root
need_tool curl python3

chaosd_dir=$work/run
lock=$chaosd_dir/lock

# hold_lock NAME SECONDS: a process of this name holds the runtime directory's lock for so long.
hold_lock() {
        python3 - "$lock" "$@" <<'PYTHON' &
import ctypes, fcntl, sys, time
file = open(sys.argv[1], "r+")
ctypes.CDLL(None).prctl(15, sys.argv[2].encode())
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(float(sys.argv[3]))
PYTHON
        holder=$!
        defer "kill $holder; wait $holder"
        wait_until 5 is_held || fail "nobody holds $lock"
}
is_held() { ! python3 -c 'import fcntl, sys; fcntl.lockf(open(sys.argv[1], "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB)' "$lock" \
        2>/dev/null; }

start_chaosd
stop_chaosd

hold_lock chaos-guard 0.7
start_chaosd
stop_chaosd
[ $chaosd_status = 0 ] || fail "exit $chaosd_status"

hold_lock chaos-guard 0.7
chaosctl reap >"$work/said" 2>&1 || fail "reap: $(cat "$work/said")"
hold_lock chaos-guard 0.7
chaosctl reap --dry-run >"$work/said" 2>&1 || fail "reap --dry-run: $(cat "$work/said")"

# A socket whose listener is dead is stale, although a process that it forked still holds a copy.
rm -f "$CHAOSD_SOCKET"
python3 - "$CHAOSD_SOCKET" "$work/heir" <<'PYTHON'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(5)
if pid := os.fork():
    with open(sys.argv[2], "w") as f:
        f.write(str(pid))
    os._exit(0)
os.closerange(0, 3)
time.sleep(60)
PYTHON
defer 'kill "$(cat "$work/heir")"'
start_chaosd
stop_chaosd

# Anybody else is in the way, and at once.
hold_lock chaosd 60
rc=0
"$CHAOS_BIN/chaosd" --runtime-dir "$chaosd_dir" --socket "$CHAOSD_SOCKET" 2>"$work/said" || rc=$?
[ $rc = 5 ] || fail "two daemons on one directory: exit $rc"
grep -q "held by process $holder" "$work/said" || fail "$(cat "$work/said")"
rc=0
chaosctl reap --json >"$work/said" 2>&1 || rc=$?
[ $rc = 5 ] || fail "reap beside a daemon: exit $rc"
json '["error"]' <"$work/said" >/dev/null || fail "not JSON: $(cat "$work/said")"
