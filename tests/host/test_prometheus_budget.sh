#!/usr/bin/env bash
# The error budget that is left, from a month in a real Prometheus behind a proxy that wants a token and a tenant, and
# that adds a warning as Thanos does. The month is made here; Python does the sums again.
. "$(dirname "$0")/lib.sh"
need_root
need_tool ip prometheus promtool python3 curl

ns=${tag}b
netns_new "$ns"
cd "$work"

# A sample every 4 minutes for 31 days: 1 % of the requests fail on the last ten days, the counters begin again on the
# 20th day, and the queue is too long for the first 2 hours of each of the last three days. The last line is what must
# come out, in percent: what is left by Occurrences of 99 %, by Timeslices of 90 %, and by RatioTimeslices of 99 %.
cat >month.py <<'EOF'
import sys, time
step, days = 240, 31
now = int(time.time()) // step * step
start = now - days * 86400
rows = {"requests_total": [], "failures_total": [], "queue_length": []}
requests = failures = 0
window = now - 30 * 86400
total = bad = 0
slices = {}
for t in range(start, now + 1, step):
    day = (t - start) / 86400
    if int(day) == 20 and (t - start) % 86400 == 0:
        requests = failures = 0
    failing = now - t < 10 * 86400
    requests += 600
    failures += 6 if failing else 0
    if t > window:
        total += 600
        bad += 6 if failing else 0
    # Two slices a day, well inside of them: the plan is asked some minutes later, and its slices end then.
    long = now - t < 3 * 86400 and 300 <= (now - t) % 86400 < 6900
    rows["requests_total"].append((t, requests))
    rows["failures_total"].append((t, failures))
    rows["queue_length"].append((t, 50 if long else 5))
with open("month.txt", "w") as f:
    for name, kind in (("requests", "counter"), ("failures", "counter"), ("queue_length", "gauge")):
        key = name if kind == "gauge" else name + "_total"
        print(f"# TYPE {name} {kind}", file=f)
        for t, v in rows[key]:
            print(f"{key} {v} {t}", file=f)
    print("# EOF", file=f)
print(100 * (1 - (bad / total) / 0.01), 100 * (1 - (3 * 2 / (30 * 24)) / 0.1), 100 * (1 - (bad / total) / 0.01))
EOF
read -r occurrences timeslices ratios < <(python3 month.py)
promtool tsdb create-blocks-from openmetrics month.txt data >blocks.log 2>&1 || { cat blocks.log >&2; fail "no blocks"; }
printf 'global: {}\n' >prometheus.yml
ip netns exec "$ns" prometheus --config.file=prometheus.yml --web.listen-address=127.0.0.1:9090 --storage.tsdb.path=data \
        --storage.tsdb.retention.time=90d >prometheus.log 2>&1 &
prometheus=$!
defer "kill $prometheus; wait $prometheus"

cat >proxy.py <<'EOF'
import http.server, json, urllib.request, urllib.error
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.headers["Authorization"] == "Bearer sesame" and self.headers["X-Scope-OrgID"] == "team-a"
        status, answer = 401, b'{"status": "error", "error": "no such tenant"}'
        if known and self.headers["THANOS-TENANT"] == "team-a":
            try:
                with urllib.request.urlopen("http://127.0.0.1:9090" + self.path, body) as a:
                    answer = json.load(a)
                answer["warnings"] = ["store gateway 3 did not answer"]
                status, answer = 200, json.dumps(answer).encode()
            except urllib.error.HTTPError as e:
                status, answer = e.code, e.read()
        with open("asked.txt", "a") as f:
            print(status, self.path, file=f)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 9091), Proxy).serve_forever()
EOF
ip netns exec "$ns" python3 proxy.py 2>proxy.log &
proxy=$!
defer "kill $proxy"
is_ready() { in_ns "$ns" curl -fs 'http://127.0.0.1:9090/-/ready' && in_ns "$ns" curl -s -o /dev/null http://127.0.0.1:9091/; }
wait_until 60 is_ready >/dev/null || { cat prometheus.log >&2; fail "Prometheus is not ready"; }

slo() { # NAME INDICATOR METHOD OBJECTIVE [WINDOW]
        cat <<EOF
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: $1}
spec:
  service: shop
  indicator: {spec: $2}
  timeWindow: [${5:-{duration: 30d, isRolling: true\}}]
  budgetingMethod: $3
  objectives: [$4]
EOF
}
query() { echo "{metricSource: {metricSourceRef: prom, spec: {query: $1}}}"; }
ratio="{ratioMetric: {counter: true, bad: $(query failures_total), total: $(query requests_total)}}"
queue="{thresholdMetric: $(query queue_length)}"
hour="timeSliceWindow: 1h"
{
        cat <<EOF
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec:
  type: Prometheus
  connectionDetails:
    url: http://127.0.0.1:9091
    bearerTokenEnv: PROXY_TOKEN
    headers: {X-Scope-OrgID: team-a, THANOS-TENANT: team-a}
EOF
        slo requests "$ratio" Occurrences "{target: 0.99}"
        slo queue "$queue" Timeslices "{target: 0.9, op: lte, value: 10, timeSliceTarget: 0.9, $hour}"
        slo hours "$ratio" RatioTimeslices "{target: 0.99, $hour}"
        slo year "$queue" Occurrences "{target: 0.9, op: lte, value: 10}" \
                "{duration: 1Y, calendar: {startTime: 2020-01-01 00:00:00, timeZone: UTC}}"
} >slos.yaml
sleep 300 &
bystander=$!
defer "kill $bystander"
experiment() { # MIN_REMAINING
        cat <<EOF
apiVersion: chaosd/v1
kind: Experiment
metadata: {name: budget}
spec:
  service: shop
  owner: tests
  hypothesis: There is budget enough.
  slos: [{file: slos.yaml, expect: spend <= 1%}]
  phases: {baseline: 2s, recovery: 1s}
  faults:
    - {name: frozen, kind: proc.pause, target: {pid: $bystander}, for: 2s}
  budget: {minRemaining: $1}
EOF
}
start_chaosd
export PROXY_TOKEN=sesame
plan() { in_ns "$ns" "$CHAOS_BIN/chaosctl" plan "$@" experiment.yaml; }
left() { json "[\"slos\"][$1][\"remaining_before\"]" <plan.json; }
near() { between "$(awk -v v="$1" 'BEGIN { print v * 100 }')" "$(awk -v v="$2" 'BEGIN { print v - 1.5 }')" \
        "$(awk -v v="$2" 'BEGIN { print v + 1.5 }')"; }

experiment 25% >experiment.yaml
plan --json >plan.json || { cat plan.json >&2; fail "the plan was refused"; }
near "$(left 0)" "$occurrences" || fail "Occurrences: $(left 0), by hand $occurrences %"
near "$(left 1)" "$timeslices" || fail "Timeslices: $(left 1), by hand $timeslices %"
near "$(left 2)" "$ratios" || fail "RatioTimeslices: $(left 2), by hand $ratios %"
between "$(json '["slos"][3]["window_left_s"]' <plan.json)" 1 31622400 || fail "a calendar's window ends"
[ "$(json '["slos"][0]["window_left_s"]' <plan.json)" = null ] || fail "a rolling window does not end"
near "$(json '["slos"][0]["would_leave"]' <plan.json)" "$(awk -v v="$occurrences" 'BEGIN { print v - 1 }')" ||
        fail "would leave: $(cat plan.json)"
json '["notes"]' <plan.json | grep -q "store gateway 3 did not answer" || fail "the warning is not told: $(cat plan.json)"
grep -q "^200 /api/v1/query$" asked.txt || fail "no instant query: $(cat asked.txt)"
grep -q "^200 /api/v1/query_range$" asked.txt || fail "no range query: $(cat asked.txt)"
plan >plan.txt || fail "the plan was refused"
grep -q "WOULD LEAVE" plan.txt || fail "$(cat plan.txt)"
grep -q "of the error budget is left; this run is expected to spend 1% and would leave" plan.txt || fail "$(cat plan.txt)"

# More asked than is left: the gate says so, and a run injects nothing.
experiment 80% >experiment.yaml
code=0; plan >plan.txt || code=$?
[ $code = 5 ] || fail "the plan must refuse: exit $code, $(cat plan.txt)"
grep -q "budget gate: requests has .* of its error budget left, under minRemaining 80%" plan.txt || fail "$(cat plan.txt)"
code=0; in_ns "$ns" "$CHAOS_BIN/chaosctl" run --no-history --record record.json experiment.yaml >out.txt 2>&1 || code=$?
[ $code = 5 ] || fail "the run must be refused: exit $code, $(cat out.txt)"
[ "$(json '["faults"][0]["injected_s"]' <record.json)" = null ] || fail "injected"

# A tenant that the proxy does not know: unknown, not full and not empty.
PROXY_TOKEN=wrong
plan --json >plan.json || fail "an unknown rest refuses nothing"
[ "$(left 0)" = null ] || fail "left: $(left 0)"
json '["notes"]' <plan.json | grep -q "401: no such tenant" || fail "$(cat plan.json)"
exit 0
