#!/bin/bash
# proc.pause on a real redis: it answers, it does not, it answers again (after revert, at the deadline, after kill -9
# of the daemon), by SIGSTOP and by the freezer; and what others have stopped stays stopped.
. "$(dirname "$0")/lib.sh"
need_root
need_tool redis-server redis-cli ip curl python3

ns=$tag-pause
group=/$tag-pause
redis=

netns_new "$ns"

start_redis() {
        ip netns exec "$ns" redis-server --port 6379 --bind 127.0.0.1 --save "" --dir "$work" >"$work/redis.log" 2>&1 &
        redis=$!
        wait_until 5 answers || fail "redis does not start: $(tail -1 "$work/redis.log")"
}
end_redis() {
        [ -n "$redis" ] || return 0
        kill -CONT "$redis"
        kill -9 "$redis"
        wait "$redis" 2>/dev/null || true
        redis=
}
defer end_redis

# One second is a thousand times what redis needs for an answer; a busy machine gets ten.
ping_redis() { in_ns "$ns" timeout "$1" redis-cli ping 2>/dev/null; }
answers() { [ "$(ping_redis 10)" = PONG ]; }
is_silent() { [ "$(ping_redis 1)" != PONG ]; }
state() { awk '/^State:/ { print $2 }' "/proc/$redis/status"; }
is_state() { [ "$(state)" = "$1" ]; }
records() { find "$chaosd_dir/faults" -name '*.json' 2>/dev/null | wc -l; }
evidence() { api GET "/v1/faults/$1" | json "[\"evidence\"][\"$2\"]"; }
pause() { chaosctl inject proc.pause "$@" --detach; }

start_redis
fingerprint_take
start_chaosd

# A dry run says what would be done, and does nothing.
plan=$(chaosctl inject proc.pause --netns "$ns" --comm redis-server --for 30s --dry-run)
[[ $plan == *"stop $redis (redis-server"*SIGSTOP* ]] || fail "the plan does not name the process: $plan"
answers || fail "a dry run has stopped redis"

# SIGSTOP, then revert.
uid=$(pause --netns "$ns" --listens 6379 --for 60s)
is_state T || fail "redis is not stopped but $(state)"
is_silent || fail "a stopped redis answers"
[ "$(evidence "$uid" hits)" = 1 ] || fail "hits: $(evidence "$uid" hits)"
[ "$(evidence "$uid" verified)" = true ] || fail "not verified: $(evidence "$uid" note)"
[ "$(records)" = 1 ] || fail "$(records) records while a fault is on"
chaosctl revert "$uid" >"$work/revert"
answers || fail "redis does not answer after revert; it is $(state)"
[ "$(records)" = 0 ] || fail "a record was left"

# Somebody else wakes it: the evidence says so.
uid=$(pause --pid "$redis" --for 60s)
kill -CONT "$redis"
wait_until 5 answers || fail "redis does not wake"
[ "$(evidence "$uid" verified)" = false ] || fail "verified although redis runs"
[[ $(evidence "$uid" note) == *woken* ]] || fail "note: $(evidence "$uid" note)"
chaosctl revert "$uid" >"$work/revert"

# The deadline ends it with nobody's help.
uid=$(pause --netns "$ns" --comm redis-server --for 3s)
is_state T || fail "redis is not stopped"
wait_until 10 answers || fail "redis does not answer after the deadline"

# What somebody else has stopped is refused and stays stopped.
kill -STOP "$redis"
if pause --pid "$redis" --for 60s >"$work/refused" 2>&1; then fail "paused what was stopped already"; fi
grep -q "stopped already" "$work/refused" || fail "refused without the reason: $(cat "$work/refused")"
is_state T || fail "somebody else's stop was undone"
kill -CONT "$redis"

# Protected: PID 1, the daemon, the whole node.
for target in "--pid 1" "--pid $chaosd_pid" "--comm chaosd" "--cgroup /"; do
        # shellcheck disable=SC2086
        if pause $target --for 60s >"$work/refused" 2>&1; then fail "paused $target"; fi
        grep -q "protected" "$work/refused" || fail "$target refused without the rule: $(cat "$work/refused")"
done
if pause --comm no-such-thing --for 60s >"$work/refused" 2>&1; then fail "paused nothing"; fi
grep -q "no process with comm 'no-such-thing'" "$work/refused" || fail "$(cat "$work/refused")"

# The target dies: healed, and no record stays.
uid=$(pause --pid "$redis" --for 60s)
end_redis
no_records() { [ "$(records)" = 0 ]; }
wait_until 5 no_records || fail "a record of a dead target was left"
start_redis

# kill -9 of the daemon: the guard wakes redis.
uid=$(pause --pid "$redis" --for 60s)
is_state T || fail "redis is not stopped"
stop_chaosd KILL
wait_until 5 answers || fail "redis is $(state) after kill -9 of the daemon: nobody has woken it"
start_chaosd

# kill -9 of the daemon and of its guard: only the record is left, and reap works with the daemon dead.
uid=$(pause --pid "$redis" --for 60s)
kill -STOP "$chaosd_pid"
guard=$(cat "/proc/$chaosd_pid/task/$chaosd_pid/children")
[ "$(cat "/proc/${guard// /}/comm")" = chaos-guard ] || fail "the daemon's child is no guard: $guard"
kill -9 "${guard// /}"
stop_chaosd KILL
is_state T || fail "redis is not stopped although its guard is dead too: who has woken it?"
[ "$(records)" = 1 ] || fail "$(records) records"
chaosctl reap --runtime-dir "$chaosd_dir" >"$work/reap" || fail "reap: $? $(cat "$work/reap")"
answers || fail "redis does not answer after reap; it is $(state)"
[ "$(records)" = 0 ] || fail "a record was left by reap"
start_chaosd

# A whole cgroup, in each hierarchy that this host can freeze: same promises.
frozen=0
for mount in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/freezer; do
        case $(stat -f -c %T "$mount" 2>/dev/null) in
        cgroup2fs | cgroupfs) ;;
        *) continue ;;
        esac
        mkdir "$mount$group"
        defer "rmdir $mount$group"
        home=$mount$(awk -F: -v name="${mount##*/}" \
                '$2 == name || ($2 == "" && name != "freezer") { print $3; exit }' /proc/self/cgroup)
        echo "$redis" >"$mount$group/cgroup.procs"

        uid=$(pause --cgroup "$group" --for 60s)
        is_silent || fail "$mount: a frozen redis answers"
        grep -qsx FROZEN "$mount$group/freezer.state" || grep -qsx "frozen 1" "$mount$group/cgroup.events" ||
                fail "$mount: the kernel does not say frozen"
        [ "$(evidence "$uid" hits)" = 1 ] || fail "$mount: hits $(evidence "$uid" hits)"
        if pause --cgroup "$group" --for 60s >"$work/refused" 2>&1; then fail "$mount: froze it twice"; fi
        chaosctl revert "$uid" >"$work/revert"
        wait_until 5 answers || fail "$mount: redis does not answer after revert"

        uid=$(pause --cgroup "$group" --for 60s)
        is_silent || fail "$mount: a frozen redis answers"
        stop_chaosd KILL
        wait_until 5 answers || fail "$mount: nobody has thawed it after kill -9 of the daemon"
        start_chaosd
        echo "$redis" >"$home/cgroup.procs"
        rmdir "$mount$group"
        frozen=$((frozen + 1))
done
[ "$frozen" -gt 0 ] || echo "part skipped: no cgroup hierarchy that can freeze"

stop_chaosd
[ "$chaosd_status" = 0 ] || fail "the daemon ended with $chaosd_status"
answers || fail "redis does not answer at the end"
assert_fingerprint_same
echo "paused redis by SIGSTOP and in $frozen cgroup hierarchies; it answers"
