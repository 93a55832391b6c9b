#!/bin/bash
# chaosd is killed with SIGKILL at every step of its journal in turn, while it injects and while it undoes: the guard,
# or the next start when the guard is dead too, must bring the host back to what it was.
. "$(dirname "$0")/lib.sh"
need_root
need_tool curl ip mount

netns_pair "$tag-a" "$tag-b"
sleep 1000 &
target=$!
defer "kill -KILL $target; wait $target"
is_awake() { [ "$(awk '{ print $3 }' "/proc/$target/stat")" = S ]; }
is_dead() { ! kill -0 "$chaosd_pid" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$chaosd_pid/stat")" = Z ]; }
is_journal_empty() { [ -z "$(ls -A "$work/run/faults")" ]; }
guard_pid() { pgrep -P "$chaosd_pid" -x chaos-guard; }

# one_life BODY: inject, then undo; either may find the daemon dead.
one_life() {
        local uid
        uid=$(api POST /v1/faults "$1" | json '["uid"]' 2>/dev/null) || return 0
        api DELETE "/v1/faults/$uid" >/dev/null || true
}

# crash_everywhere NAME BODY MINIMUM: until the daemon survives a whole life.
crash_everywhere() {
        local name=$1 body=$2 step=0 healer
        for healer in guard restart; do
                step=0
                while step=$((step + 1)); do
                        [ $step -lt 100 ] || fail "$name: over 100 journal steps"
                        CHAOS_CRASH_AT=$step start_chaosd
                        guard=$(guard_pid)
                        [ $healer = guard ] || kill -STOP "$guard"
                        one_life "$body"
                        if ! wait_until 0 is_dead; then
                                kill -CONT "$guard"
                                stop_chaosd
                                break
                        fi
                        stop_chaosd KILL
                        if [ $healer = restart ]; then
                                start_chaosd
                                is_journal_empty || fail "$name, step $step: a daemon listens before it has recovered"
                                kill -CONT "$guard"
                        fi
                        wait_until 3 test ! -e "/proc/$guard" || fail "$name, step $step: the guard stays"
                        stop_chaosd
                        is_journal_empty ||
                                fail "$name, step $step, $healer: a record is left: $(cat "$work"/run/faults/*)"
                        wait_until 3 is_awake || fail "$name, step $step, $healer: the process is still stopped"
                        assert_fingerprint_same 3
                done
                echo "$name, healed by $healer: $((step - 1)) steps"
                [ $step -gt "$3" ] || fail "$name: only $((step - 1)) steps; is this a debug build?"
        done
}

mkdir "$work/disk"
mount -t tmpfs -o size=32m tmpfs "$work/disk"
defer "umount $work/disk"
fingerprint_take
CHAOS_CRASH_AT=1 start_chaosd
one_life '{"kind":"proc.pause","for":"60s","target":{"pid":'"$target"'}}'
wait_until 1 is_dead || skip "this build has no crash points (they are in debug builds only)"
stop_chaosd

crash_everywhere proc.pause '{"kind":"proc.pause","for":"60s","target":{"pid":'"$target"'}}' 6
if api_kinds=$("$CHAOS_BIN/chaosd" --capabilities) && grep -q '"kind": "net.delay"' <<<"$api_kinds"; then
        crash_everywhere net.delay '{"kind":"net.delay","for":"60s","target":{"netns":"'"$tag-a"'","interface":"up0"},
                "params":{"delay":"20ms"}}' 6
fi
crash_everywhere disk.fill '{"kind":"disk.fill","for":"60s","target":{"path":"'"$work"'/disk"},
        "params":{"size":"4MiB","reserve":"0B"}}' 4
