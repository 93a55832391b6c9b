#!/usr/bin/env bash
# Probes against a real nginx in a namespace of its own: schedule kept, latency from the scheduled start, honest errors.
. "$(dirname "$0")/lib.sh"
need_root
need_tool nginx ip python3

ns=${tag}p
netns_new "$ns"
bench=$CHAOS_BIN/bench_probe
[ -x "$bench" ] || fail "no bench_probe in $CHAOS_BIN"

cat >"$work/nginx.conf" <<EOF
daemon on;
worker_processes 1;
user nobody nogroup;
pid $work/nginx.pid;
error_log $work/nginx.err;
events { worker_connections 8192; }
http {
        access_log $work/access.log;
        client_body_temp_path $work/body;
        proxy_temp_path $work/proxy;
        server {
                listen 127.0.0.1:8080;
                keepalive_requests 1000000;
                location / { access_log off; return 200 "ok\n"; }
                location /counted { return 200 "ok\n"; }
                location /broken { return 503; }
        }
}
EOF
in_ns "$ns" nginx -p "$work" -e "$work/nginx.err" -c "$work/nginx.conf"
# shellcheck disable=SC2016 # expanded when it runs
defer 'kill "$(cat "$work/nginx.pid")"'

probe() { in_ns "$ns" "$bench" "$@" >"$work/out.json"; }
value() { json "$1" <"$work/out.json"; }
out() { cat "$work/out.json"; }
# Whatever was due was answered, failed, or is counted as never started.
nothing_lost() { [ $(($(value '["completed"]') + $(value '["skipped"]'))) = "$(value '["scheduled"]')" ]; }

# The server's own log counts the requests; the probe adds none and loses none.
probe 200 2 http http://127.0.0.1:8080/counted
[ "$(value '["completed"]')" = "$(wc -l <"$work/access.log")" ] || fail "nginx saw another number of requests: $(out)"
[ "$(value '["statuses"]["200"]')" = "$(value '["completed"]')" ] || fail "not all 200: $(out)"
between "$(value '["completed"]')" 380 405 || fail "200/s for 2 s made $(value '["completed"]') requests"

# 5,000 a second: all of them, less than one core, and on time or it says that it was not.
probe 5000 3 http http://127.0.0.1:8080/
cat "$work/out.json"
between "$(value '["scheduled"]')" 15000 15300 || fail "5,000/s for 3 s: $(out)"
between "$(value '["cpu_s"]')" 0 3 || fail "needs more than one core: $(value '["cpu_s"]') s of CPU in 3 s"
nothing_lost || fail "requests were lost: $(out)"
if [ "$(value '["skipped"]')" = 0 ] && between "$(value '["start_error_us"]["p99"]')" 0 999; then
        [ "$(value '["kept_up"]')" = true ] || fail "kept up, but says it did not"
else
        [ "$(value '["kept_up"]')" = false ] || fail "late, but says that it kept up"
        value '["message"]' | grep -q "could not keep up" || fail "late, and silent about it"
fi

probe 50 1 http http://127.0.0.1:8080/broken
[ "$(value '["statuses"]["503"]')" = "$(value '["completed"]')" ] || fail "not all 503: $(out)"
[ "$(value '["errors"]')" = 0 ] || fail "503 is an answer, not an error"

probe 50 1 http http://127.0.0.1:9/
[ "$(value '["errors"]')" = "$(value '["completed"]')" ] || fail "nobody listens, yet $(out)"

# A service that stands still for half a second: an open loop shows it to every request that was due meanwhile.
python3 - "$work/stall.port" <<'EOF' &
import socket, sys, threading, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 0)); s.listen(512)
open(sys.argv[1] + ".tmp", "w").write(str(s.getsockname()[1]))
import os; os.rename(sys.argv[1] + ".tmp", sys.argv[1])
start = time.monotonic()
def serve(c):
    data = b""
    while True:
        got = c.recv(65536)
        if not got:
            return
        data += got
        while b"\r\n\r\n" in data:
            data = data.split(b"\r\n\r\n", 1)[1]
            age = time.monotonic() - first[0]
            if 1.0 < age < 1.5:
                time.sleep(1.5 - age)
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
first = []
while True:
    c, _ = s.accept()
    if not first:
        first.append(time.monotonic())
    threading.Thread(target=serve, args=(c,), daemon=True).start()
EOF
stall=$!
defer "kill $stall"
wait_until 5 test -e "$work/stall.port" || fail "the stalling server did not start"
"$bench" 200 3 http "http://127.0.0.1:$(cat "$work/stall.port")/" >"$work/out.json"
# 0.5 of 3 s stood still: about 1 in 12 requests saw more than 250 ms; a closed loop would show one or two of 600.
between "$(value '["latency_us"]["p99"]')" 400000 800000 || fail "the stall is hidden: $(out)"
nothing_lost || fail "requests were left out: $(out)"

probe 100 1 tcp 127.0.0.1:8080
[ "$(value '["errors"]')" = 0 ] || fail "tcp: $(out)"
probe 100 1 tcp 127.0.0.1:9
[ "$(value '["errors"]')" = "$(value '["completed"]')" ] || fail "tcp to a closed port: $(out)"
value '["last_error"]' | grep -q refused || fail "tcp error in words: $(out)"

probe 20 1 exec /bin/sh -c 'exit 3'
[ "$(value '["statuses"]["3"]')" = "$(value '["completed"]')" ] || fail "exec: $(out)"
probe 5 1 exec /bin/sleep 31.4159
[ "$(value '["errors"]')" = "$(value '["completed"]')" ] || fail "exec past its timeout: $(out)"
pgrep -f "sleep 31.4159" >/dev/null && fail "a command was left running"
probe 5 1 exec /no/such/command 2>"$work/err" && fail "a missing command was taken"
grep -q "/no/such/command: No such file" "$work/err" || fail "says: $(cat "$work/err")"
exit 0
