#!/bin/bash
# disk.fill on an ext4 image behind a loop device and on a tmpfs. Witnesses: df, stat -f, dd, ls.
. "$(dirname "$0")/lib.sh"
need_root
need_tool losetup mkfs.ext4 dd df stat setpriv python3

vol=$work/vol
ram=$work/ram
chmod 755 "$work" # for the ordinary user
mkdir "$vol" "$ram"
truncate -s 256M "$work/img"
mkfs.ext4 -q -m 5 "$work/img" || skip "mkfs.ext4 fails"
mount -o loop "$work/img" "$vol" || skip "no loop device can be mounted"
defer "umount '$vol'"
mount -t tmpfs -o size=64m tmpfs "$ram"
defer "umount '$ram'"
chmod 777 "$vol" "$ram"

available() { df --output=avail -B1 "$1" | tail -1 | tr -d ' '; }
free_for_root() { stat -f -c '%f %S' "$1" | awk '{ print $1 * $2 }'; }
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# an ordinary user writes 4 MiB: "full" or "written"
user_writes() {
        local out
        if out=$(as_user dd if=/dev/zero of="$1/probe" bs=1M count=4 status=none 2>&1); then
                echo written
        elif [[ $out == *"No space left"* ]]; then
                echo full
        else
                fail "$out"
        fi
}

# inject DIR FLAG…: the UID, or words in $work/error and chaosctl's exit status
inject() { chaosctl inject disk.fill --path "$1" "${@:2}" --for 60s --detach 2>"$work/error"; }
injected() { uid=$(inject "$@") || fail "not injected: $(cat "$work/error")"; }
verified() { [ "$(api GET "/v1/faults/$uid" | json '["evidence"]["verified"]')" = true ]; }
revert() { chaosctl revert "$uid" >/dev/null || fail "not reverted"; }
# refused STATUS WORDS DIR FLAG…: that exit status, these words, and nothing changed
refused() {
        local before status=0
        before=$(available "$vol")
        inject "${@:3}" >/dev/null || status=$?
        [ $status = "$1" ] || fail "${*:3}: exit $status, want $1: $(cat "$work/error")"
        grep -q "$2" "$work/error" || fail "${*:3}: no '$2' in $(cat "$work/error")"
        [ "$(available "$vol")" = "$before" ] || fail "${*:3}: refused, but $before bytes became $(available "$vol")"
}

start_chaosd
sync
empty=$(available "$vol")
reserved=$(($(free_for_root "$vol") - empty))

# leave: full for users, not for root, no name anywhere
injected "$vol" --leave 1MiB --reserve 1MiB
wait_until 10 verified || fail "not verified: $(api GET "/v1/faults/$uid")"
now=$(available "$vol")
between "$now" 0 $((1 << 20)) || fail "asked to leave 1 MiB, df shows $now"
between "$now" $((1 << 19)) $((1 << 20)) || fail "left much less than 1 MiB: $now"
[ "$(ls -A "$vol")" = lost+found ] || fail "a file can be seen: $(ls -A "$vol")"
[ "$(user_writes "$vol")" = full ] || fail "a user can still write"
rm -f "$vol/probe"
dd if=/dev/zero of="$vol/root" bs=1M count=2 status=none || fail "root's share was touched"
rm "$vol/root"
hits=$(api GET "/v1/faults/$uid" | json '["evidence"]["hits"]')
between "$hits" $((empty - (2 << 20))) "$empty" || fail "evidence says $hits of $empty bytes"
revert
[ "$(available "$vol")" = "$empty" ] || fail "after revert $(available "$vol") of $empty"
[ "$(user_writes "$vol")" = written ] || fail "a user cannot write again"
rm "$vol/probe"

# size, by both backends
for backend in fallocate write; do
        injected "$vol" --size 100MiB --backend "$backend"
        wait_until 30 verified || fail "$backend: not verified"
        taken=$((empty - $(available "$vol")))
        between "$taken" $((100 << 20)) $((101 << 20)) || fail "$backend: asked for 100 MiB, df says $taken"
        revert
        [ "$(available "$vol")" = "$empty" ] || fail "$backend: after revert $(available "$vol") of $empty"
done

# percent is of all that there is, root's share included
injected "$vol" --percent 80% --reserve 1MiB
wait_until 10 verified || fail "percent: not verified"
share=$(stat -f -c '%f %b' "$vol" | awk '{ print 100 - 100 * $1 / $2 }')
between "$share" 79.5 80.5 || fail "asked for 80%, stat says $share%"
revert

# the reserve holds, and says so in numbers; root's share counts
refused 2 'reserve is 64' "$vol" --leave 0B --reserve 64MiB
refused 2 'would leave 0 bytes' "$vol" --size 300MiB --reserve 0B
refused 2 'nothing to do' "$vol" --leave 200GiB
injected "$vol" --leave 0B --reserve "${reserved}B"
wait_until 10 verified || fail "leave 0: not verified"
[ "$(available "$vol")" = 0 ] || fail "leave 0 left $(available "$vol")"
between "$(free_for_root "$vol")" $((reserved - (1 << 20))) $((reserved + (1 << 20))) || fail "the reserve moved"
revert

# places
refused 5 'journal' "$chaosd_dir" --size 1MiB
refused 5 'not a place for files' /proc --size 1MiB
refused 5 'sysfs' /sys/kernel --size 1MiB
refused 5 'No such file' "$vol/none" --size 1MiB
refused 2 'absolute' relative --size 1MiB
refused 5 'journal' "$work/img" --size 1MiB
touch "$vol/file"
refused 5 'Not a directory' "$vol/file" --size 1MiB
rm "$vol/file"
mount -o remount,ro "$vol"
refused 5 'read-only' "$vol" --size 1MiB
mount -o remount,rw "$vol"

# parameters
refused 2 'exactly one' "$vol"
refused 2 'exactly one' "$vol" --size 1MiB --leave 1MiB
refused 2 'unit' "$vol" --size 100
refused 2 'size' "$vol" --siz 1MiB
body='{"kind": "disk.fill", "for": "9s", "target": {"path": "/proc"}, "params": {"siz": "1MiB"}}'
answer=$(api POST /v1/faults "$body")
[ "$(json '["status"]' <<<"$answer")" = 400 ] && [ "$(json '["pointer"]' <<<"$answer")" = /params/siz ] ||
        fail "an unknown parameter: $answer"

# tmpfs, where both numbers are one
injected "$ram" --leave 1MiB --reserve 1MiB
wait_until 10 verified || fail "tmpfs: not verified"
between "$(available "$ram")" $((1 << 19)) $((1 << 20)) || fail "tmpfs: left $(available "$ram")"
[ "$(user_writes "$ram")" = full ] || fail "tmpfs: a user can still write"
rm -f "$ram/probe"
revert
[ "$(available "$ram")" = $((64 << 20)) ] || fail "tmpfs: after revert $(available "$ram")"
refused 2 'reserve' "$ram" --leave 1MiB --reserve 2MiB

# kill -9, in the middle of a fill and when it is done: the kernel gives the space back
injected "$vol" --leave 1MiB --reserve 1MiB --backend write
stop_chaosd KILL
is_empty() { [ "$(available "$vol")" = "$empty" ]; }
wait_until 5 is_empty || fail "killed while filling: $(available "$vol") of $empty"
start_chaosd
injected "$vol" --leave 1MiB --reserve 1MiB
wait_until 10 verified || fail "not verified after a restart"
stop_chaosd KILL
wait_until 5 is_empty || fail "killed: $(available "$vol") of $empty"
[ "$(ls -A "$vol")" = lost+found ] || fail "left: $(ls -A "$vol")"

# the next daemon finds the record, undoes it, and knows nothing of it any more
start_chaosd
[ "$(api GET /v1/faults | json '["faults"]')" = "[]" ] || fail "still listed: $(api GET /v1/faults)"
stop_chaosd
