#!/usr/bin/python3
"""chaosctl gate end to end: a real daemon, a real two-tier nginx (scripts/shop), real faults.

The shop's names are global, so the test runs in a network namespace of its own, with a /run of its own: it neither meets
another shop nor leaves anything."""
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

SOURCE = os.environ.get("CHAOS_SOURCE", os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..")))
BIN = os.environ.get("CHAOS_BIN", os.path.join(SOURCE, "build/dev/bin"))
CHAOSCTL = os.path.join(BIN, "chaosctl")
CHAOSD = os.path.join(BIN, "chaosd")
SHOP = os.path.join(SOURCE, "scripts/shop")
PROFILE = os.path.join(SOURCE, "scorecards/profiles/web-service.yaml")

EXPERIMENT = """apiVersion: chaosd/v1
kind: Experiment
metadata: {{name: {name}}}
spec:
  service: {service}
  owner: web-sre
  hypothesis: The shop keeps its SLOs.
  slos: [{{file: slos.yaml, name: shop-latency, expect: {expect}}}]
  probes:
    - name: front
      http: {{url: "http://10.77.0.2/", rate: 60/s, timeout: 1s}}
  phases: {{baseline: {baseline}, recovery: 2s}}
  faults:
    - {fault}
  budget: {{maxSpend: 100%}}
  abort: {{burnRate: "off"}}
  seed: 7
"""

# Wide enough for a busy machine: what is slow here is slow on purpose.
SLO = """apiVersion: openslo/v1
kind: SLO
metadata: {name: shop-latency}
spec:
  service: shop
  indicator:
    metadata: {name: fast}
    spec:
      ratioMetric:
        counter: true
        good:  {metricSource: {type: probe, spec: {probe: front, where: "status < 500 and latency < 300ms"}}}
        total: {metricSource: {type: probe, spec: {probe: front}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
"""

UPSTREAM = "target: {netns: shop-front, interface: up0, peer: {cidr: [10.77.1.2/32], ports: [8080]}}"
NOBODY = "target: {netns: shop-front, interface: up0, peer: {cidr: [192.0.2.1/32]}}"


def delay(milliseconds, target=UPSTREAM, duration="3s"):
    return f"{{name: late, kind: net.delay, {target}, params: {{delay: {milliseconds}ms}}, for: {duration}}}"


class Gate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="chaos-gate.", dir="/run")
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        runtime_dir = os.path.join(cls.dir, "chaosd")
        cls.env = {"PATH": f"{SOURCE}/tests/lib/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
                   "HOME": cls.dir, "LC_ALL": "C.UTF-8",
                   "XDG_STATE_HOME": os.path.join(cls.dir, "state"), "TERM": "xterm-256color",
                   "CHAOSD_SOCKET": os.path.join(runtime_dir, "chaosd.sock")}
        shop = os.path.join(cls.dir, "shop")
        cls.addClassCleanup(subprocess.run, [SHOP, "down", shop], env=cls.env, check=True)
        subprocess.run([SHOP, "up", shop], env=cls.env, check=True)
        daemon = subprocess.Popen([CHAOSD, "--runtime-dir", runtime_dir], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(daemon.wait)
        cls.addClassCleanup(daemon.terminate)
        with open(os.path.join(cls.dir, "slos.yaml"), "w", encoding="utf-8") as f:
            f.write(SLO)
        deadline = time.monotonic() + 20
        while subprocess.run([CHAOSCTL, "status"], env=cls.env, capture_output=True).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError("chaosd does not listen")
            select.select([], [], [], 0.05)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, fault, folder="", expect="met", baseline="2s", service="shop"):
        os.makedirs(self.path(folder), exist_ok=True)
        if folder and not os.path.exists(self.path(folder, "slos.yaml")):
            shutil.copy(self.path("slos.yaml"), self.path(folder, "slos.yaml"))
        path = self.path(folder, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(EXPERIMENT.format(name=name, fault=fault, expect=expect, baseline=baseline,
                                      service=service))
        return path

    def gate(self, *args, code=0, **env):
        done = subprocess.run([CHAOSCTL, "gate", *args, "--profile", PROFILE], env={**self.env, **env},
                              capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"gate {' '.join(args)}\n{done.stdout}\n{done.stderr}")
        self.assertNotIn("\033", done.stdout + done.stderr)
        self.assertIn("No faults.", subprocess.run([CHAOSCTL, "status"], env=self.env, capture_output=True,
                                                   text=True).stdout)
        return done

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def junit(self, name):
        subprocess.run(["xmllint", "--noout", self.path(name)], check=True)
        root = ElementTree.fromstring(self.read(name))
        self.assertEqual(root.tag, "testsuites")
        return {suite.get("name"): suite for suite in root.iter("testsuite")}

    def faults_so_far(self):
        out = subprocess.run([CHAOSCTL, "status", "--all", "--json"], env=self.env, capture_output=True, check=True)
        return len(json.loads(out.stdout)["faults"])

    # ── verdicts ──────────────────────────────────────────────────────────────────────────────────────────

    def test_pass_fail_inconclusive_in_one_folder(self):
        self.write("gate-pass", delay(2), folder="three")
        self.write("gate-slow", delay(600), folder="three")
        self.write("gate-untouched", delay(600, NOBODY), folder="three", service="other")
        done = self.gate(self.path("three"), "--junit", self.path("three.xml"), "--sarif", self.path("three.sarif"),
                         "--summary", self.path("three.md"), "--record-dir", self.path("three-records"),
                         "--min-score", "90", code=3)
        self.assertRegex(done.stdout, r"gate-pass +shop +pass")
        self.assertRegex(done.stdout, r"gate-slow +shop +fail")
        self.assertRegex(done.stdout, r"gate-untouched +other +inconclusive +0 ")
        self.assertIn("Gate: inconclusive", done.stdout)
        self.assertIn("shop: score 50, at least 90 asked", done.stdout)
        self.assertIn("other: no score", done.stdout)

        suites = self.junit("three.xml")
        self.assertEqual(set(suites), {"gate-pass", "gate-slow", "gate-untouched", "gate"})
        self.assertEqual((suites["gate-pass"].get("failures"), suites["gate-pass"].get("errors")), ("0", "0"))
        self.assertEqual(suites["gate-slow"].get("failures"), "2")
        self.assertNotEqual(suites["gate-untouched"].get("errors"), "0", "what proves nothing is not green")
        self.assertNotEqual(suites["gate"].get("errors"), "0")

        sarif = json.loads(self.read("three.sarif"))
        self.assertEqual(sarif["version"], "2.1.0")
        self.assertIn("chaos/slo-broken", {r["ruleId"] for r in sarif["runs"][0]["results"]})
        self.assertIn("Chaos gate: inconclusive", self.read("three.md"))
        for name, verdict in (("pass", "pass"), ("slow", "fail"), ("untouched", "inconclusive")):
            record = json.loads(self.read(f"three-records/gate-{name}.json"))
            self.assertEqual(record["verdict"]["result"], verdict)
            self.assertEqual(len(record["sha256"]), 64)

    def test_pass_is_0_and_github_gets_a_summary(self):
        summary = self.path("step.md")
        with open(summary, "w", encoding="utf-8") as f:
            f.write("what was there before\n")
        path = self.write("gate-steady", delay(2))
        done = self.gate(path, "--min-score", "100%", "--min-coverage", "1", "--json", GITHUB_STEP_SUMMARY=summary)
        verdict = json.loads(done.stdout)
        self.assertEqual(verdict["verdict"], {"result": "pass", "exit_code": 0, "reasons": []})
        self.assertEqual(verdict["scorecards"][0]["value"], 1)
        self.assertGreater(verdict["scorecards"][0]["coverage"], 0.01)
        text = self.read("step.md")
        self.assertTrue(text.startswith("what was there before\n"))
        self.assertIn("Chaos gate: pass", text)
        # The same runs, a minimum that one family of faults cannot reach.
        self.gate(path, "--min-coverage", "99", "--summary", self.path("low.md"), code=1,
                  GITHUB_STEP_SUMMARY=self.path("unused.md"))
        self.assertRegex(self.read("low.md"), r"shop: coverage [\d.]+ %, at least 99 % asked")
        self.assertFalse(os.path.exists(self.path("unused.md")))

    def test_run_writes_the_same_reports(self):
        path = self.write("gate-single", delay(2))
        subprocess.run([CHAOSCTL, "run", path, "--no-history", "--junit", self.path("single.xml"), "--summary",
                        self.path("single.md")], env=self.env, check=True, capture_output=True)
        self.assertEqual(self.junit("single.xml")["gate-single"].get("failures"), "0")
        self.assertIn("gate-single", self.read("single.md"))

    def test_worse_than_the_baseline_is_1(self):
        # It holds whatever happens: only the comparison sees that the shop got slower.
        lenient = {"expect": '"burn <= 1000"'}
        path = self.write("gate-drift", delay(2), **lenient)
        self.gate(path, "--record-dir", self.path("main"), "--baseline", "history")
        self.write("gate-drift", delay(600), **lenient)
        done = self.gate(path, "--baseline", self.path("main"), "--junit", self.path("drift.xml"), code=1)
        self.assertRegex(done.stdout, r"gate-drift +shop +pass")
        self.assertRegex(done.stdout, r"gate-drift: worse than the baseline: shop-latency: .* good under fault")
        self.assertIn("changed since the baseline", done.stdout)
        self.assertEqual(self.junit("drift.xml")["gate"].get("failures"), "1")
        self.gate(path, "--baseline", self.path("main", "gate-drift.json"), "--max-compliance-drop", "100%",
                  "--max-spend-rise", "100%", "--no-history")

    # ── ends before the end ───────────────────────────────────────────────────────────────────────────────

    def assert_upstream_is_fast(self):
        begin = time.monotonic()
        subprocess.run(["curl", "-fsS", "-o", "/dev/null", "http://10.77.0.2/"], check=True)
        self.assertLess(time.monotonic() - begin, 0.8, "the delay is still there")

    def test_the_time_limit_reverts_and_is_4(self):
        first = self.write("gate-long", delay(900, duration="60s"), baseline="1s", expect='"burn <= 1000"')
        second = self.write("gate-never", delay(2))
        done = self.gate(first, second, "--timeout", "4s", "--junit", self.path("limit.xml"), code=4)
        self.assert_upstream_is_fast()
        self.assertIn("the time limit is 4s", done.stderr)
        self.assertIn("gate-long: aborted: the time limit has passed", done.stdout)
        self.assertIn("gate-never: not run: the time limit has passed", done.stdout)
        self.assertEqual(self.junit("limit.xml")["gate-never"].get("failures"), "1")

    def test_sigterm_reverts_and_is_4(self):
        path = self.write("gate-ended", delay(900, duration="60s"), baseline="1s", expect='"burn <= 1000"')
        child = subprocess.Popen([CHAOSCTL, "gate", path, "--profile", PROFILE], env=self.env, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in child.stderr:
            if "injected" in line:
                break
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 4, out + err)
        self.assertIn("gate-ended: aborted: stopped by SIGTERM", out)
        self.assert_upstream_is_fast()

    # ── nothing runs ──────────────────────────────────────────────────────────────────────────────────────

    def test_all_faults_are_said_and_nothing_runs(self):
        good = self.write("gate-good", delay(2))
        wrong = self.write("gate-wrong", delay(2).replace("net.delay", "net.dealy"))
        worse = self.write("gate-worse", delay(2).replace("late", "late, fro: 2s"))
        before = self.faults_so_far()
        done = self.gate(good, wrong, worse, good, self.path("slos.yaml"), "--min-score", "101", "--timeout", "0s",
                         "--baseline", self.path("none.json"), "--junit", self.path("no-folder", "x.xml"), code=2)
        for text in (f"{wrong}:", "net.dealy", f"{worse}:", "is in", "kind SLO", "--min-score", "--timeout",
                     "--baseline", "no-folder"):
            self.assertIn(text, done.stderr)
        self.assertIn("nothing was run", done.stderr)
        self.assertEqual(self.faults_so_far(), before)
        self.assertIn("--no-history", self.gate(good, code=2, XDG_STATE_HOME="/dev/null").stderr)
        os.makedirs(self.path("empty"), exist_ok=True)
        self.assertIn("no experiment in this folder", self.gate(self.path("empty"), code=2).stderr)

    def test_a_baseline_of_something_else_is_2(self):
        path = self.write("gate-unknown", delay(2))
        with open(self.path("other.json"), "w", encoding="utf-8") as f:
            f.write('[{"schema": "chaosd/run/v1", "id": "x", "experiment": {"name": "y", "service": "z"}}]')
        self.assertIn("no run of any of these", self.gate(path, "--baseline", self.path("other.json"), code=2).stderr)

    def test_dry_run_without_and_with_a_daemon(self):
        path = self.write("gate-planned", delay(600))
        before = self.faults_so_far()
        done = self.gate(path, "--dry-run", "--socket", self.path("nobody.sock"))
        self.assertIn("fault late: net.delay, after 0s, for 3s", done.stdout)
        self.assertIn("targets are NOT resolved", done.stdout)
        plan = json.loads(self.gate(path, "--dry-run", "--json", "--socket", self.path("nobody.sock")).stdout)
        self.assertFalse(plan["targets_resolved"])
        self.assertEqual(plan["plans"][0]["phases"][1], {"name": "fault", "duration_s": 3.0})

        self.assertIn("Targets were resolved", self.gate(path, "--dry-run").stdout)
        lost = self.write("gate-lost", delay(600).replace("up0", "up7"))
        self.assertIn("cannot be injected here", self.gate(lost, "--dry-run", code=5).stdout)
        self.assertEqual(self.faults_so_far(), before)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    for tool in ("nginx", "xmllint", "curl"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            print(f"{tool} is not installed")
            sys.exit(77)
    if "--inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "unchanged", "--net", sys.executable, __file__,
                               "--inside", *sys.argv[1:]])
    sys.argv.remove("--inside")
    subprocess.run("""set -e
                      # In a chroot the root may be no mount point.
                      mount --make-rprivate / 2>/dev/null || { mount --make-rprivate /run; mount --make-rprivate /sys; }
                      mount -t tmpfs tmpfs /run
                      mkdir /run/cgroup
                      mount --rbind /sys/fs/cgroup /run/cgroup
                      mount -t sysfs sysfs /sys # of this network namespace
                      mount --rbind /run/cgroup /sys/fs/cgroup
                      /sbin/ip link set lo up""", shell=True, check=True)
    unittest.main()
