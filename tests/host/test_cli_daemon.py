#!/usr/bin/python3
"""chaosctl with the real chaosd: a process is really stopped and goes on, whatever ends the fault. Seen in /proc."""
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.environ.get("CHAOS_BIN", "build/dev/bin")
CHAOSCTL = os.path.join(BIN, "chaosctl")
CHAOSD = os.path.join(BIN, "chaosd")


def wait_for(what, timeout=10.0):
    """Until what() is true; the last answer."""
    deadline = time.monotonic() + timeout
    while not what() and time.monotonic() < deadline:
        select.select([], [], [], 0.02)
    return what()


class Daemon(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="chaosctl-daemon-")
        self.addCleanup(self.dir.cleanup)
        self.socket = os.path.join(self.dir.name, "run", "chaosd.sock")
        self.env = {"PATH": "/usr/bin:/bin", "HOME": self.dir.name, "CHAOSD_SOCKET": self.socket, "TERM": "xterm",
                    "LC_ALL": "C.UTF-8"}
        self.victim = subprocess.Popen(["/bin/sleep", "300"])
        self.addCleanup(self.end, self.victim)
        self.pause = ["inject", "proc.pause", "--pid", str(self.victim.pid)]
        self.start()

    def start(self):
        log = open(os.path.join(self.dir.name, "log"), "ab")
        self.daemon = subprocess.Popen([CHAOSD, "--runtime-dir", os.path.dirname(self.socket)], stdout=log, stderr=log)
        log.close()
        self.addCleanup(self.end, self.daemon)
        self.assertTrue(wait_for(self.answers, 20), "chaosd does not listen")

    def answers(self):
        return subprocess.run([CHAOSCTL, "status"], env=self.env, capture_output=True).returncode == 0

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def state(self):
        with open(f"/proc/{self.victim.pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0]

    def is_stopped(self):
        return self.state() == "T"

    def run_cli(self, *args, code=0):
        done = subprocess.run([CHAOSCTL, *args], env=self.env, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"chaosctl {' '.join(args)}\n{done.stdout}\n{done.stderr}")
        return done

    def test_foreground_to_the_end(self):
        done = self.run_cli(*self.pause, "--for", "1s", "--json")
        result = json.loads(done.stdout)
        self.assertEqual(result["verdict"]["exit_code"], 0)
        self.assertGreaterEqual(result["fault"]["evidence"]["hits"], 1)
        self.assertFalse(self.is_stopped())

    def test_ctrl_c(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(CHAOSCTL, ["chaosctl", *self.pause, "--for", "60s"], self.env)
        self.assertTrue(wait_for(self.is_stopped), "the process was never stopped")
        os.write(fd, b"\x03")
        text = b""
        while True:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            text += piece
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 4)
        self.assertIn(b"Ctrl-C: reverting", text)
        self.assertFalse(self.is_stopped())
        self.assertIn("No faults.", self.run_cli("status").stdout)

    def test_revert_although_nobody_reads(self):
        child = subprocess.Popen([CHAOSCTL, *self.pause, "--for", "60s", "--lease", "60s"], env=self.env,
                                 stderr=subprocess.PIPE, text=True)
        self.assertIn("Injected", child.stderr.readline())
        child.stderr.close()
        child.terminate()
        self.assertEqual(child.wait(20), 4)
        self.assertFalse(self.is_stopped())

    def test_kill_9_of_chaosctl_heals_within_the_lease(self):
        child = subprocess.Popen([CHAOSCTL, *self.pause, "--for", "60s", "--lease", "1s"], env=self.env,
                                 stderr=subprocess.DEVNULL)
        self.assertTrue(wait_for(self.is_stopped), "the process was never stopped")
        child.kill()
        child.wait()
        self.assertTrue(wait_for(lambda: not self.is_stopped(), 5), "the lease did not heal")
        faults = json.loads(self.run_cli("status", "--all", "--json").stdout)["faults"]
        self.assertEqual(faults[0]["reason"], "lease")

    def test_lease_is_renewed_while_chaosctl_lives(self):
        done = self.run_cli(*self.pause, "--for", "3s", "--lease", "1s", "--json")
        self.assertEqual(json.loads(done.stdout)["fault"]["reason"], "ended")

    def test_detach_status_revert(self):
        uid = self.run_cli(*self.pause, "--for", "60s", "--detach").stdout.strip()
        self.assertTrue(self.is_stopped())
        self.assertEqual(self.run_cli("status", "-q").stdout.strip(), uid)
        self.assertIn(f"pid {self.victim.pid}", self.run_cli("status", uid).stdout)
        self.run_cli("revert", uid)
        self.assertFalse(self.is_stopped())

    def test_halt_ends_the_foreground_and_refuses_until_resume(self):
        child = subprocess.Popen([CHAOSCTL, *self.pause, "--for", "60s"], env=self.env, stderr=subprocess.DEVNULL)
        self.assertTrue(wait_for(self.is_stopped), "the process was never stopped")
        self.run_cli("halt", "--reason", "test")
        self.assertFalse(self.is_stopped())
        self.assertEqual(child.wait(20), 4)
        self.assertIn("halt", self.run_cli(*self.pause, "--for", "1s", code=5).stderr.lower())
        self.run_cli("resume")
        self.run_cli(*self.pause, "--for", "1s")

    def test_dry_run_changes_nothing(self):
        done = self.run_cli(*self.pause, "--for", "60s", "--dry-run")
        self.assertIn(str(self.victim.pid), done.stdout)
        self.assertFalse(self.is_stopped())

    def test_protected_and_missing_targets(self):
        self.assertIn("protected", self.run_cli("inject", "proc.pause", "--pid", "1", "--for", "1s", code=5).stderr)
        self.run_cli("inject", "proc.pause", "--pid", "4194303", "--for", "1s", code=5)
        self.run_cli("inject", "proc.pause", "--interface", "lo", "--for", "1s", code=2)
        self.assertEqual(json.loads(self.run_cli("status", "--all", "--json").stdout)["faults"], [])

    def test_doctor_and_reap_with_the_daemon_dead(self):
        alive = json.loads(self.run_cli("doctor", "--json").stdout)
        self.assertTrue(alive["daemon_alive"])
        self.assertIn("alive", self.run_cli("reap").stdout)
        uid = self.run_cli(*self.pause, "--for", "60s", "--detach").stdout.strip()
        self.assertTrue(uid)
        self.daemon.kill()
        self.daemon.wait()
        self.assertTrue(wait_for(lambda: not self.is_stopped(), 5), "the guard did not revert")
        dead = json.loads(self.run_cli("doctor", "--json").stdout)
        self.assertFalse(dead["daemon_alive"])
        self.assertEqual([k["kind"] for k in dead["kinds"]], [k["kind"] for k in alive["kinds"]])
        self.run_cli("reap", "--dry-run")
        self.run_cli("reap")
        self.start()
        self.assertIn("No faults.", self.run_cli("status").stdout)

    def test_a_daemon_that_dies_in_the_foreground(self):
        child = subprocess.Popen([CHAOSCTL, *self.pause, "--for", "60s", "--lease", "1s"], env=self.env,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        self.assertIn("Injected", child.stderr.readline())
        self.assertTrue(self.is_stopped())
        self.daemon.kill()
        self.daemon.wait()
        self.assertEqual(child.wait(30), 5)
        self.assertIn("Lost sight of the fault", child.stderr.read())
        self.assertTrue(wait_for(lambda: not self.is_stopped(), 5), "the guard did not revert")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    unittest.main()
