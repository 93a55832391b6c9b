#!/bin/bash
# smoke — the machine is what the other guest tests take it for: netem delays, BPF LSM is on, error injection is there.
# kernels: debian errinj
set -euo pipefail

fail() {
        echo "FAIL: $*"
        exit 1
}

ip netns add a
ip netns add b
ip link add va netns a type veth peer name vb netns b
ip -n a addr add 10.77.9.1/24 dev va
ip -n b addr add 10.77.9.2/24 dev vb
ip -n a link set va up
ip -n b link set vb up

rtt_ms() {
        ip netns exec a ping -q -i 0.05 -c 10 -W 2 10.77.9.2 | sed -n 's|^rtt.*= [^/]*/\([0-9.]*\)/.*|\1|p'
}

before=$(rtt_ms)
ip netns exec a tc qdisc add dev va root netem delay 50ms
after=$(rtt_ms)
echo "ping: $before ms without, $after ms with 50 ms of netem"
awk -v a="$before" -v b="$after" 'BEGIN { exit !(a < 20 && b >= 50 && b < 80) }' || fail "netem does not delay"

lsm=$(cat /sys/kernel/security/lsm)
echo "lsm: $lsm"
[[ ",$lsm," == *,bpf,* ]] || fail "BPF LSM is off"
[ -r /sys/kernel/btf/vmlinux ] || fail "no BTF"
[[ " $(cat /sys/fs/cgroup/cgroup.controllers) " == *" cpu "* ]] || fail "no cgroup v2 cpu controller"

list=/sys/kernel/debug/error_injection/list
if [ "$CHAOS_VM_KERNEL" = errinj ]; then
        grep -q '__x64_sys_openat' "$list" || fail "no error injection for openat in $list"
        echo "error injection: $(wc -l <"$list") functions"
fi

[ -x "$CHAOS_SOURCE/tests/vm/guest-run" ] || fail "the source tree is not at $CHAOS_SOURCE"
touch /tmp/writable /run/writable /var/lib/writable
if touch "$CHAOS_SOURCE/writable" 2>/dev/null; then
        fail "the host's files can be written to"
fi
