#!/usr/bin/env bash
# SLIs from a real Prometheus that scrapes a real node exporter, with TLS and a password: a paused exporter breaks the
# SLO.
. "$(dirname "$0")/lib.sh"
need_root
need_tool ip prometheus prometheus-node-exporter openssl python3 curl

ns=${tag}q
netns_new "$ns"
cd "$work"

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 2>/dev/null
hash=$(python3 -W ignore -c \
        'import crypt; print(crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))')
printf 'secret\n' >password
printf 'wrong\n' >wrong-password
cat >web.yaml <<EOF
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {prober: '$hash'}
EOF
cat >prometheus.yml <<EOF
global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs:
  - {job_name: node, static_configs: [{targets: ["127.0.0.1:9100"]}]}
EOF

ip netns exec "$ns" prometheus-node-exporter --web.listen-address=127.0.0.1:9100 \
        --collector.disable-defaults --collector.time --collector.loadavg >exporter.log 2>&1 &
exporter=$!
defer "kill -CONT $exporter; kill $exporter"
ip netns exec "$ns" prometheus --config.file=prometheus.yml --web.config.file=web.yaml \
        --web.listen-address=127.0.0.1:9090 --storage.tsdb.path=data >prometheus.log 2>&1 &
prometheus=$!
defer "kill $prometheus; wait $prometheus"
ask() { in_ns "$ns" curl -fs --cacert cert.pem -u prober:secret "https://127.0.0.1:9090$1"; }
is_up() { ask '/api/v1/query?query=up' | grep -q '"1"'; }
wait_until 30 is_up || { cat prometheus.log >&2; fail "Prometheus does not see the exporter"; }

slo_file() { # PASSWORD_FILE QUERY
        cat <<EOF
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec:
  type: Prometheus
  connectionDetails: {url: "https://127.0.0.1:9090/", caFile: $work/cert.pem, username: prober, passwordFile: $work/$1}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: exporter-up}
spec:
  service: exporter
  indicator:
    spec: {thresholdMetric: {metricSource: {metricSourceRef: prom, type: Prometheus, spec: {query: '$2'}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9, op: gte, value: 1}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: scrapes}
spec:
  service: exporter
  indicator:
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            metricSourceRef: prom
            spec: {query: 'sum(promhttp_metric_handler_requests_total{code="200"})'}
        total: {metricSource: {metricSourceRef: prom, spec: {query: sum(promhttp_metric_handler_requests_total)}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
EOF
}
experiment() { # SLO_NAME PID
        cat <<EOF
apiVersion: chaosd/v1
kind: Experiment
metadata: {name: paused-exporter}
spec:
  service: exporter
  owner: tests
  hypothesis: The exporter answers although it is paused.
  slos: [{file: slos.yaml, name: $1, minSamples: 3}]
  phases: {baseline: 4s, recovery: 5s}
  faults:
    - {name: frozen, kind: proc.pause, target: {pid: $2}, for: 6s}
EOF
}
run() { in_ns "$ns" "$CHAOS_BIN/chaosctl" run --no-history --record record.json experiment.yaml >out.txt 2>&1; }
record() { json "$1" <record.json; }
phase() { record '["slos"][0]["phases"]'"${1:-}"; }

start_chaosd
slo_file password 'up{job="node"}' >slos.yaml
experiment exporter-up "$exporter" >experiment.yaml
code=0; run || code=$?
[ $code = 1 ] || { cat out.txt >&2; fail "a paused exporter must break the SLO: exit $code"; }
between "$(phase '["baseline"]["compliance"]')" 1 1 || fail "baseline: $(phase)"
between "$(phase '["fault"]["compliance"]')" 0 0.6 || fail "fault: $(phase)"
between "$(phase '["recovery"]["good"]')" 2 6 || fail "recovery: $(phase)"
[ "$(record '["findings"][0]["severity"]')" = high ] || fail "findings: $(record '["findings"]')"

# A scrape that fails leaves no value behind: bad, unless the SLO says that silence is nothing.
gauge_slo() { # NAME ANNOTATIONS
        cat <<EOF
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: $1, annotations: {${2:-}}}
spec:
  service: exporter
  indicator:
    spec: {thresholdMetric: {metricSource: {metricSourceRef: prom, type: Prometheus, spec: {query: node_time_seconds}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9, op: gt, value: 0}]
EOF
}
{ slo_file password up; gauge_slo seen; gauge_slo silent-is-fine "chaosd/no-data: ignore"; } >slos.yaml
experiment seen "$exporter" |
        sed 's/^  slos:.*/  slos: [{file: slos.yaml, name: seen, minSamples: 3}, {file: slos.yaml, name: silent-is-fine, minSamples: 3}]/' >experiment.yaml
code=0; run || code=$?
[ $code = 3 ] || { cat out.txt >&2; fail "an SLO without samples is inconclusive: exit $code"; }
between "$(phase '["fault"]["compliance"]')" 0 0.7 || fail "silence was not bad: $(phase)"
between "$(phase '["fault"]["total"]')" 3 8 || fail "a look a second: $(phase)"
between "$(phase '["baseline"]["compliance"]')" 1 1 || fail "baseline: $(phase)"
quiet='["slos"][1]["phases"]["fault"]'
[ "$(record "$quiet"'["good"]')" = "$(record "$quiet"'["total"]')" ] || fail "silence counted: $(record "$quiet")"
between "$(record "$quiet"'["total"]')" 0 2 || fail "silence counted: $(record "$quiet")"

# Counters: what they grew by. Somebody else is paused.
sleep 300 &
bystander=$!
defer "kill -CONT $bystander; kill $bystander"
experiment scrapes "$bystander" >experiment.yaml
code=0; run || code=$?
[ $code = 0 ] || { cat out.txt >&2; fail "every scrape that was answered was good: exit $code"; }
between "$(phase '["baseline"]["total"]')" 3 16 || fail "two scrapes a second: $(phase)"

# What cannot be measured is no pass: no such series, a bad query, a wrong password.
for case in "password no_such_series" "password sum(" "wrong-password up"; do
        # shellcheck disable=SC2086 # two words
        slo_file ${case% *} "${case#* }" >slos.yaml
        experiment exporter-up "$exporter" >experiment.yaml
        code=0; run || code=$?
        [ $code = 5 ] || { cat out.txt >&2; fail "$case: exit $code"; }
        record '["verdict"]["reasons"][0]' | grep -q "no data in the baseline phase" ||
                fail "$case: $(record '["verdict"]')"
        [ "$(record '["faults"][0]["injected_s"]')" = null ] || fail "$case: injected"
done
record '["notes"]' | grep -q "401" || fail "the wrong password is not told: $(record '["notes"]')"
exit 0
