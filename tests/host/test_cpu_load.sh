#!/bin/bash
# cpu.load in cgroups of version 1 made here, measured by the cgroup's own counter and by /proc/PID/stat.
. "$(dirname "$0")/lib.sh"
need_root
need_tool python3 ps

v1=/sys/fs/cgroup
[ -e $v1/cpuacct/cpuacct.usage ] && [ -e $v1/cpu/cpu.cfs_quota_us ] || skip "no cgroup v1 hierarchies cpu and cpuacct"
group=chaostest-$tag
for h in cpu cpuacct; do
        mkdir -p "$v1/$h/$group"
        defer "rmdir $v1/$h/$group"
done
# Other work on this machine must not starve the group: its share is what we measure the workers by.
echo 262144 >"$v1/cpu/$group/cpu.shares"

# share SECONDS COUNTER…: how much of one CPU went by, in percent, while a counter of microseconds ran
share() {
        python3 - "$@" <<'PY'
import sys, time
seconds, kind, what = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
def used():
    if kind == "cgroup":
        return int(open(what[0]).read()) / 1e9
    return sum(sum(map(int, open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[11:13])) for p in what) / 100
t0, u0 = time.monotonic(), used()
time.sleep(seconds)
t1, u1 = time.monotonic(), used()
print(f"{100 * (u1 - u0) / (t1 - t0):.2f}")
PY
}
cgroup_share() { share "$1" cgroup "$v1/cpuacct/$group/cpuacct.usage"; }

# inject FLAG…: the UID, or words in $work/error and chaosctl's exit status
inject() { chaosctl inject cpu.load "$@" --for 60s --detach 2>"$work/error"; }
injected() { uid=$(inject "$@") || fail "not injected: $(cat "$work/error")"; }
# refused STATUS WORDS FLAG…
refused() {
        local status=0
        inject "${@:3}" >/dev/null || status=$?
        [ $status = "$1" ] || fail "${*:3}: exit $status, want $1: $(cat "$work/error")"
        grep -q "$2" "$work/error" || fail "${*:3}: no '$2' in $(cat "$work/error")"
        no_workers || fail "${*:3}: refused, but a worker is there"
}
workers() { cat "$v1/cpu/$group/cgroup.procs"; }
no_workers() { [ -z "$(workers)" ]; }
revert() {
        chaosctl revert "$uid" >/dev/null || fail "not reverted"
        no_workers || fail "workers are left: $(workers)"
}

start_chaosd

# one worker: 50 % is 50 ± 3 %, and 20 % is 20 ± 3 %
for load in 50 20; do
        injected --cgroup "/$group" --workers 1 --load "$load%"
        [ "$(workers | wc -l)" = 1 ] || fail "$(workers | wc -l) workers in the cgroup, want 1"
        seen=$(cgroup_share 3)
        echo "asked $load%, the cgroup's counter says $seen%"
        between "$seen" $((load - 3)) $((load + 3)) || fail "asked $load%, seen $seen%"
        revert
done

# what a worker is
injected --cgroup "/$group" --workers 2 --load 50%
for pid in $(workers); do
        grep -q "/$group$" <(grep -E ':cpu(,cpuacct)?:' "/proc/$pid/cgroup") || fail "not in the cpu cgroup"
        grep -q "/$group$" <(grep -E ':(cpu,)?cpuacct:' "/proc/$pid/cgroup") || fail "not in the cpuacct cgroup"
        grep -Eq '^CapEff:\s0+$' "/proc/$pid/status" || fail "worker $pid has capabilities"
        grep -Eq '^Uid:\s65534\s65534' "/proc/$pid/status" || fail "worker $pid is not nobody"
        grep -Eq '^NoNewPrivs:\s1' "/proc/$pid/status" || fail "worker $pid may gain privileges"
        [ "$(cat "/proc/$pid/comm")" = chaos-cpu ] || fail "worker $pid is called $(cat "/proc/$pid/comm")"
        [ "$(ps -o ni= -p "$pid" | tr -d ' ')" = 0 ] || fail "worker $pid is nice"
        fds=$(ls "/proc/$pid/fd" | tr '\n' ' ')
        [ "$fds" = "0 1 2 " ] || fail "worker $pid has the descriptors $fds"
done
# shellcheck disable=SC2046
seen=$(share 3 process $(workers))
echo "asked 2 times 50%, /proc/PID/stat says $seen%"
between "$seen" 94 106 || fail "asked 2 x 50%, seen $seen%"
hits=$(api GET "/v1/faults/$uid" | json '["evidence"]["hits"]')
own=$(awk '{ print int($1 / 1000000) }' "$v1/cpuacct/$group/cpuacct.usage")
between "$hits" 2000 "$own" || fail "evidence says $hits ms, the cgroup counted $own ms since it was made"

# a worker that somebody kills is missed
kill -KILL "$(workers | head -1)"
fault_says() { [ "$(api GET "/v1/faults/$uid" | json '["evidence"]["verified"]')" = "$1" ]; }
wait_until 5 fault_says false || fail "a dead worker was not noticed"
revert

# neighbours on every CPU take turns with the worker, but what it uses in the end is what was asked
for _ in $(seq "$(nproc)"); do
        timeout 6 sh -c 'while :; do :; done' &
        defer "kill $!"
done
injected --cgroup "/$group" --workers 1 --load 30%
seen=$(cgroup_share 4)
echo "asked 30% among busy neighbours, the cgroup's counter says $seen%"
between "$seen" 27 33 || fail "asked 30% among neighbours, seen $seen%"
revert

# a process stands for its cgroup, and the number of workers follows the CPUs that it may use
sleep 100 &
sleeper=$!
defer "kill $sleeper"
for h in cpu cpuacct; do echo $sleeper >"$v1/$h/$group/cgroup.procs"; done
taskset -p -c 0 $sleeper >/dev/null
injected --pid $sleeper --load 10%
[ "$(workers | grep -cvx $sleeper)" = 1 ] || fail "one CPU, but $(workers | grep -cvx $sleeper) workers"
pid=$(workers | grep -vx $sleeper)
grep -Eq '^Cpus_allowed_list:\s0$' "/proc/$pid/status" || fail "the worker leaves the target's CPU"
chaosctl revert "$uid" >/dev/null || fail "not reverted"
kill $sleeper
wait $sleeper 2>/dev/null || true
wait_until 5 no_workers || fail "left: $(workers)"

# a quota is known, and named when it is too small
echo 50000 >"$v1/cpu/$group/cpu.cfs_quota_us"
plan=$(chaosctl inject cpu.load --cgroup "/$group" --for 9s --dry-run)
[[ $plan == *'limit of 0.50 CPUs is less'* ]] || fail "the quota is not named: $plan"
[[ $plan == *'start 1 child process '* ]] || fail "more workers than the quota is worth: $plan"
no_workers || fail "plan has started something"
injected --cgroup "/$group"
seen=$(cgroup_share 2)
between "$seen" 40 60 || fail "a quota of 50% let $seen% pass"
revert
echo -1 >"$v1/cpu/$group/cpu.cfs_quota_us"

# refused
refused 5 'cgroup' --cgroup "/$group-none"
refused 5 'whole node'
refused 2 'load' --cgroup "/$group" --load 0%
refused 2 'load' --cgroup "/$group" --load 150%
refused 2 'workers' --cgroup "/$group" --workers 1000
refused 5 'PID 1' --pid 1

# a daemon that hangs: the workers look at the deadline themselves, and a renewed lease moves it
params="\"target\": {\"cgroup\": \"/$group\"}, \"params\": {\"workers\": 1, \"load\": \"20%\"}"
uid=$(api POST /v1/faults "{\"kind\": \"cpu.load\", \"for\": \"60s\", \"lease\": \"1s\", $params}" | json '["uid"]')
worker=$(workers)
has_ended() { [ ! -e "/proc/$worker" ] || [[ $(sed 's/.*) //' "/proc/$worker/stat") == Z* ]]; }
api POST "/v1/faults/$uid/renew" '{"lease": "20s"}' >/dev/null
if wait_until 2 has_ended; then fail "the worker did not hear of the renewed lease"; fi
api POST "/v1/faults/$uid/renew" '{"lease": "1s"}' >/dev/null
kill -STOP "$chaosd_pid"
hung=true
wait_until 4 has_ended || hung=false
kill -CONT "$chaosd_pid"
$hung || fail "the worker outlived its deadline under a hung daemon"
is_over() { [ "$(api GET "/v1/faults/$uid" | json '["state"]')" = gone ]; }
wait_until 5 is_over || fail "not over: $(api GET "/v1/faults/$uid")"

# kill -9: the kernel kills the workers with the daemon
injected --cgroup "/$group" --workers 2 --load 20%
[ "$(workers | wc -l)" = 2 ] || fail "no workers"
stop_chaosd KILL
wait_until 5 no_workers || fail "workers outlived the daemon: $(workers)"
