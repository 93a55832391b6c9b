#!/usr/bin/python3
"""chaos-exec under real programs: effects are what the programs saw; strace judges the grammar. Needs no root."""
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time

EXEC = os.path.join(os.environ["CHAOS_BIN"], "chaos-exec")
PYTHON = "/usr/bin/python3"
TMP = tempfile.mkdtemp(prefix="chaos-sys-exec-")
FILE = os.path.join(TMP, "data")
SCRIPT = os.path.join(TMP, "opens.py")
failures = checks = 0

# Opens FILE n times with a pause, prints 0 or the errno of each.
OPENS = f"""
import os, sys, time
out = []
for i in range(int(sys.argv[1])):
    try:
        os.close(os.open({FILE!r}, os.O_RDONLY)); out.append(0)
    except OSError as e:
        out.append(e.errno)
    time.sleep(float(sys.argv[2]))
print(*out)
"""


def check(cond, what, *details):
    global failures, checks
    checks += 1
    if not cond:
        failures += 1
        print(f"FAILED: {what}:", *details, file=sys.stderr)


def run(*args, **kw):
    kw.setdefault("timeout", 60)
    return subprocess.run([EXEC, *args], capture_output=True, text=True, **kw)


def opens(n=10, pause=0):
    return [PYTHON, SCRIPT, str(n), str(pause)]


def report_of(*args, **kw):
    path = os.path.join(TMP, "report.json")
    r = run("--report", path, *args, **kw)
    with open(path) as f:
        return r, json.load(f)


def test_errno_and_evidence():
    r, report = report_of("--fault", f"openat:errno=ENOSPC:path={FILE}", "--", *opens(5))
    check(r.stdout.split() == ["28"] * 5, "ENOSPC on every open", r)
    rule = report["rules"][0]
    check((rule["matched"], rule["injected"], rule["passed"]) == (5, 5, 0), "evidence", rule)
    check(rule["calls"] == [{"syscall": "openat", "matched": 5, "injected": 5, "passed": 0}], "per call", rule)


def test_same_as_strace():
    if subprocess.run(["sh", "-c", "command -v strace"], capture_output=True).returncode:
        print("skipped part: no strace to compare with", file=sys.stderr)
        return
    for when in ["1", "3", "3+", "3+2", "3..7", "3..8+2", "2..2", "1+3", "20"]:
        ours = run("--fault", f"openat:error=EIO:path={FILE}:when={when}", "--", *opens(12)).stdout
        theirs = subprocess.run(["strace", "-f", "-o", "/dev/null", "-P", FILE, "-e",
                                 f"inject=openat:error=EIO:when={when}", *opens(12)], capture_output=True, text=True)
        if not theirs.stdout:
            print("skipped part: strace cannot trace here:", theirs.stderr, file=sys.stderr)
            return
        check(ours == theirs.stdout, f"when={when} as strace", ours, theirs.stdout)


def test_each_thread_counts_alone():
    script = f"for i in 1 2 3; do {PYTHON} {SCRIPT} 4 0; done"
    r = run("--fault", f"openat:errno=EIO:path={FILE}:when=2", "--", "sh", "-c", script)
    check(r.stdout.split() == ["0", "5", "0", "0"] * 3, "children count from 1, as with strace -f", r)


def test_probability_and_seed():
    args = ["--fault", f"openat:errno=EIO:path={FILE}:probability=30%"]
    a = run("--seed", "7", *args, "--", *opens(400)).stdout
    b = run("--seed", "7", *args, "--", *opens(400)).stdout
    c = run("--seed", "8", *args, "--", *opens(400)).stdout
    hits = a.split().count("5")
    check(a == b, "same seed, same choices", a, b)
    check(a != c, "another seed, other choices", a)
    check(80 <= hits <= 160, "30% of 400 calls", hits)


def test_delay():
    start = time.monotonic()
    r, report = report_of("--fault", f"openat:delay=300ms:path={FILE}:when=1", "--", *opens(3))
    took = time.monotonic() - start
    check(r.stdout.split() == ["0", "0", "0"], "delayed calls work", r)
    check(took >= 0.3, "the delay was there", took)
    check(report["hits"] == 1, "one delay", report)


def test_retval():
    code = "import os; print(os.getppid())"
    r = run("-e", "getppid:retval=4711", "--", PYTHON, "-c", code)
    check(r.stdout.strip() == "4711", "fake return value", r)


def test_descriptor_path():
    other = os.path.join(TMP, "other")
    code = f"""
import os
for p in ({FILE!r}, {other!r}):
    fd = os.open(p, os.O_WRONLY | os.O_CREAT)
    try:
        print(os.write(fd, b"x"))
    except OSError as e:
        print(-e.errno)
"""
    r = run("-e", f"write:errno=ENOSPC:path={other}", "--", PYTHON, "-c", code)
    check(r.stdout.split() == ["1", "-28"], "write fails on one file only", r)


def test_relative_and_glob_path():
    for path in ("data", "./data", "./sub/../data", "sub/.././/data", "../../../../../../.." + FILE):
        r = run("-e", f"openat,open:errno=EACCES:path={TMP}/d*", "--", "cat", path, cwd=TMP)
        check(r.returncode == 1 and "Permission denied" in r.stderr, "relative path, made absolute", path, r)
        r = run("-e", f"openat,open:errno=EACCES:path={TMP}/e*", "--", "cat", path, cwd=TMP)
        check(r.returncode == 0 and "matched 0 calls" in r.stderr, "another pattern", path, r)


def test_report_of_any_bytes():
    r, report = report_of("-e", "reboot:errno=EPERM", "--", "true", b"\xff\xfe".decode("utf-8", "surrogateescape"), "é")
    check(report["command"] == ["true", "??", "é"], "arguments that are no UTF-8", report)


def test_status():
    never = ["-e", "reboot:errno=EPERM", "--"]
    check(run(*never, "sh", "-c", "exit 42").returncode == 42, "exit status of the command")
    check(run(*never, "sh", "-c", "kill -SEGV $$").returncode == 128 + signal.SIGSEGV, "128 + signal")
    check(run(*never, os.path.join(TMP, "nosuch")).returncode == 127, "127 not found")
    check(run(*never, TMP).returncode == 126, "126 not executable")
    check(run("-e", "reboot:errno=EPERM").returncode == 125, "125 no command")
    check(run("--", "true").returncode == 125, "125 no fault")
    check(run("--strict", *never, "true").returncode == 3, "--strict: nothing was hit")
    r = run(*never, "true")
    check("matched 0 calls" in r.stderr, "a rule that never hit is said plainly, terminal or not", r)


def test_launch_itself_is_exempt():
    r, report = report_of("-e", "execve,mmap:errno=ENOMEM:when=1+", "--", "/bin/true")
    check(report["rules"][0]["matched"] > 0, "calls after execve count", report)
    r, report = report_of("-e", "execve:errno=ENOENT", "--", "/bin/echo", "ran")
    check(r.stdout == "ran\n" and report["calls_asked"] == 0, "execve of the command itself runs", r, report)


def test_refused():
    table = {
        "opnat:errno=ENOSPC": "did you mean 'openat'",
        "openat:errno=ENOSPX": "column 14",
        "openat:erno=EIO": "did you mean",
        "openat": "what shall happen",
        "openat:delay_exit=1s": "before a call runs",
        "openat:signal=TERM": "no signals",
        "openat:delay=5": "unit",
        "openat:errno=EIO:when=0": "counted from 1",
        "openat:errno=EIO:probability=150%": "100%",
    }
    for expr, words in table.items():
        r = run("-e", expr, "--", "true")
        check(r.returncode == 125 and words in r.stderr, expr, r)
    r = run("-e", "openat:errno=EIO", "--for", "5", "--", "true")
    check(r.returncode == 125 and "lacks a unit" in r.stderr, "--for without a unit", r)


def wait_for(cond, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cond():
            return True
        time.sleep(0.02)
    return False


# Opens FILE until told by a file to stop, and writes each result to a second file.
FOREVER = f"""
import os, sys, time
log = os.open({TMP!r} + "/log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
while not os.path.exists({TMP!r} + "/stop"):
    try:
        os.close(os.open({FILE!r}, os.O_RDONLY)); n = 0
    except OSError as e:
        n = e.errno
    os.write(log, f"{{n}}\\n".encode())
    time.sleep(0.01)
"""


def results():
    try:
        with open(f"{TMP}/log") as f:
            return f.read().split()
    except FileNotFoundError:
        return []


def start_forever(*args):
    for name in ("log", "stop"):
        if os.path.exists(f"{TMP}/{name}"):
            os.unlink(f"{TMP}/{name}")
    p = subprocess.Popen([EXEC, "-e", f"openat:errno=ENOSPC:path={FILE}", *args, "--", PYTHON, "-c", FOREVER],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: "28" in results())
    return p


def stop_forever():
    open(f"{TMP}/stop", "w").close()


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(c) for c in f.read().split()]


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_deadline():
    p = start_forever("--for", "400ms", "-v")
    check(wait_for(lambda: results()[-1:] == ["0"]), "past the deadline calls pass")
    stop_forever()
    _, err = p.communicate(timeout=20)
    seen = results()
    check(p.returncode == 0 and "28" in seen, "the command went on to its end", p.returncode)
    check("28" not in seen[seen.index("0"):] if "0" in seen else False, "once over, over", seen)


def test_kill_nine_leaves_the_command_well():
    p = start_forever("-e", "clock_nanosleep:delay=200ms")
    wait_for(lambda: "chaos-execguard" in [comm(k) for k in children_of(p.pid)])
    kids = children_of(p.pid)
    guard = [k for k in kids if comm(k) == "chaos-execguard"]
    command = [k for k in kids if comm(k) != "chaos-execguard"]
    check(len(guard) == 1 and len(command) == 1, "launcher, guard and command", kids)
    p.kill()
    p.wait()
    n = len(results())
    check(wait_for(lambda: len(results()) > n + 5), "the command goes on, also the call that was delayed", results())
    check(results()[-1] == "0", "and its calls succeed", results()[-5:])
    stop_forever()
    check(wait_for(lambda: is_gone(command[0])), "the command ends by itself")
    check(wait_for(lambda: is_gone(guard[0])), "and then the guard")
    p.communicate()


def test_kill_nine_at_any_moment():
    """Kill the launcher at many moments of its start: the command either never ran or runs well."""
    for i in range(40):
        out = os.path.join(TMP, f"early{i}")
        p = subprocess.Popen([EXEC, "-e", "openat,read,write,close,mmap,execve,exit_group:delay=1ms", "--", "sh", "-c",
                              f"echo start > {out}; echo end >> {out}"], stderr=subprocess.DEVNULL)
        time.sleep(i * 0.0004)
        kids = children_of(p.pid) if not is_gone(p.pid) else []
        p.kill()
        p.wait()
        check(wait_for(lambda: all(is_gone(k) for k in kids)), f"nobody hangs after {i * 0.4:.1f} ms",
              [(k, comm(k)) for k in kids])
        if os.path.exists(out):
            with open(out) as f:
                check(f.read() == "start\nend\n", f"the command ran to its end after {i * 0.4:.1f} ms")


def test_closed_descriptors():
    out = os.path.join(TMP, "closed")
    p = subprocess.run(["sh", "-c", 'exec <&- >&- 2>&-; exec "$@"', "sh", EXEC, "-e", "reboot:errno=EPERM", "--",
                        "sh", "-c", f"ls /proc/self/fd/ > {out}"], timeout=60)
    with open(out) as f:
        fds = f.read().split()
    # ls has its redirected output as 1, its directory as the lowest free one
    check(p.returncode == 0 and "2" not in fds and "4" not in fds, "closed descriptors stay closed", p, fds)


def test_many_processes():
    """500 short processes, 8 at a time: each counts from 1, none is lost, none hangs."""
    script = f"seq 500 | xargs -P 8 -I@ cat {FILE} 2>/dev/null | wc -l"
    r, report = report_of("-e", f"openat:errno=EIO:path={FILE}:when=2", "-e",
                          f"read:delay=1ms:path={FILE}:when=1", "--", "sh", "-c", script)
    rule = report["rules"][0]
    check(r.stdout.strip() == "500", "every process works", r.stdout)
    check((rule["matched"], rule["injected"]) == (500, 0), "500 first opens", rule)
    check(report["rules"][1]["injected"] == 500, "500 delays", report["rules"][1])


def test_terminal():
    """Ctrl-C on a terminal: the command, in the foreground group, gets exactly one SIGINT; we say so and exit 4."""
    code = """
import signal, time
n = 0
def count(*_):
    global n
    n += 1
signal.signal(signal.SIGINT, count)
print("up", flush=True)
end = time.monotonic() + 20
while n == 0 and time.monotonic() < end:
    time.sleep(0.02)
time.sleep(0.3)
print("got", n, flush=True)
"""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(EXEC, [EXEC, "-e", "openat:errno=EIO:path=/nosuch", "--", PYTHON, "-c", code])
    seen, sent = b"", False
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
        if b"up" in seen and not sent:
            os.write(fd, b"\x03")
            sent = True
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    check(b"got 1" in seen and b"faults are off" in seen and status == 4, "one SIGINT, words, exit 4", seen, status)


def test_orphans_pass():
    """What the command leaves behind must not meet ENOSYS when the launcher has ended."""
    out = os.path.join(TMP, "orphan")
    code = f"(sleep 0.5; {PYTHON} {SCRIPT} 3 0 > {out}; echo done >> {out}) > /dev/null 2>&1 &"
    r, report = report_of("-e", f"openat:errno=EIO:path={FILE}", "--", "sh", "-c", code)
    check(report["survivors"] is True and "left processes behind" in r.stderr, "survivors are told", r, report)
    check(wait_for(lambda: os.path.exists(out) and "done" in open(out).read()), "the orphan ends")
    with open(out) as f:
        check(f.read() == "0 0 0\ndone\n", "the orphan's calls pass")


def test_signals():
    p = start_forever("-v")
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=20)
    check(p.returncode == 128 + signal.SIGTERM, "SIGTERM is passed on", p.returncode)

    p = start_forever("-v")
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=20)
    check(p.returncode == 4 and "faults are off" in err, "SIGINT ends it with 4 and words", p.returncode, err)


def test_signal_handlers_do_not_count_twice():
    """A timer signal interrupts delayed calls; each must be asked about once (when the kernel can wait killably)."""
    code = f"""
import os, signal
signal.signal(signal.SIGALRM, lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
for i in range(10):
    os.close(os.open({FILE!r}, os.O_RDONLY))
"""
    r, report = report_of("-e", f"openat:delay=30ms:path={FILE}", "--", PYTHON, "-c", code)
    check(report["rules"][0]["matched"] == 10, "ten calls are ten matches", report["rules"])


def test_without_root():
    if os.getuid() != 0:
        return
    os.chmod(TMP, 0o755)
    env = {"PATH": "/usr/bin:/bin"}
    # A copy, for the build may lie where nobody may go.
    exe = os.path.join(TMP, "chaos-exec")
    with open(EXEC, "rb") as src, open(exe, "wb") as dst:
        dst.write(src.read())
    os.chmod(exe, 0o755)
    r = subprocess.run([exe, "-e", f"openat:errno=ENOSPC:path={FILE}", "--", "cat", FILE], capture_output=True,
                       text=True, user=65534, group=65534, extra_groups=[], env=env, timeout=60)
    check(r.returncode == 1 and "No space left" in r.stderr, "as nobody", r)


def test_threads():
    code = f"""
import os, threading
hits = []
def work():
    for i in range(50):
        try:
            os.close(os.open({FILE!r}, os.O_RDONLY))
        except OSError as e:
            hits.append(e.errno)
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(hits))
"""
    r, report = report_of("-e", f"openat:errno=EIO:path={FILE}:when=1+10", "--", PYTHON, "-c", code)
    check(r.stdout.strip() == "40", "8 threads, each its 1st, 11th, 21st, 31st and 41st call", r)
    check(report["rules"][0]["matched"] == 400, "400 calls", report["rules"])


def main():
    with open(FILE, "w") as f:
        f.write("data\n")
    os.chmod(FILE, 0o644)
    with open(SCRIPT, "w") as f:
        f.write(OPENS)
    os.mkdir(os.path.join(TMP, "sub"))
    try:
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                test()
    finally:
        stop_forever()
        subprocess.run(["rm", "-rf", TMP])
    print(f"{checks} checks, {failures} failed", file=sys.stderr)
    return 1 if failures or not checks else 0


sys.exit(main())
