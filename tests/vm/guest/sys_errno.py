"""Guest half of sys_errno.sh. The victim is a process of its own that does what it is told and answers with errnos:
what it sees is the effect; bpftool says what is attached."""
import errno
import json
import os
import signal
import subprocess
import sys
import time

DRIVER = os.path.join(os.environ["CHAOS_BIN"], "chaos-fault-driver")
KERNEL = os.environ["CHAOS_VM_KERNEL"]
FILE = "/tmp/sys-errno-data"
RECORDS = "/tmp/sys-errno-records"
failures = checks = 0

VICTIM = f"""
import os, socket, subprocess, sys, threading
child = None
def attempt(what):
    try:
        if what == "open": os.close(os.open({FILE!r}, os.O_RDONLY))
        elif what == "write":
            fd = os.open({FILE!r}, os.O_WRONLY)
            try: os.write(fd, b"x")
            finally: os.close(fd)
        elif what == "fsync":
            fd = os.open({FILE!r}, os.O_WRONLY)
            try: os.fsync(fd)
            finally: os.close(fd)
        elif what == "connect":
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try: s.connect(("127.0.0.1", 9))
            finally: s.close()
        elif what == "mkdir": os.mkdir({FILE!r} + ".d"); os.rmdir({FILE!r} + ".d")
        return 0
    except OSError as e:
        return e.errno
def in_fork(what):
    pid = os.fork()
    if pid == 0: os._exit(attempt(what))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def in_thread(what):
    out = []
    t = threading.Thread(target=lambda: out.append(attempt(what)))
    t.start(); t.join()
    return out[0]
def loop(inp, out):
    for line in inp:
        how, what, times = line.split()
        f = dict(self=attempt, fork=in_fork, thread=in_thread)[how]
        print(*[f(what) for _ in range(int(times))], file=out, flush=True)
# A child that is there before the fault.
r, w = os.pipe(); r2, w2 = os.pipe()
if os.fork() == 0:
    os.close(w); os.close(r2)
    loop(os.fdopen(r), os.fdopen(w2, "w")); os._exit(0)
os.close(r); os.close(w2)
to_child, from_child = os.fdopen(w, "w"), os.fdopen(r2)
print("ready", flush=True)
for line in sys.stdin:
    if line.startswith("old "):
        print(line[4:].strip(), file=to_child, flush=True)
        print(from_child.readline().strip(), flush=True)
    else:
        loop([line], sys.stdout)
"""


def check(cond, what, *details):
    global failures, checks
    checks += 1
    if not cond:
        failures += 1
        print(f"FAILED: {what}:", *details, flush=True)


class Victim:
    def __init__(self):
        self.p = subprocess.Popen([sys.executable, "-c", VICTIM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        assert self.p.stdout.readline() == "ready\n"
        self.pid = self.p.pid

    def do(self, what, times=1, how="self"):
        self.p.stdin.write(f"{how} {what} {times}\n")
        self.p.stdin.flush()
        return [int(n) for n in self.p.stdout.readline().split()]

    def close(self):
        self.p.stdin.close()
        self.p.wait()


class Fault:
    def __init__(self, backend, target, seconds=60, uid="11111111-aaaa-4aaa-8aaa-000000000001", **params):
        self.p = subprocess.Popen([DRIVER, "run", "sys.errno", backend, json.dumps(target), json.dumps(params),
                                   str(seconds), RECORDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, env={**os.environ, "CHAOS_UID": uid})
        self.first = self.p.stdout.readline()

    def is_active(self):
        return self.first.startswith("active")

    def tell(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def evidence(self):
        self.tell("evidence")
        return json.loads(self.p.stdout.readline())

    def end(self):
        out = self.p.communicate(timeout=30)[0]
        check(self.p.returncode == 0, "driver", self.first, out)
        return json.loads(out.splitlines()[0]) if self.is_active() else {}


def programs():
    out = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, text=True).stdout
    return [p.get("name", "") for p in json.loads(out) if p.get("name", "").startswith("chaos_")]


def wait_for(cond, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cond():
            return True
        time.sleep(0.02)
    return False


def probe(backend):
    r = subprocess.run([DRIVER, "probe", "sys.errno", backend], capture_output=True, text=True)
    return r.returncode == 0, r.stderr.strip()


def here():
    try:
        os.close(os.open(FILE, os.O_RDONLY))
        return 0
    except OSError as e:
        return e.errno


def test_target_and_children(backend, v):
    f = Fault(backend, {"pid": v.pid}, syscalls=["openat", "mkdir"], errno="ENOSPC")
    check(f.is_active(), "inject", f.first)
    check(programs(), "programs are loaded")
    check(v.do("open", 3) == [28] * 3, "the target gets ENOSPC")
    check(v.do("mkdir") == [28], "for the second call too")
    check(v.do("connect") == [0], "other calls work")
    check(v.do("open", 2, "old self") == [28] * 2, "a child from before")
    check(v.do("open", 2, "fork") == [28] * 2, "children from now on")
    check(v.do("open", 2, "old fork") == [28] * 2, "a grandchild")
    check(v.do("open", 2, "thread") == [28] * 2, "a thread")
    check(here() == 0, "another process is well")
    ev = f.end()
    # 3 + 2 + 2 + 2 + 2 opens and a mkdir; starting a thread opens nothing
    check(ev.get("injected") == 12 and ev["hits"] == 12 and ev["matched"] >= 12, "evidence", ev)
    check(v.do("open") == [0] and v.do("open", 1, "old self") == [0], "all is well after the end")
    check(wait_for(lambda: not programs()), "no program is left", programs())


def test_when(backend, v):
    for when, want in (("3", "001000000000"), ("3..10+2", "001010101000"), ("4+", "000111111111"),
                       ("2..3", "011000000000")):
        f = Fault(backend, {"pid": v.pid}, syscalls=["openat"], errno="EIO", when=when)
        got = "".join("1" if n == 5 else "0" for n in v.do("open", 12))
        check(got == want, f"when {when}", got, f.first)
        ev = f.end()
        check(ev.get("matched") == 12 and ev.get("injected") == want.count("1"), "evidence", ev)


def test_probability(backend, v):
    runs = []
    for _ in range(2):
        f = Fault(backend, {"pid": v.pid}, syscalls=["openat"], errno="EIO", probability="30%")
        runs.append(v.do("open", 300))
        f.end()
    hits = runs[0].count(5)
    check(60 <= hits <= 120, "30% of 300", hits)
    check(runs[0] == runs[1], "same seed, same choices")


def test_more_calls(backend, v):
    f = Fault(backend, {"pid": v.pid}, syscalls=["connect"], errno="ECONNREFUSED")
    check(v.do("connect", 2) == [errno.ECONNREFUSED] * 2, "connect", f.first)
    f.end()
    # Only the first write: the second is the victim's answer.
    f = Fault(backend, {"pid": v.pid}, syscalls=["write"], errno="ENOSPC", when="1")
    check(v.do("write") == [28], "write", f.first)
    f.end()


def test_cgroup(backend, w):
    path = "/sys/fs/cgroup/sys-errno-test"
    os.makedirs(path + "/below", exist_ok=True)
    v = Victim()
    with open(path + "/below/cgroup.procs", "w") as out:
        out.write(str(v.pid))
    f = Fault(backend, {"cgroup": "/sys-errno-test"}, syscalls=["openat"], errno="EMFILE")
    check(v.do("open", 2) == [24] * 2 and v.do("open", 2, "fork") == [24] * 2, "all that is below the cgroup", f.first)
    check(w.do("open") == [0] and v.do("open", 1, "old self") == [0], "and nothing else")
    f.end()
    check(v.do("open") == [0], "well after the end")
    v.close()
    wait_for(lambda: not open(path + "/below/cgroup.procs").read())
    os.rmdir(path + "/below"), os.rmdir(path)


def test_deadline(backend, v):
    f = Fault(backend, {"pid": v.pid}, seconds=8, syscalls=["openat"], errno="EIO")
    check(v.do("open") == [5], "before the deadline", f.first)
    check(wait_for(lambda: v.do("open") == [0], 30), "past it calls pass, though nobody has undone anything")
    check(programs() and f.p.poll() is None, "while the programs are still attached")
    f.tell("renew 60")
    check(wait_for(lambda: v.do("open") == [5]), "renewed")
    f.end()


def test_kill_nine(backend, v):
    f = Fault(backend, {"pid": v.pid}, syscalls=["openat"], errno="EIO")
    check(v.do("open") == [5], "active", f.first)
    f.p.kill()
    f.p.wait()
    check(wait_for(lambda: v.do("open") == [0], 2), "well as soon as the owner is dead")
    check(wait_for(lambda: not programs()), "and nothing is left", programs())
    r = subprocess.run([DRIVER, "revert", "sys.errno", RECORDS], capture_output=True, text=True)
    check(r.returncode == 0, "the record can be reverted all the same", r.stderr)
    r = subprocess.run([DRIVER, "sweep", "sys.errno", "dry"], capture_output=True, text=True)
    check(r.returncode == 0 and "found" not in r.stdout, "a sweep finds nothing", r)


def test_revert_by_stranger(backend, v):
    f = Fault(backend, {"pid": v.pid}, syscalls=["openat"], errno="EIO")
    r = subprocess.run([DRIVER, "sweep", "sys.errno", "dry"], capture_output=True, text=True)
    check("11111111-aaaa" in r.stdout, "a sweep names the fault", r)
    check(v.do("open") == [5], "a dry sweep changes nothing")
    for _ in range(2):
        r = subprocess.run([DRIVER, "revert", "sys.errno", RECORDS], capture_output=True, text=True)
        check(r.returncode == 0, "revert by a process that knows only the record", r.stderr)
    check(v.do("open") == [0], "stops it while the owner still lives")
    f.end()


def test_dead_target(backend, _):
    v = Victim()
    v.close()
    f = Fault(backend, {"pid": v.pid}, syscalls=["openat"], errno="EIO")
    check(not f.is_active(), "a dead target is refused", f.first)
    f.p.communicate()
    check(wait_for(lambda: not programs()), "and leaves nothing", programs())


def test_fsync(v):
    r = subprocess.run([DRIVER, "plan", "sys.errno", "bpf-lsm", json.dumps({"pid": v.pid}),
                        json.dumps({"syscalls": ["fsync"], "errno": "EIO"})], capture_output=True, text=True)
    check(r.returncode != 0 and "no security hook for fsync" in r.stderr, "bpf-lsm cannot, and says so", r.stderr)
    if KERNEL == "errinj":
        f = Fault("bpf-override", {"pid": v.pid}, syscalls=["fsync"], errno="EIO")
        check(v.do("fsync", 2) == [5, 5] and v.do("open") == [0], "bpf-override can", f.first)
        f.end()


def main():
    with open(FILE, "w") as f:
        f.write("data")
    available = {}
    for backend in ("bpf-override", "bpf-lsm"):
        available[backend], why = probe(backend)
        print(f"{backend}: {'yes' if available[backend] else why}", flush=True)
        check(wait_for(lambda: not programs()), "a probe leaves nothing", programs())
        check(available[backend] or len(why) > 20, "a refusal has words", why)
    check(available["bpf-lsm"], "bpf-lsm is there on both kernels")
    check(available["bpf-override"] == (KERNEL == "errinj"), "bpf-override is where error injection is")
    victim = Victim()
    for backend in (b for b in available if available[b]):
        for test in (test_target_and_children, test_when, test_probability, test_more_calls, test_cgroup, test_deadline,
                     test_kill_nine, test_revert_by_stranger, test_dead_target):
            before = failures
            test(backend, victim)
            print(f"{'ok  ' if failures == before else 'FAIL'} {backend} {test.__name__}", flush=True)
    test_fsync(victim)
    victim.close()
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0


signal.alarm(280)
sys.exit(main())
