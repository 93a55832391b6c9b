#!/usr/bin/env bash
# Aborts of a run: by burn rate (and how fast), by a stop condition, by Ctrl-C, by a halt on the node, by a dead daemon.
. "$(dirname "$0")/lib.sh"
need_root
need_tool ip python3 pgrep redis-server redis-cli

ns=${tag}a
netns_new "$ns"
cd "$work"

# Something that a paused process breaks at once.
ip netns exec "$ns" redis-server --port 6379 --bind 127.0.0.1 --save '' --daemonize no --dir "$work" >redis.log 2>&1 &
redis=$!
defer "kill -CONT $redis; kill $redis"
redis_answers() { in_ns "$ns" redis-cli ping 2>/dev/null | grep -q PONG; }
wait_until 10 redis_answers || fail "redis does not answer"

cat >slos.yaml <<EOF
apiVersion: openslo/v1
kind: SLO
metadata: {name: cache-answers}
spec:
  service: cache
  indicator:
    spec:
      ratioMetric:
        good:  {metricSource: {type: probe, spec: {probe: ping, where: "status == 0"}}}
        total: {metricSource: {type: probe, spec: {probe: ping}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
EOF
experiment() { # LINES_OF_ABORT
        cat >experiment.yaml <<EOF
apiVersion: chaosd/v1
kind: Experiment
metadata: {name: paused-cache}
spec:
  service: cache
  owner: tests
  hypothesis: The cache answers although it is paused.
  slos: [{file: slos.yaml, minSamples: 10}]
  probes:
    - {name: ping, exec: {command: [redis-cli, ping], rate: 20/s, timeout: 500ms}}
  phases: {baseline: 2s, recovery: 3s}
  faults:
    - {name: frozen, kind: proc.pause, target: {pid: $redis}, for: 20s}
  abort: $1
EOF
}
run() { in_ns "$ns" "$CHAOS_BIN/chaosctl" run --no-history --record record.json experiment.yaml >out.txt 2>&1; }
record() { json "$1" <record.json; }
is_running() { ! grep -q '^State:.*T' "/proc/$redis/status"; }
expect() { # EXIT_CODE REASON
        [ "$code" = "$1" ] || { cat out.txt >&2; fail "exit $code, not $1"; }
        record '["verdict"]["reasons"][0]' | grep -q -- "$2" || fail "no '$2' in $(record '["verdict"]')"
        wait_until 6 is_running || fail "redis is still stopped"
}

start_chaosd

experiment '{burnRate: 2}'
code=0; run || code=$?
expect 4 'burn rate'
echo "breach to undone: $(record '["aborts"][0]["breach_to_undone_ms"]') ms (goal: 100)"
between "$(record '["aborts"][0]["breach_to_undone_ms"]')" 0 1000 || fail "took $(record '["aborts"]')"
[ "$(record '["phases"][2]["name"]')" = recovery ] || fail "recovery was not watched"
[ "$(record '["residue"]["clean"]')" = true ] || fail "residue: $(record '["residue"]')"

experiment '{burnRate: off, when: [{probe: ping, where: error, above: 30%, window: 2s}]}'
code=0; run || code=$?
expect 4 'stop condition'

# in_fault COMMAND: run the experiment, and the command once redis is stopped.
in_fault() {
        run &
        run_pid=$!
        wait_until 20 eval '! is_running' || fail "the fault did not begin"
        "$@"
        code=0
        wait "$run_pid" || code=$?
}
experiment '{burnRate: off}'
interrupt() { kill -INT "$(pgrep -P "$run_pid" -f 'chaosctl run')"; }
in_fault interrupt
expect 4 'stopped by the user'
[ "$(record '["phases"]' | grep -c recovery)" = 0 ] || fail "Ctrl-C ends at once"

in_fault chaosctl halt --json
expect 4 'halted on the node'
chaosctl resume >/dev/null

# A daemon that is shot: an error, never a pass; the guard lets the process go.
in_fault stop_chaosd KILL
expect 5 'lost'
wait_until 5 is_running || fail "redis is stopped after the daemon's death"
exit 0
