#!/usr/bin/python3
# asan: yes
"""The llm probe against a server that says itself what it sent and when (tests/lib/llm_server.py), and one experiment
with the real chaosd: net.delay between probe and server, in namespaces of its own, breaks an SLO on the first token."""
import bisect
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("CHAOS_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CHAOS_BIN", os.path.join(SOURCE, "build/dev/bin"))
IP = os.path.join(SOURCE, "tests/lib/bin/ip")  # works in a chroot too
SERVER = os.path.join(SOURCE, "tests/lib/llm_server.py")
HARD_CUTS = [1, 2, 3, 5, 1, 40, 7]
TAG = f"t{os.getpid() % 100000}l"


def median(values):
    return sorted(values)[len(values) // 2]


def percentile(values, share):
    """Nearest rank."""
    values = sorted(values)
    return values[min(len(values), max(1, -int(-share * len(values) // 1))) - 1]


class Server:
    """The test's server, perhaps in a namespace."""

    def __init__(self, test, *options, netns=None, address="127.0.0.1", port=0):
        self.dir = tempfile.TemporaryDirectory(prefix="llm-")
        test.addCleanup(self.dir.cleanup)
        self.log_path = os.path.join(self.dir.name, "log")
        prefix = [IP, "netns", "exec", netns] if netns else []
        self.child = subprocess.Popen([*prefix, SERVER, "--log", self.log_path, "--address", address,
                                       "--port", str(port), *options], stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        ready = self.child.stdout.readline()
        test.assertTrue(ready.startswith("ready "), ready)
        self.url = f"http://{address}:{ready.split()[1]}"

    def end(self):
        self.child.terminate()
        self.child.wait(10)
        self.child.stdout.close()

    def log(self, answers):
        """The records of so many answers: the last is written when the probe may be gone already."""
        deadline = time.monotonic() + 5
        while True:
            with open(self.log_path) as f:
                lines = f.read().splitlines()
            if len(lines) >= answers or time.monotonic() > deadline:
                return [json.loads(line) for line in lines]
            select.select([], [], [], 0.02)


class Probe(unittest.TestCase):
    def probe(self, server, rate=10, seconds=2, api="chat", timeout_us=5_000_000):
        done = subprocess.run([os.path.join(BIN, "bench_probe"), str(rate), str(seconds), "llm", server.url, api],
                              env=dict(os.environ, TIMEOUT_US=str(timeout_us)), capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertGreaterEqual(len(result["answers"]), rate * seconds - 1)
        return result

    def pairs(self, result, log):
        """Each answer with the server's record of it: the first that arrived after it was due."""
        log = sorted(log, key=lambda r: r["received_us"])
        times = [r["received_us"] for r in log]
        self.assertEqual(len(log), len(result["answers"]), "the server saw another number of requests")
        return [(a, log[bisect.bisect_left(times, a["scheduled_us"])]) for a in result["answers"]]

    def check_times(self, result, log):
        """What the probe says against what the server did: never too early, and close in the median (it is busy here)."""
        ttft, itl, latency = [], [], []
        for answer, record in self.pairs(result, log):
            sent, due = record["sent_us"], answer["scheduled_us"]
            gaps = [b - a for a, b in zip(sent, sent[1:])]
            ttft.append(answer["ttft_us"] - (sent[0] - due))
            itl.append(answer["itl_p99_us"] - percentile(gaps, 0.99))
            latency.append(answer["latency_us"] - (record["last_us"] - due))
            self.assertEqual(answer["tokens"], len(sent))
            self.assertGreaterEqual(answer["ttft_us"], record["begun_us"][0] - due, "seen before it was sent")
        self.assertLess(abs(median(ttft)), 3000, f"ttft is off by {median(ttft)} us; all: {sorted(ttft)}")
        self.assertLess(abs(median(itl)), 3000, f"itl p99 is off by {median(itl)} us; all: {sorted(itl)}")
        self.assertLess(abs(median(latency)), 5000, f"latency is off by {median(latency)} us; all: {sorted(latency)}")
        # The summary is over every gap of every answer.
        gaps = [b - a for r in log for a, b in zip(r["sent_us"], r["sent_us"][1:])]
        self.assertEqual(result["llm"]["itl_us"]["count"], len(gaps))
        self.assertLess(abs(result["llm"]["itl_us"]["p50"] - median(gaps)), 1500)

    def test_times_and_tokens(self):
        for api in ("chat", "completions"):
            with self.subTest(api=api):
                server = Server(self, "--first", "60", "--gap", "12", "--tokens", "12")
                result = self.probe(server, api=api)
                log = server.log(len(result["answers"]))
                self.check_times(result, log)
                self.assertEqual(result["errors"], 0, result["last_error"])
                self.assertEqual(result["llm"]["tokens"], 12 * len(log))
                self.assertEqual(result["llm"]["prompt_tokens"], 7 * len(log))
                self.assertEqual({r["path"] for r in log},
                                 {"/v1/chat/completions" if api == "chat" else "/v1/completions"})
                self.assertTrue(all(r["request"]["stream"] and r["request"]["max_tokens"] == 64 for r in log))

    def test_a_slower_server_is_slower(self):
        fast = self.probe(Server(self, "--first", "20", "--gap", "4"))["llm"]
        slow = self.probe(Server(self, "--first", "150", "--gap", "20"))["llm"]
        self.assertLess(fast["ttft_us"]["p50"], 60_000)
        self.assertGreater(slow["ttft_us"]["p50"], 149_000)
        self.assertLess(fast["itl_us"]["p50"], 10_000)
        self.assertGreater(slow["itl_us"]["p50"], 19_000)

    def test_awkward_cuts(self):
        for options in ([], ["--crlf"], ["--multi-line", "--crlf"], ["--escape", "--multi-line"]):
            for cut in ([1], HARD_CUTS):
                with self.subTest(options=options, cut=cut):
                    server = Server(self, "--first", "10", "--gap", "3", "--tokens", "12", "--cut", *map(str, cut),
                                    *options)
                    result = self.probe(server, seconds=1)
                    log = server.log(len(result["answers"]))
                    self.assertEqual(result["errors"], 0, result["last_error"])
                    self.assertEqual([a["tokens"] for a in result["answers"]], [12] * len(log))
                    self.assertEqual(result["llm"]["itl_us"]["count"], 11 * len(log))

    def test_tokens_without_usage(self):
        server = Server(self, "--tokens", "9", "--no-usage")
        result = self.probe(server, seconds=1)
        self.assertEqual({a["tokens"] for a in result["answers"]}, {9})
        self.assertEqual(result["llm"]["prompt_tokens"], 0)

    def test_truncated(self):
        for options in (["--no-end"], ["--break-after", "5"], ["--break-after", "5", "--reset"]):
            with self.subTest(options=options):
                server = Server(self, "--tokens", "12", *options)
                result = self.probe(server, seconds=1)
                self.assertEqual(result["llm"]["truncated"], len(result["answers"]))
                self.assertEqual(result["errors"], len(result["answers"]))
                self.assertTrue(all(a["truncated"] and a["error"] and a["ttft_us"] for a in result["answers"]))
                tokens = 12 if "--no-end" in options else 5
                self.assertIn(f"truncated after {tokens} tokens", result["last_error"])

    def test_a_timeout_is_ours_and_no_truncation(self):
        server = Server(self, "--first", "10", "--gap", "100", "--tokens", "50")
        result = self.probe(server, seconds=1, timeout_us=500_000)
        self.assertEqual(result["errors"], len(result["answers"]))
        self.assertEqual(result["llm"]["truncated"], 0)
        self.assertTrue(all(2 <= a["tokens"] <= 6 for a in result["answers"]), result["answers"])

    def test_refused(self):
        for status in (429, 500):
            with self.subTest(status=status):
                server = Server(self, "--refuse", str(status), "--refuse-every", "3")
                result = self.probe(server, rate=15)
                refused = sum(r["end"] == str(status) for r in server.log(len(result["answers"])))
                self.assertEqual(result["statuses"][str(status)], refused)
                self.assertEqual(result["statuses"]["200"], len(result["answers"]) - refused)
                self.assertEqual(result["errors"], 0, "a refusal is an answer")
                self.assertTrue(all(a["ttft_us"] == 0 for a in result["answers"] if a["status"] == status))

    def test_nobody_there(self):
        server = Server(self)
        server.end()
        result = self.probe(server, seconds=1)
        self.assertEqual(result["errors"], len(result["answers"]))
        self.assertEqual(result["llm"]["truncated"], 0)


EXPERIMENT = """apiVersion: chaosd/v1
kind: Experiment
metadata: {{name: llm-slow-network}}
spec:
  service: llm
  owner: ml
  hypothesis: The first token comes within 150 ms although the network is 150 ms late.
  slos:
    - {{file: slos.yaml, minSamples: 15}}
  probes:
    - name: chat
      llm:
        url: "{url}"
        model: test
        messages: [{{role: user, content: Hello}}]
        rate: 10/s
        timeout: 5s
        bearerTokenFile: {dir}/token
        price: {{prompt: 1, completion: 2, currency: EUR}}
  phases: {{baseline: 2s, recovery: 3s}}
  faults:
    - name: late
      kind: net.delay
      target: {{netns: {netns}, interface: up0, peer: {{cidr: [10.77.0.2/32], protocol: tcp}}}}
      params: {{delay: 150ms}}
      for: 3s
  abort: {{burnRate: off}}
  budget: {{maxSpend: 100%}}
"""
SLO = """apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: llm
  indicator:
    spec:
      ratioMetric:
        counter: true
        good:  {{metricSource: {{type: probe, spec: {{probe: chat, where: "{where}"}}}}}}
        total: {{metricSource: {{type: probe, spec: {{probe: chat}}}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: 0.9}}]
"""


class Experiment(unittest.TestCase):
    def sh(self, *args):
        subprocess.run(args, check=True, capture_output=True, text=True)

    def setUp(self):
        tmp = tempfile.TemporaryDirectory(prefix="llm-run-")
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name
        self.near, self.far = TAG + "n", TAG + "f"
        for ns in (self.near, self.far):
            self.sh(IP, "netns", "add", ns)
            self.addCleanup(subprocess.run, [IP, "netns", "del", ns], capture_output=True)
        self.sh(IP, "link", "add", "up0", "netns", self.near, "type", "veth", "peer", "name", "up0", "netns",
                self.far)
        for n, ns in enumerate((self.near, self.far), 1):
            self.sh(IP, "-n", ns, "addr", "add", f"10.77.0.{n}/24", "dev", "up0")
            self.sh(IP, "-n", ns, "link", "set", "up0", "up")
            self.sh(IP, "-n", ns, "link", "set", "lo", "up")
        self.sh(IP, "netns", "exec", self.near, "ping", "-q", "-c", "1", "-W", "5", "10.77.0.2")
        self.socket = os.path.join(self.dir, "run", "chaosd.sock")
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.dir, "CHAOSD_SOCKET": self.socket,
                    "XDG_STATE_HOME": self.dir, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        with open(os.path.join(self.dir, "chaosd.log"), "w") as log:
            daemon = subprocess.Popen([os.path.join(BIN, "chaosd"), "--runtime-dir", os.path.dirname(self.socket)],
                                      stdout=log, stderr=log)
        self.addCleanup(daemon.wait, 20)
        self.addCleanup(daemon.terminate)
        deadline = time.monotonic() + 20
        while subprocess.run([os.path.join(BIN, "chaosctl"), "status"], env=self.env, capture_output=True).returncode:
            self.assertLess(time.monotonic(), deadline, "chaosd does not listen")
            select.select([], [], [], 0.05)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def test_delay_breaks_the_first_token(self):
        server = Server(self, "--first", "30", "--gap", "5", "--tokens", "8", netns=self.far, address="10.77.0.2")
        self.write("token", "secret-key\n")
        self.write("slos.yaml", "---\n".join([
            SLO.format(name="first-token", where="status == 200 and ttft < 150ms"),
            SLO.format(name="gaps", where="itl_p99 < 100ms and not truncated"),
            SLO.format(name="whole", where="status == 200 and tokens == 8")]))
        file = self.write("e.yaml", EXPERIMENT.format(url=server.url, netns=self.near, dir=self.dir))
        record_path = os.path.join(self.dir, "record.json")
        done = subprocess.run([IP, "netns", "exec", self.near, os.path.join(BIN, "chaosctl"), "run", file, "--record",
                               record_path], env=self.env, capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 1, f"{done.stdout}\n{done.stderr}")
        with open(record_path) as f:
            text = f.read()
        record = json.loads(text)
        self.assertEqual(record["verdict"]["result"], "fail")
        held = {s["name"]: s["held"] for s in record["slos"]}
        self.assertEqual(held, {"first-token": False, "gaps": True, "whole": True}, done.stdout)
        self.assertTrue(record["residue"]["clean"])
        self.assertEqual([(f["slo"], f["severity"]) for f in record["findings"]], [("first-token", "high")])

        llm = record["probes"][0]["llm"]
        log = server.log(record["probes"][0]["completed"])
        self.assertEqual(record["probes"][0]["kind"], "llm")
        self.assertEqual(llm["tokens"], sum(len(r["sent_us"]) for r in log))
        self.assertEqual(llm["prompt_tokens"], 7 * len(log))
        self.assertEqual(llm["truncated"], 0)
        self.assertAlmostEqual(llm["cost"]["total"], (7 * len(log) + 2 * llm["tokens"]) / 1000, places=6)
        self.assertEqual((llm["cost"]["currency"], llm["cost"]["complete"]), ("EUR", True))
        self.assertGreater(llm["tokens_per_s"], 40)
        self.assertLess(llm["tokens_per_s"], 100)
        baseline, fault = (llm["phases"][p]["ttft_us"] for p in ("baseline", "fault"))
        self.assertTrue(30_000 <= baseline["p50"] < 100_000, baseline)
        self.assertTrue(180_000 <= fault["p50"] < 400_000, fault)
        self.assertLess(llm["itl_us"]["p50"], 20_000)
        # The key reaches the server and nothing else.
        self.assertEqual({r["authorization"] for r in log}, {"Bearer secret-key"})
        self.assertNotIn("secret-key", text + done.stdout + done.stderr)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    unittest.main()
