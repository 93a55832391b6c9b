#!/usr/bin/python3
"""chaosctl's manners: help for every verb, exit codes, JSON, colours, and that Ctrl-C reverts. The daemon is fake."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_chaosd import FakeChaosd  # noqa: E402

BIN = os.environ.get("CHAOS_BIN", "build/dev/bin")
CHAOSCTL = os.path.join(BIN, "chaosctl")
INJECT = ["inject", "net.delay", "--interface", "up0", "--delay", "80ms"]


SLO = """apiVersion: openslo/v1
kind: SLO
metadata: {name: shop-availability}
spec:
  service: shop
  indicator:
    metadata: {name: ok-responses}
    spec:
      ratioMetric:
        counter: true
        good:  {metricSource: {type: probe, spec: {probe: front, where: "status < 500"}}}
        total: {metricSource: {type: probe, spec: {probe: front}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
"""


class Cli(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="chaosctl-cli-")
        self.addCleanup(self.dir.cleanup)
        self.socket = os.path.join(self.dir.name, "s")
        self.env = {"PATH": "/usr/bin:/bin", "HOME": self.dir.name, "CHAOSD_SOCKET": self.socket, "LANG": "C.UTF-8",
                    "LC_ALL": "C.UTF-8", "TERM": "xterm"}

    def fake(self):
        fake = FakeChaosd(self.socket)
        self.addCleanup(fake.close)
        return fake

    def run_cli(self, *args, code=0, env=None, timeout=30):
        done = subprocess.run([CHAOSCTL, *args], env={**self.env, **(env or {})}, capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"chaosctl {' '.join(args)}\n{done.stdout}\n{done.stderr}")
        return done

    def verbs(self):
        text = self.run_cli("--help").stdout
        part = text.split("Verbs\n")[1].split("\n\n")[0]
        verbs = re.findall(r"^  (\S+)", part, re.M)
        self.assertIn("inject", verbs)
        self.assertIn("doctor", verbs)
        return verbs


class Help(Cli):
    def test_every_verb_explains_itself(self):
        for verb in self.verbs():
            text = self.run_cli("help", verb).stdout
            self.assertIn(f"Usage: chaosctl {verb}", text)
            self.assertRegex(text, rf"Examples\n  chaosctl {verb}", f"{verb} has no example")
            if verb != "exec":
                self.assertEqual(self.run_cli(verb, "--help").stdout.split("\n")[0], text.split("\n")[0])

    def test_every_verb_is_documented(self):
        source = os.environ.get("CHAOS_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(source, "docs", "chaosctl.md"), encoding="utf-8") as f:
            page = f.read()
        headings = " ".join(re.findall(r"^## (.*)$", page, re.M))
        for verb in self.verbs():
            self.assertRegex(headings, rf"\b{verb}\b", f"docs/chaosctl.md does not explain {verb}")
            self.assertIn(f"chaosctl {verb}", page)

    def test_no_verb_is_a_usage_error(self):
        done = self.run_cli(code=2)
        self.assertEqual(done.stdout, "")
        self.assertIn("Verbs", done.stderr)

    def test_kind_help_has_its_flags(self):
        text = self.run_cli("inject", "net.delay", "--help").stdout
        for flag in ("--delay DURATION", "--interface", "--peer CIDR", "--for DURATION"):
            self.assertIn(flag, text)

    def test_version(self):
        self.assertRegex(self.run_cli("--version").stdout, r"^chaosctl \d+\.\d+")
        self.assertIn("version", json.loads(self.run_cli("version", "--json").stdout))

    def test_manual_pages_are_clean_troff(self):
        for page in ("chaosctl.1", "chaosd-faults.7"):
            text = self.run_cli("help", "--man", page).stdout
            self.assertTrue(text.startswith(".TH "))
            for line in text.split("\n"):
                if line.startswith("."):
                    self.assertRegex(line, r"^\.(TH|SH|SS|TP|B|BR|PP|EX|EE|$)")
        self.run_cli("help", "--man", "nothing", code=2)

    def test_completion_knows_verbs_kinds_and_flags(self):
        script = self.run_cli("completion", "bash").stdout
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True).returncode, 0)
        ask = script + '\nCOMP_WORDS=(chaosctl inject net.delay --de); COMP_CWORD=3; _chaosctl; echo "${COMPREPLY[@]}"'
        words = subprocess.run(["bash"], input=ask, text=True, capture_output=True, check=True).stdout.split()
        self.assertIn("--delay", words)
        self.assertIn("--detach", words)
        for shell in ("zsh", "fish"):
            text = self.run_cli("completion", shell).stdout
            for verb in self.verbs():
                self.assertIn(verb, text)
        self.run_cli("completion", "csh", code=2)


class Refusals(Cli):
    def test_wrong_words_are_refused_with_the_nearest(self):
        for args, hint in ((["injct"], "inject"), (["status", "--al"], "--all"), (["inject", "net.dely"], "net.delay"),
                           (["faults", "net.dela"], "net.delay"), (INJECT[:4] + ["--dely", "1ms"], "--delay"),
                           (["history", "lst"], "list")):
            self.assertIn(f"did you mean '{hint}'", self.run_cli(*args, code=2).stderr)

    def test_bad_values_name_the_flag_and_never_reach_the_daemon(self):
        fake = self.fake()
        for args, words in (
                (["--delay", "80", "--for", "1s"], "--delay: '80' lacks a unit"),
                (["--delay", "80ms"], "a fault without a deadline"),
                (["--delay", "80ms", "--for", "0"], "--for"),
                (["--delay", "80ms", "--for", "1s", "--seed", "x"], "--seed"),
                (["--delay", "80ms", "--for", "1s", "--peer", "10.0.0.0/99"], "--peer"),
                (["--delay", "80ms", "--delay", "1ms", "--for", "1s"], "given twice"),
                (["--delay", "80ms", "--for", "1s", "extra"], "one argument too many"),
                (["--delay", "80ms", "--for", "1s", "--lease", "1s", "--detach"], "exclude each other"),
                (["--for"], "needs a value"),
                (["--delay", "80ms", "--for", "1s", "--detach=no"], "takes no value")):
            done = self.run_cli("inject", "net.delay", *args, code=2)
            self.assertIn(words, done.stderr)
        self.assertEqual(fake.calls, [])
        self.run_cli("status", "../../etc", code=2)
        self.run_cli("revert", code=2)
        self.run_cli("status", "one", "two", code=2)
        self.assertEqual(fake.calls, [])

    def test_without_a_daemon(self):
        for args in (["status"], ["halt"], INJECT + ["--for", "1s"]):
            self.assertIn("no chaosd listens", self.run_cli(*args, code=5).stderr)
        error = json.loads(self.run_cli("status", "--json", code=5).stdout)["error"]
        self.assertEqual(error["exit_code"], 5)
        self.run_cli("faults", "net.delay")

    def test_a_daemon_that_refuses(self):
        fake = self.fake()
        fake.refuse = fake.problem(400, "too late for that", pointer="/params/delay", hint="try sooner")
        done = self.run_cli(*INJECT, "--for", "1s", code=2)
        self.assertIn("--delay: too late for that", done.stderr)
        self.assertIn("try sooner", done.stderr)
        fake.refuse = fake.problem(501, "not on this kernel")
        self.run_cli(*INJECT, "--for", "1s", code=5)
        fake.refuse = fake.problem(500, "step 3 failed and could not be undone", residue=True)
        self.run_cli(*INJECT, "--for", "1s", code=6)

    def test_what_answers_is_not_chaosd(self):
        fake = self.fake()
        fake.server.RequestHandlerClass.send_header = lambda h, k, v: None if k == "Chaosd-Version" else \
            type(h).__mro__[1].send_header(h, k, v)
        self.assertIn("not chaosd", self.run_cli("status", code=5).stderr)


class Inject(Cli):
    def test_request_carries_flags(self):
        fake = self.fake()
        self.run_cli("inject", "--peer", "10.77.1.2/32,10.9.0.0/16", "net.delay", "--interface=up0",
                     "--netns", "shop-front", "--peer", "fd00::/64", "--port", "80", "--delay", "80ms", "--for", "60s",
                     "--seed", "9", "--name", "late", "--backend", "relay", "--break-glass", "-d")
        body = fake.last_body("POST", "/v1/faults")
        self.assertEqual(body["target"], {"interface": "up0", "netns": "shop-front", "peer": {
            "cidr": ["10.77.1.2/32", "10.9.0.0/16", "fd00::/64"], "ports": ["80"]}})
        self.assertEqual(body["params"], {"delay": "80ms"})
        self.assertEqual((body["seed"], body["name"], body["backend"], body["breakGlass"], body["lease"], body["for"]),
                         (9, "late", "relay", True, "none", "60s"))

    def test_detach_prints_the_uid_alone(self):
        fake = self.fake()
        done = self.run_cli(*INJECT, "--for", "60s", "--detach")
        self.assertEqual(done.stdout.strip(), next(iter(fake.faults)))
        self.assertEqual(done.stderr, "")

    def test_foreground_ends_with_the_fault_and_renews(self):
        fake = self.fake()
        done = self.run_cli(*INJECT, "--for", "1.2s", "--lease", "1s")
        self.assertIn("7 hits, verified", done.stderr)
        self.assertIn("Undone in 1.5 ms", done.stderr)
        self.assertGreaterEqual(fake.count("POST", f"/v1/faults/{next(iter(fake.faults))}/renew"), 2)

    def test_hostile_bytes_neither_steer_the_terminal_nor_break_json(self):
        path = os.path.join(self.dir.name, "steer.yaml")
        with open(path, "w") as f:
            f.write('apiVersion: "\\e[31mred\\a"\nkind: Experiment\n')
        done = self.run_cli("validate", path, code=2)
        self.assertNotRegex(done.stdout + done.stderr, "[\x1b\a]")
        for args in (["status", b"\xffab"], [b"\xff"], ["validate", b"\xff"]):
            done = subprocess.run([CHAOSCTL, "--json", *args], env=self.env, capture_output=True)
            self.assertEqual(done.returncode, 2)
            json.loads(done.stdout)
            self.assertIn(b'"message"', done.stdout)

    def test_no_hits_is_inconclusive(self):
        fake = self.fake()
        fake.hits = 0
        done = self.run_cli(*INJECT, "--for", "0.3s", code=3)
        self.assertIn("INCONCLUSIVE: nothing met the fault", done.stderr)
        result = json.loads(self.run_cli(*INJECT, "--for", "0.3s", "--json", code=3).stdout)
        self.assertEqual(result["verdict"], {"result": "inconclusive", "exit_code": 3})

    def test_an_effect_that_is_gone_too_early_is_inconclusive(self):
        fake = self.fake()
        fake.verified = False
        done = self.run_cli(*INJECT, "--for", "0.3s", code=3)
        self.assertIn("7 hits, NOT verified", done.stderr)
        self.assertIn("INCONCLUSIVE: the effect was not there at the end", done.stderr)

    def test_failed_undo_is_residue(self):
        fake = self.fake()
        fake.undo_ok = False
        self.assertIn("RESIDUE", self.run_cli(*INJECT, "--for", "0.3s", code=6).stderr)

    def test_halt_from_elsewhere_is_an_abort(self):
        self.fake()
        child = subprocess.Popen([CHAOSCTL, *INJECT, "--for", "60s", "--lease", "1s"], env=self.env,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        self.assertIn("Injected", child.stderr.readline())
        self.run_cli("halt", "--reason", "test")
        self.assertEqual(child.wait(20), 4)

    def test_sigterm_reverts_and_exits_4(self):
        fake = self.fake()
        child = subprocess.Popen([CHAOSCTL, *INJECT, "--for", "60s"], env=self.env, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        self.assertIn("Injected", child.stderr.readline())
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(20), 4)
        self.assertIn("SIGTERM: reverting", child.stderr.read())
        self.assertEqual(next(iter(fake.faults.values()))["reason"], "requested")

    def test_dry_run_plans_only(self):
        fake = self.fake()
        self.assertIn("create TAP device", self.run_cli(*INJECT, "--for", "1s", "--dry-run").stdout)
        self.assertEqual([p for _, p, _ in fake.calls], ["/v1/plan"])


class Verbs(Cli):
    def test_json_parses_everywhere(self):
        fake = self.fake()
        uid = self.run_cli(*INJECT, "--for", "60s", "--detach").stdout.strip()
        for args in (["doctor"], ["faults"], ["faults", "net.delay"], ["status"], ["status", uid], ["status", "--all"],
                     INJECT + ["--for", "1s", "--dry-run"], ["revert", uid], ["revert", "--all"], ["halt"], ["resume"],
                     ["reap"], ["history"], ["history", "verify"], ["history", "export"], ["history", "prune"],
                     ["version"], ["schema", "fault"]):
            json.loads(self.run_cli(*args, "--json").stdout)
        self.assertEqual(fake.faults[uid]["reason"], "requested")

    def test_status_and_revert(self):
        self.fake()
        self.assertIn("No faults.", self.run_cli("status").stdout)
        uid = self.run_cli(*INJECT, "--for", "60s", "--detach").stdout.strip()
        self.assertIn(uid, self.run_cli("status").stdout)
        self.assertEqual(self.run_cli("status", "-q").stdout, uid + "\n")
        self.assertIn("interface up0", self.run_cli("status", uid).stdout)
        self.assertIn("Undone", self.run_cli("revert", uid).stdout)
        self.assertIn("Undone", self.run_cli("revert", uid).stdout)
        self.assertIn("No faults.", self.run_cli("status").stdout)
        self.run_cli("revert", "00000000-0000-0000-0000-000000000000", code=5)

    def test_names_of_others_play_no_tricks(self):
        fake = self.fake()
        uid = self.run_cli(*INJECT, "--for", "60s", "--detach").stdout.strip()
        fake.faults[uid].update(resolved=[{"type": "process", "exe": "/tmp/\033[2Jevil\nUID"}],
                                plan=["stop \033]0;x\007"])
        for args in (["status", uid], ["status"]):
            text = self.run_cli(*args).stdout
            self.assertNotIn("\033", text)
            self.assertNotIn("\007", text)

    def test_halt_and_resume(self):
        fake = self.fake()
        fake.undo_ok = False
        self.run_cli(*INJECT, "--for", "60s", "--detach")
        self.assertIn("RESIDUE", self.run_cli("halt", "-r", "why", code=6).stdout)
        self.assertEqual(fake.last_body("POST", "/v1/halt"), {"reason": "why"})
        self.assertIn("Halted", self.run_cli("status").stdout)
        self.run_cli("resume")
        self.assertNotIn("Halted", self.run_cli("status").stdout)

    def test_doctor_says_why_not(self):
        self.fake()
        text = self.run_cli("doctor").stdout
        self.assertRegex(text, r"netem +no +Specified qdisc not found")
        self.assertRegex(text, r"relay +chosen")

    def test_reap_leaves_a_living_daemon_alone(self):
        self.fake()
        self.assertIn("alive", self.run_cli("reap").stdout)


class Files(Cli):
    def write(self, name, text):
        path = os.path.join(self.dir.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_validate_says_where(self):
        good = self.write("slos.yaml", SLO)
        bad = self.write("bad.yaml", SLO.replace("budgetingMethod: Occurrences", "budgetingMethd: Occurrences"))
        self.assertIn("valid", self.run_cli("validate", good).stdout)
        done = self.run_cli("validate", bad, good, os.path.join(self.dir.name, "missing.yaml"), code=2)
        line = next(i for i, text in enumerate(SLO.split("\n"), 1) if "budgetingMethod" in text)
        self.assertIn(f"{bad}:{line}:3: ", done.stderr)
        self.assertIn("budgetingMethod", done.stderr)
        self.assertIn("missing.yaml", done.stderr)
        self.assertIn(f"{good}: valid (SLO)", done.stdout)
        files = json.loads(self.run_cli("validate", "--json", bad, good, code=2).stdout)["files"]
        self.assertEqual([f["valid"] for f in files], [False, True])
        self.assertEqual((files[0]["error"]["line"], files[0]["error"]["column"]), (line, 3))

    def test_validate_survives_junk(self):
        for i, text in enumerate(("", "\0\0", "a: [", "- 1\n- 2\n", "kind: Nothing\n",
                                  "apiVersion: chaosd/v1\nkind: Experiment\n")):
            done = self.run_cli("validate", self.write(f"junk{i}.yaml", text), code=2)
            self.assertIn(f"junk{i}.yaml", done.stderr)


def complaints(schema, value, where=""):
    """The part of JSON Schema that ours use; returns what is wrong with the value."""
    names = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, names[k]) and (k == "boolean") == isinstance(value, bool) for k in kinds):
        return [f"{where}: not {kinds}"]
    bad = []
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        bad.append(f"{where}: not allowed")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        bad.append(f"{where}: no match")
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        bad.append(f"{where}: range")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False
        bad += [f"{where}/{k}: unknown" for k in value if closed and k not in known]
        bad += [f"{where}/{k}: missing" for k in schema.get("required", []) if k not in value]
        for k in value:
            bad += complaints(known.get(k, {}), value[k], f"{where}/{k}")
    if isinstance(value, list):
        for i, item in enumerate(value):
            bad += complaints(schema.get("items", {}), item, f"{where}/{i}")
    if "anyOf" in schema and all(complaints(s, value) for s in schema["anyOf"]):
        bad.append(f"{where}: none fits")
    for case in schema.get("allOf", []):
        if "if" not in case or not complaints(case["if"], value):
            bad += complaints(case.get("then", case), value, where)
    return bad


class Schemas(Cli):
    fault = {"name": "late", "kind": "net.delay", "params": {"delay": "80ms"}, "for": "10s",
             "target": {"interface": "up0", "peer": {"cidr": ["10.0.0.0/8"], "ports": [80]}}}

    def test_fault(self):
        schema = json.loads(self.run_cli("schema", "fault").stdout)
        self.assertEqual(complaints(schema, self.fault), [])
        for change in ({"params": {"delay": "80"}}, {"params": {"dely": "80ms"}}, {"params": {}}, {"kind": "net.dely"},
                       {"for": 10}, {"taget": {}}, {"target": {"peer": {"cidr": [8]}}}, {"target": {"pid": 0}},
                       {"kind": "proc.kill"}):
            self.assertNotEqual(complaints(schema, {**self.fault, **change}), [], change)

    def test_experiment(self):
        schema = json.loads(self.run_cli("schema", "experiment").stdout)
        spec = {"service": "s", "owner": "o", "hypothesis": "h", "slos": [{"file": "a.yaml"}], "faults": [self.fault]}
        good = {"apiVersion": "chaosd/v1", "kind": "Experiment", "metadata": {"name": "x"}, "spec": spec}
        self.assertEqual(complaints(schema, good), [])
        self.assertNotEqual(complaints(schema, {**good, "kind": "Drill"}), [])
        self.assertNotEqual(complaints(schema, {**good, "spec": {**spec, "phases": {"baseline": "5"}}}), [])
        bad_fault = {**self.fault, "params": {}}
        self.assertNotEqual(complaints(schema, {**good, "spec": {**spec, "faults": [bad_fault]}}), [])
        self.run_cli("schema", "nothing", code=2)


class Terminal(Cli):
    def run_pty(self, args, env=None, interrupt_after=None, timeout=30):
        """chaosctl on a terminal of its own; types Ctrl-C once the pattern was seen. Returns (exit code, output)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(CHAOSCTL, ["chaosctl", *args], {**self.env, **(env or {})})
        text, deadline = "", time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(fd, 65536)
            except OSError:  # the terminal is gone with its last process
                break
            text += piece.decode(errors="replace")
            if interrupt_after and re.search(interrupt_after, text):
                os.write(fd, b"\x03")
                interrupt_after = None
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text

    def test_colours_only_on_terminals(self):
        self.fake()
        self.assertNotIn("\033", self.run_cli("doctor").stdout)
        self.assertIn("\033[", self.run_pty(["doctor"])[1])
        for args, env in ((["doctor", "--no-color"], {}), (["doctor"], {"NO_COLOR": "1"}),
                          (["doctor"], {"TERM": "dumb"})):
            self.assertNotIn("\033[", self.run_pty(args, env)[1])
        self.assertIn("\033[", self.run_pty(["doctor"], {"NO_COLOR": ""})[1])

    def test_ctrl_c_reverts(self):
        fake = self.fake()
        code, text = self.run_pty(INJECT + ["--for", "60s"], interrupt_after=r"hits")
        self.assertEqual(code, 4, text)
        self.assertIn("Ctrl-C: reverting net.delay", text)
        self.assertIn("Undone in", text)
        self.assertIn("\r\033[K", text)
        self.assertEqual(next(iter(fake.faults.values()))["state"], "gone")

    def test_no_live_line_in_a_log(self):
        self.fake()
        done = self.run_cli(*INJECT, "--for", "0.5s")
        self.assertNotIn("\r", done.stdout + done.stderr)


if __name__ == "__main__":
    if not os.access(CHAOSCTL, os.X_OK):
        print(f"{CHAOSCTL} is not built")
        sys.exit(1)
    unittest.main()
