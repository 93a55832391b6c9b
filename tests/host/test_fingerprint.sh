#!/bin/bash
# asan: no, because it runs none of our programs
# The fingerprint sees what a fault could leave, and nothing else: equal after an unrelated second, different while
# any of our kinds of residue is there, equal again when it is gone.
. "$(dirname "$0")/lib.sh"
need_root
need_tool ip tc

expect_seen() {
        local what=$1 pattern=$2
        "$fingerprint" >"$work/now"
        if "$fingerprint" diff "$work/fingerprint" "$work/now" >"$work/said"; then
                fail "$what is not seen"
        fi
        grep -q -- "$pattern" "$work/said" || fail "$what: '$pattern' is not in: $(cat "$work/said")"
}

fingerprint_take
sleep 1
assert_fingerprint_same 0

netns_pair "$tag-a" "$tag-b"
expect_seen "a namespace" "left behind: netns: $tag-a"

fingerprint_take
tc -n "$tag-a" qdisc add dev up0 clsact
expect_seen "a qdisc" "left behind: qdisc: $tag-a/up0"
tc -n "$tag-a" filter add dev up0 egress bpf da bytecode '1,6 0 0 0' || skip "cls_bpf is not there"
expect_seen "a filter" "left behind: filter: $tag-a/up0 egress"
in_ns "$tag-a" ping -q -c 3 -i 0.05 10.77.0.2 >/dev/null || true
tc -n "$tag-a" qdisc del dev up0 clsact
assert_fingerprint_same

ip -n "$tag-b" link set up0 mtu 1400
expect_seen "an MTU" "changed: *link: $tag-b/up0"
ip -n "$tag-b" link set up0 mtu 1500

sleep 100 &
sleeper=$!
defer "kill -KILL $sleeper; wait $sleeper"
kill -STOP $sleeper
expect_seen "a stopped process" "left behind: stopped:"
kill -CONT $sleeper
assert_fingerprint_same

mkdir "$work/mnt"
mount -t tmpfs -o size=1m chaos "$work/mnt"
defer "umount -l $work/mnt"
expect_seen "a mount" "left behind: mount: $work/mnt"
umount "$work/mnt"

cp "$(command -v sleep)" "$work/chaos-nap"
"$work/chaos-nap" 100 3>"$work/unlinked" &
napper=$!
defer "kill -KILL $napper; wait $napper"
rm "$work/unlinked"
wait_until 5 eval '[ "$(cat /proc/'$napper'/comm)" = chaos-nap ]'
expect_seen "a child of ours" "left behind: process: chaos-nap"
expect_seen "an unlinked file" "left behind: unlinked file: chaos-nap"
kill -KILL $napper
wait $napper 2>/dev/null || true
assert_fingerprint_same

for base in /sys/fs/cgroup/unified /sys/fs/cgroup; do
        [ -e "$base/cgroup.procs" ] || continue
        mkdir "$base/chaos-$tag"
        defer "rmdir $base/chaos-$tag"
        expect_seen "a cgroup" "left behind: cgroup: $base/chaos-$tag"
        rmdir "$base/chaos-$tag"
        break
done
assert_fingerprint_same
