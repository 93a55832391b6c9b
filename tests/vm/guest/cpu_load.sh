#!/bin/bash
# cpu_load — cpu.load in cgroups of version 2 with the cpu and cpuset controllers, measured by cpu.stat.
# kernels: debian
. "$CHAOS_SOURCE/tests/host/lib.sh"
need_tool curl python3

root=/sys/fs/cgroup
[[ " $(cat $root/cgroup.subtree_control) " == *" cpu "* ]] || skip "the cpu controller is not enabled below the root"
group=$root/shop
mkdir "$group"

throttled() { awk '$1 == "nr_throttled" { print $2 }' "$group/cpu.stat"; }
# share SECONDS: percent of one CPU that the group used. One process reads both clocks: starting one takes long here.
share() {
        python3 - "$group/cpu.stat" "$1" <<'PY'
import sys, time
def look():
    with open(sys.argv[1]) as f:
        return time.monotonic(), int(f.readline().split()[1]) / 1e6
look()
t0, u0 = look()
time.sleep(float(sys.argv[2]))
t1, u1 = look()
print(f"{100 * (u1 - u0) / (t1 - t0):.2f}")
PY
}
workers() { cat "$group/cgroup.procs"; }
no_workers() { [ -z "$(workers)" ]; }
# inject TARGET PARAMS: both as JSON
inject() {
        local body="\"kind\": \"cpu.load\", \"for\": \"60s\", \"lease\": \"none\", \"target\": $1, \"params\": $2"
        api POST /v1/faults "{$body}" >"$work/answer"
        uid=$(json '.get("uid", "")' <"$work/answer")
}
injected() {
        inject "$@"
        [ -n "$uid" ] || fail "not injected: $(cat "$work/answer")"
}
revert() {
        [ "$(api DELETE "/v1/faults/$uid" | json '["undo"]["ok"]')" = true ] || fail "not reverted"
        no_workers || fail "workers are left: $(workers)"
}

start_chaosd
for load in 50 20; do
        injected '{"cgroup": "/shop"}' "{\"workers\": 1, \"load\": \"$load%\"}"
        [ "$(workers | wc -l)" = 1 ] || fail "$(workers | wc -l) workers in the cgroup"
        grep -q '^0::/shop$' "/proc/$(workers)/cgroup" || fail "the worker is in $(cat "/proc/$(workers)/cgroup")"
        # Emulated CPUs stop whenever the host has other work; a bias of ours would show in every attempt.
        for attempt in 1 2 3; do
                seen=$(share 5)
                echo "asked $load%, cpu.stat says $seen%"
                between "$seen" $((load - 3)) $((load + 3)) && break
                [ $attempt -lt 3 ] || fail "asked $load%, seen $seen%"
        done
        revert
done

# the cpuset and the quota decide how many workers there are when nobody says it
echo 0 >"$group/cpuset.cpus"
injected '{"cgroup": "/shop"}' '{"load": "10%"}'
[ "$(workers | wc -l)" = 1 ] || fail "one CPU, $(workers | wc -l) workers"
grep -Eq '^Cpus_allowed_list:\s0$' "/proc/$(workers)/status" || fail "the worker leaves the cpuset"
revert
echo >"$group/cpuset.cpus"

echo "50000 100000" >"$group/cpu.max"
before=$(throttled)
injected '{"cgroup": "/shop"}' '{}'
grep -q 'limit of 0.50 CPUs is less' "$work/answer" || fail "the quota is not named: $(cat "$work/answer")"
[ "$(workers | wc -l)" = 1 ] || fail "half a CPU, $(workers | wc -l) workers"
seen=$(share 3)
echo "100% under a quota of 50%: cpu.stat says $seen%"
between "$seen" 20 60 || fail "a quota of 50% let $seen% pass"
[ "$(throttled)" -gt "$before" ] || fail "nothing was throttled"
revert
echo max >"$group/cpu.max"

# a process stands for its cgroup
sleep 1000 &
sleeper=$!
echo $sleeper >"$group/cgroup.procs"
injected "{\"pid\": [$sleeper]}" '{"workers": 2, "load": "10%"}'
[ "$(workers | grep -cvx $sleeper)" = 2 ] || fail "$(workers | grep -cvx $sleeper) workers beside the target"
[ "$(api DELETE "/v1/faults/$uid" | json '["undo"]["ok"]')" = true ] || fail "not reverted"
[ "$(workers)" = $sleeper ] || fail "left beside the target: $(workers)"
kill $sleeper
wait $sleeper 2>/dev/null || true

# a cgroup that hands controllers on takes no process, and the error says so
mkdir "$group/leaf"
echo +cpu >"$group/cgroup.subtree_control"
inject '{"cgroup": "/shop"}' '{}'
[ -z "$uid" ] || fail "a cgroup with controllers for its children was accepted"
grep -q 'name a leaf' "$work/answer" || fail "no words about the leaf: $(cat "$work/answer")"
echo -cpu >"$group/cgroup.subtree_control"
rmdir "$group/leaf"

# kill -9: the workers go with the daemon, and the cgroup is free
injected '{"cgroup": "/shop"}' '{"workers": 2, "load": "20%"}'
[ "$(workers | wc -l)" = 2 ] || fail "no workers"
stop_chaosd KILL
wait_until 10 no_workers || fail "workers outlived the daemon: $(workers)"
wait_until 5 rmdir "$group" || fail "the cgroup cannot be removed"
