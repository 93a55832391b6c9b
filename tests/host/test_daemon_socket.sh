#!/bin/bash
# Who may speak to the daemon, and what badly behaved clients do to it: nothing.
. "$(dirname "$0")/lib.sh"
need_root
need_tool curl python3 setpriv

chmod 711 "$work"
start_chaosd "group: nogroup"

# status_as OPTION…: the HTTP status that a client with these credentials gets; 000 when it cannot even connect.
status_as() {
        setpriv "$@" curl -s -o "$work/answer" -w '%{http_code}' --unix-socket "$CHAOSD_SOCKET" \
                http://localhost/v1/faults || true
}
touch "$work/answer" && chmod 666 "$work/answer"
nogroup=$(getent group nogroup | cut -d: -f3)
daemon_gid=$(getent group daemon | cut -d: -f3)
nobody=$(id -u nobody)

[ "$(stat -c '%a %G' "$CHAOSD_SOCKET")" = "660 nogroup" ] || fail "socket is $(stat -c '%a %G' "$CHAOSD_SOCKET")"
[ "$(stat -c '%a' "$chaosd_dir/faults")" = 700 ] || fail "the journal is open to others"
[ "$(status_as --reuid 0 --clear-groups)" = 200 ] || fail "root is refused"
[ "$(status_as --reuid "$nobody" --regid "$nogroup" --clear-groups)" = 200 ] || fail "a group's member is refused"
[ "$(status_as --reuid "$nobody" --regid "$daemon_gid" --groups "$nogroup")" = 200 ] ||
        fail "a supplementary member is refused"
[ "$(status_as --reuid "$nobody" --regid "$daemon_gid" --clear-groups)" = 000 ] || fail "a stranger could connect"
chmod 666 "$CHAOSD_SOCKET" # as if an administrator had erred: the peer's credentials are checked too
[ "$(status_as --reuid "$nobody" --regid "$daemon_gid" --clear-groups)" = 403 ] || fail "a stranger was answered"
grep -q '"errno_name":"EACCES"' "$work/answer" || fail "no reason: $(cat "$work/answer")"
grep -q "\"action\":\"connect\".*\"uid\":$nobody.*refused" "$work/audit.jsonl" ||
        fail "the refusal is not in the audit log"
chmod 660 "$CHAOSD_SOCKET"

# expect STATUS METHOD PATH [CURL_OPTION…]
expect() {
        local want=$1 got
        got=$(curl -s -o "$work/answer" -w '%{http_code}' --max-time 10 --unix-socket "$CHAOSD_SOCKET" -X "$2" \
                "${@:4}" "http://localhost$3") || true
        [ "$got" = "$want" ] || fail "$2 $3 ${*:4}: $got instead of $want: $(cat "$work/answer")"
        [ "$want" = 200 ] || grep -q '"detail":"[^"]' "$work/answer" || fail "$2 $3: no words: $(cat "$work/answer")"
}
head -c 2000000 /dev/zero | tr '\0' x >"$work/large"
expect 404 GET /v1/faults/0b9f0000-0000-0000-0000-000000000000
expect 404 DELETE /v1/faults/..%2f..%2fetc
expect 404 POST /v1/faults/nobody/renew
expect 404 GET /v2/faults
expect 405 PUT /v1/faults
expect 405 GET /v1/halt
expect 400 GET /v1/faults -H 'Chaosd-Api: v9'
expect 400 POST /v1/faults -d '{"kind":'
expect 400 POST /v1/faults -d '[]'
expect 400 POST /v1/faults -d '{"kind":"proc.pause","kind":"proc.pause"}'
expect 400 POST /v1/faults -d '{"kind":"no.such","for":"3s"}'
expect 400 POST /v1/faults -d '{"kind":"proc.pause","target":{"pid":2}}'
expect 400 POST /v1/faults -d '{"kind":"proc.pause","for":"3","target":{"pid":2}}'
expect 400 POST /v1/faults -d '{"kind":"proc.pause","for":"3s","colour":"red"}'
expect 400 POST /v1/plan --data-binary "$(printf '{"kind":"\xff\xfe"}')"
expect 403 POST /v1/faults -d '{"kind":"proc.pause","for":"3s","target":{"pid":1}}'
expect 413 POST /v1/faults --data-binary "@$work/large"
expect 413 POST /v1/faults -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary "@$work/large"
[ "$(api GET /v1/faults)" = '{"faults":[],"halted":false,"halt_reason":null}' ] || fail "something was injected"
[ -z "$(ls -A "$chaosd_dir/faults")" ] || fail "something is in the journal"

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$chaosd_pid/status"; }
before=$(rss_kib)
python3 - "$CHAOSD_SOCKET" <<'PYTHON'
import os, socket, subprocess, sys, time

path = sys.argv[1]


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    return s


def healthy(what):
    start = time.monotonic()
    s = connect()
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = b""
    while True:
        piece = s.recv(4096)
        if not piece:
            break
        answer += piece
    assert b"200 OK" in answer, f"{what}: {answer!r}"
    assert time.monotonic() - start < 2, f"{what}: answered after {time.monotonic() - start:.1f} s"


def pour(data):
    s = connect()
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
    except OSError:
        pass  # being cut off is the point


pour(os.urandom(10_000_000))
healthy("10 MB of junk")
pour(b"GET /" + b"a" * 10_000_000)
healthy("an endless path")
pour(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1_000_000)
healthy("endless headers")
pour(b"POST /v1/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n" + b"{" * 1000)
healthy("an absurd length")
pour(b"POST /v1/faults HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}")
healthy("a negative length")

half = connect()
half.sendall(b"POST /v1/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{\"kind\":")
slow = connect()
for letter in b"GET /v1/fau":
    slow.sendall(bytes([letter]))
healthy("half a request")
crowd = [connect() for _ in range(60)]
healthy("60 silent clients")
for s in crowd:
    s.close()
s = connect()
s.sendall(b"GET /v1/capabilities HTTP/1.1\r\nHost: x\r\n\r\n" * 50)  # and never reads
healthy("a client that never reads")
assert half.recv(1) == b"", "half a request was kept past its time"
PYTHON
after=$(rss_kib)
[ $((after - before)) -lt 8192 ] || fail "resident memory went from $before to $after KiB"
[ "$(api GET /v1/faults | json '["halted"]')" = false ] || fail "the daemon does not answer any more"

# A second daemon on the same directory is refused and harms nothing; one beside it works.
"$CHAOS_BIN/chaosd" --runtime-dir "$chaosd_dir" --socket "$work/other.sock" 2>"$work/second" &&
        fail "two daemons in one directory"
grep -q "another chaosd runs here.*$chaosd_pid" "$work/second" || fail "no reason: $(cat "$work/second")"
"$CHAOS_BIN/chaosd" --runtime-dir "$work/beside" --socket "$CHAOSD_SOCKET" 2>"$work/second" &&
        fail "two daemons on one socket"
grep -q "another process listens" "$work/second" || fail "no reason: $(cat "$work/second")"
"$CHAOS_BIN/chaosd" --runtime-dir "$work/beside" 2>>"$work/second" &
beside=$!
defer "kill $beside; wait $beside"
wait_until 5 curl -fs -o /dev/null --unix-socket "$work/beside/chaosd.sock" http://localhost/healthz ||
        fail "no daemon beside: $(cat "$work/second")"
chaosd_answers || fail "the first daemon is gone"

stop_chaosd
[ "$chaosd_status" = 0 ] || fail "exit status $chaosd_status"
[ ! -e "$CHAOSD_SOCKET" ] || fail "the socket is left"
