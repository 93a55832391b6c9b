#!/usr/bin/python3
"""chaosctl run, plan, history and score end to end: a real HTTP server on loopback, really stopped for a while."""
import http.server
import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.environ.get("CHAOS_BIN", "build/dev/bin")
CHAOSCTL = os.path.join(BIN, "chaosctl")
IP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "bin", "ip")  # works in a chroot too
CHAOSD = os.path.join(BIN, "chaosd")
NETNS = f"ctlrun{os.getpid()}"

SLO = """apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: demo
  indicator:
    metadata: {name: ok}
    spec:
      ratioMetric:
        counter: true
        good:  {metricSource: {type: probe, spec: {probe: front, where: "status < 500"}}}
        total: {metricSource: {type: probe, spec: {probe: front}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
"""

EXPERIMENT = """apiVersion: chaosd/v1
kind: Experiment
metadata: {name: NAME}
spec:
  service: demo
  owner: tests
  hypothesis: The server answers while something breaks.
  slos:
    - {file: slos.yaml, minSamples: 50}
  probes:
    - name: front
      http: {url: "http://127.0.0.1:PORT/", rate: 50/s, timeout: 500ms}
  phases: {baseline: 2s, recovery: 2s}
  faults:
    - {name: it, FAULT}
  budget: {maxSpend: 100%}
  abort: {burnRate: "off"}
  recovery: {within: 2s}
  seed: 3
"""


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *args):
        pass  # the probe gives up on a stopped server: that is the point


def serve():
    """A server in a process of its own, so that it can be stopped. Returns (pid, port)."""
    server = Server(("127.0.0.1", 0), Quiet)
    pid = os.fork()
    if pid == 0:
        try:
            server.serve_forever()
        finally:
            os._exit(0)
    port = server.server_address[1]
    server.server_close()
    return pid, port


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix="chaosctl-run-")
        cls.addClassCleanup(cls.dir.cleanup)
        runtime_dir = os.path.join(cls.dir.name, "run")
        cls.env = {"PATH": "/usr/bin:/bin", "HOME": cls.dir.name, "LC_ALL": "C.UTF-8", "TERM": "dumb",
                   "XDG_STATE_HOME": os.path.join(cls.dir.name, "state"),
                   "CHAOSD_SOCKET": os.path.join(runtime_dir, "chaosd.sock")}
        cls.server, cls.port = serve()
        cls.addClassCleanup(cls.end, cls.server)
        daemon = subprocess.Popen([CHAOSD, "--runtime-dir", runtime_dir], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(daemon.wait)
        cls.addClassCleanup(daemon.terminate)
        with open(os.path.join(cls.dir.name, "slos.yaml"), "w", encoding="utf-8") as f:
            f.write(SLO)
        deadline = time.monotonic() + 20
        while subprocess.run([CHAOSCTL, "status"], env=cls.env, capture_output=True).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError("chaosd does not listen")
            select.select([], [], [], 0.05)

    @staticmethod
    def end(pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def experiment(self, name, fault, port=None):
        path = os.path.join(self.dir.name, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(EXPERIMENT.replace("NAME", name).replace("PORT", str(port or self.port)).replace("FAULT", fault))
        return path

    def run_cli(self, *args, code=0):
        done = subprocess.run([CHAOSCTL, *args], env=self.env, capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"chaosctl {' '.join(args)}\n{done.stdout}\n{done.stderr}")
        return done

    def pause(self, seconds):
        return f"kind: proc.pause, target: {{pid: {self.server}}}, for: {seconds}s"

    def assert_running(self):
        with open(f"/proc/{self.server}/stat", encoding="ascii") as f:
            self.assertNotEqual(f.read().rpartition(")")[2].split()[0], "T", "the server is still stopped")

    def test_fail_is_1_and_everything_is_recorded(self):
        record_path = os.path.join(self.dir.name, "record.json")
        path = self.experiment("paused", self.pause(3))
        done = self.run_cli("run", path, "--record", record_path, code=1)
        self.assert_running()
        self.assertRegex(done.stdout, r"FAIL  paused\n  availability")
        self.assertRegex(done.stdout, r"it +proc\.pause +sigstop .* 1 +[\d.]+ ms")
        for phase in ("baseline", "fault", "recovery"):
            self.assertRegex(done.stderr, rf"(?m)^{phase}  ")
        self.assertIn("fault it injected", done.stderr)
        with open(record_path, encoding="utf-8") as f:
            record = json.load(f)
        self.assertEqual(record["verdict"]["exit_code"], 1)
        self.assertTrue(record["residue"]["clean"])
        self.assertEqual(len(record["sha256"]), 64)
        self.assertEqual(json.loads(self.run_cli("history", "show", record["id"]).stdout), record)
        exported = os.path.join(self.dir.name, "exported.json")
        self.run_cli("history", "export", "-o", exported)
        self.env = {**self.env, "XDG_STATE_HOME": os.path.join(self.dir.name, "elsewhere")}
        self.assertIn("runs added", self.run_cli("history", "import", exported).stdout)
        self.run_cli("history", "verify")
        del self.env
        self.assertIn(record["id"], self.run_cli("history").stdout)
        self.run_cli("history", "verify")
        self.assertIn("demo", self.run_cli("score").stdout)

    def test_pass_is_0_and_json_is_the_record(self):
        path = self.experiment("loaded", f"kind: cpu.load, target: {{pid: {self.server}}}, "
                               "params: {workers: 1, load: 2%}, for: 2s")
        record = json.loads(self.run_cli("run", path, "--json", "--seed", "99").stdout)
        self.assertEqual(record["verdict"]["result"], "pass")
        self.assertEqual(record["experiment"]["seed"], 99)

    def test_ctrl_c_is_4_and_reverts(self):
        path = self.experiment("interrupted", self.pause(60))
        child = subprocess.Popen([CHAOSCTL, "run", path, "--no-history"], env=self.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        for line in child.stderr:
            if "injected" in line:
                break
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 4, out + err)
        self.assertIn("ABORTED", out)
        self.assert_running()
        self.assertIn("No faults.", self.run_cli("status").stdout)
        self.assertNotIn("interrupted", self.run_cli("history", "list", "--limit", "0").stdout)

    def test_not_steady_is_5_and_nothing_is_injected(self):
        path = self.experiment("unsteady", self.pause(2), port=1)
        before = len(json.loads(self.run_cli("status", "--all", "--json").stdout)["faults"])
        self.assertIn("ERROR", self.run_cli("run", path, code=5).stdout)
        self.assertEqual(len(json.loads(self.run_cli("status", "--all", "--json").stdout)["faults"]), before)

    def test_no_place_for_the_record_is_5_and_nothing_is_injected(self):
        path = self.experiment("unkept", self.pause(2))
        before = len(json.loads(self.run_cli("status", "--all", "--json").stdout)["faults"])
        lost = os.path.join(self.dir.name, "missing", "record.json")
        self.assertIn("record.json", self.run_cli("run", path, "--record", lost, code=5).stderr)
        self.env = {**self.env, "XDG_STATE_HOME": os.path.join(self.dir.name, "broken")}
        os.makedirs(os.path.join(self.dir.name, "broken", "chaosctl"))
        with open(os.path.join(self.dir.name, "broken", "chaosctl", "history.db"), "w") as f:
            f.write("junk")
        self.assertIn("--no-history", self.run_cli("run", path, code=5).stderr)
        del self.env
        self.assertEqual(len(json.loads(self.run_cli("status", "--all", "--json").stdout)["faults"]), before)

    def test_no_evidence_is_3(self):
        for args in (["netns", "add", NETNS], ["-n", NETNS, "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
                     ["-n", NETNS, "link", "set", "v0", "up"], ["-n", NETNS, "link", "set", "v1", "up"]):
            subprocess.run([IP, *args], check=True)
        self.addCleanup(subprocess.run, [IP, "netns", "del", NETNS], check=True)
        target = f"{{netns: {NETNS}, interface: v0, peer: {{cidr: [192.0.2.1]}}}}"
        path = self.experiment("untouched", f"kind: net.delay, target: {target}, params: {{delay: 10ms}}, for: 2s")
        self.assertIn("INCONCLUSIVE", self.run_cli("run", path, code=3).stdout)

    def test_invalid_is_2(self):
        path = self.experiment("wrong", self.pause(2).replace("proc.pause", "proc.puase"))
        self.assertRegex(self.run_cli("run", path, code=2).stderr, rf"{re.escape(path)}:\d+:\d+: ")
        self.run_cli("run", os.path.join(self.dir.name, "missing.yaml"), code=2)
        self.run_cli("run", self.experiment("seed", self.pause(2)), "--seed", "x", code=2)

    def test_plan_changes_nothing(self):
        path = self.experiment("planned", self.pause(2))
        text = self.run_cli("plan", path).stdout
        self.assertIn(str(self.server), text)
        self.assertIn("Nothing was changed.", text)
        self.assert_running()
        plan = json.loads(self.run_cli("plan", path, "--json").stdout)
        self.assertEqual(plan["faults"][0]["kind"], "proc.pause")
        gone = self.experiment("gone", "kind: proc.pause, target: {pid: 4194303}, for: 2s")
        self.assertIn("cannot be planned", self.run_cli("plan", gone, code=5).stdout)

    def test_zz_tampering_is_found(self):
        path = os.path.join(self.env["XDG_STATE_HOME"], "chaosctl", "history.db")
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        self.assertGreaterEqual(db.execute("SELECT count(*) FROM runs").fetchone()[0], 2)
        self.run_cli("history", "verify")
        db.execute("UPDATE runs SET record = replace(record, '\"fail\"', '\"pass\"')")
        db.commit()
        self.assertIn("was changed", self.run_cli("history", "verify", code=1).stdout)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    unittest.main()
