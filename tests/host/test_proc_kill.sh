#!/bin/bash
# proc.kill on a real nginx: one worker dies, its master replaces it, and curl goes on; by pidfd, never by number.
. "$(dirname "$0")/lib.sh"
need_root
need_tool nginx ip curl python3

ns=$tag-kill
netns_new "$ns"
cat >"$work/nginx.conf" <<EOF
daemon off;
worker_processes 2;
pid $work/nginx.pid;
error_log $work/error.log;
events {}
http {
        access_log off;
        client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
        uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
        server { listen 127.0.0.1:8080; location / { return 200 "here\n"; } }
}
EOF
chmod 755 "$work"
ip netns exec "$ns" nginx -e "$work/error.log" -c "$work/nginx.conf" &
master=$!
end_master() { kill -9 "$master" $(workers) && wait "$master"; }
defer end_master

workers() { cat "/proc/$master/task/$master/children"; }
answers() { [ "$(in_ns "$ns" curl -s --max-time 10 http://127.0.0.1:8080/)" = here ]; }
is_gone() { [ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }
has_workers() { [ "$(workers | wc -w)" = "$1" ]; }
counter() { api GET "/v1/faults/$1" | json "[\"evidence\"][\"counters\"]" |
        python3 -c 'import json, sys; print({c["name"]: c["value"] for c in json.load(sys.stdin)}[sys.argv[1]])' "$2"; }
is_counter() { [ "$(counter "$1" "$2")" = "$3" ]; }

wait_until 5 answers || fail "nginx does not start: $(cat "$work/error.log")"
wait_until 5 has_workers 2 || fail "nginx has workers: $(workers)"
read -r first second <<<"$(workers)"
fingerprint_take
start_chaosd
select=(--netns "$ns" --exe "$(readlink -f "$(command -v nginx)")" --cmdline "worker process")

# The plan says what it means; the same seed chooses the same worker.
plan=$(chaosctl inject proc.kill "${select[@]}" --pick one --seed 7 --dry-run)
[[ $plan == *irreversible*SIGKILL* ]] || fail "the plan does not say irreversible: $plan"
again=$(chaosctl inject proc.kill "${select[@]}" --pick one --seed 7 --dry-run)
[ "$plan" = "$again" ] || fail "the same seed chose another: $again"
chosen=$first
[[ $plan == *" $first "* ]] || chosen=$second
[[ $plan == *" $chosen "* ]] || fail "the plan names no worker: $plan"
has_workers 2 || fail "a dry run has killed"

# One worker dies; the master puts another one in its place; every answer comes.
uid=$(chaosctl inject proc.kill "${select[@]}" --pick one --seed 7 --detach)
is_gone "$chosen" || fail "worker $chosen lives"
answers || fail "nginx does not answer after a worker was killed"
wait_until 5 has_workers 2 || fail "no worker was started again: $(workers)"
[[ " $(workers) " != *" $chosen "* ]] || fail "the killed worker is back"
for _ in $(seq 20); do answers || fail "nginx does not answer"; done
[ "$(counter "$uid" exited)" = 1 ] || fail "exited: $(counter "$uid" exited)"
wait_until 5 is_counter "$uid" restarted 1 || fail "restarted: $(counter "$uid" restarted)"
[ "$(api GET "/v1/faults/$uid" | json '["evidence"]["hits"]')" = 1 ] || fail "hits"
[ "$(api GET "/v1/faults/$uid" | json '["irreversible"]')" = true ] || fail "not called irreversible"

# A signal with a handler: the master reloads, nobody dies of it, and that is a hit too.
uid=$(chaosctl inject proc.kill --pid "$master" --signal HUP --detach)
[ "$(counter "$uid" handled)" = 1 ] || fail "handled: $(counter "$uid" handled)"
[ "$(counter "$uid" exited)" = 0 ] || fail "a reload has killed the master"
wait_until 5 has_workers 2 || fail "no new workers after the reload"
answers || fail "nginx does not answer after the reload"

# A signal that everybody ignores does nothing, and nothing is claimed.
(
        trap '' USR1
        exec sleep 60
) &
deaf=$!
defer "kill -9 $deaf"
ignores() { [ $((0x$(awk '/^SigIgn:/ { print $2 }' "/proc/$deaf/status") & 0x200)) -ne 0 ]; }
wait_until 5 ignores || fail "the test's own process does not ignore SIGUSR1"
uid=$(chaosctl inject proc.kill --pid "$deaf" --signal USR1 --detach)
[ "$(api GET "/v1/faults/$uid" | json '["evidence"]["hits"]')" = 0 ] || fail "an ignored signal counts as a hit"
[ "$(counter "$uid" ignored)" = 1 ] || fail "ignored: $(counter "$uid" ignored)"

# Refused: a stop signal, a protected process, more than there are, nothing there.
refused() {
        local words=$1
        shift
        if chaosctl inject proc.kill "$@" --detach >"$work/refused" 2>&1; then fail "did: $*"; fi
        grep -q -- "$words" "$work/refused" || fail "refused without '$words': $(cat "$work/refused")"
}
refused "proc.pause" --pid "$deaf" --signal STOP
refused "PID 1" --pid 1
refused "a parent of" --pid $$
refused "the daemon itself" --pid "$chaosd_pid"
refused "only 2 found" "${select[@]}" --pick 3
refused "no process" "${select[@]}" --comm ngnix
is_gone "$deaf" && fail "a refused fault has killed"

stop_chaosd
[ "$chaosd_status" = 0 ] || fail "the daemon ended with $chaosd_status"
assert_fingerprint_same
echo "killed worker $chosen; its master replaced it"
