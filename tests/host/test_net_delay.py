#!/usr/bin/python3
# asan: no, because the sanitized relay is not the one whose accuracy and speed are promised
"""net.delay, relay lane, on this machine: what ping, iperf3 and sha256 see, and what is left behind.

Everything happens in two network namespaces that this test makes. CHAOS_LANE=netem tests the other lane; arguments
name the tests to run. Needs root; exits 77 with a reason where it cannot run.
"""
import hashlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

DRIVER = os.path.join(os.environ["CHAOS_BIN"], "chaos-fault-driver")
A, B = f"nd-a{os.getpid()}", f"nd-b{os.getpid()}"
PEER4, PEER6, OTHER4 = "10.91.0.2", "fd91::2", "10.91.0.3"
LANE = os.environ.get("CHAOS_LANE", "relay")
failures = []


def sh(*args, check=True, **kw):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(args)}: {done.stdout}")
    return done.stdout


def check(ok, text):
    print(("ok      " if ok else "FAILED  ") + text, flush=True)
    if not ok:
        failures.append(text)


def make_namespaces():
    for ns in (A, B):
        sh("ip", "netns", "add", ns)
    sh("ip", "link", "add", "na0", "netns", A, "type", "veth", "peer", "name", "nb0", "netns", B)
    for ns, dev, n in ((A, "na0", 1), (B, "nb0", 2)):
        sh("ip", "-n", ns, "addr", "add", f"10.91.0.{n}/24", "dev", dev)
        sh("ip", "-n", ns, "addr", "add", f"fd91::{n}/64", "dev", dev, "nodad")
        sh("ip", "-n", ns, "link", "set", "lo", "up")
        sh("ip", "-n", ns, "link", "set", dev, "up")
    sh("ip", "-n", B, "addr", "add", f"{OTHER4}/24", "dev", "nb0")
    for address in (PEER4, PEER6, OTHER4):
        sh("ip", "netns", "exec", A, "ping", "-q", "-c", "1", "-W", "5", address)


def remove_namespaces():
    for ns in (A, B):
        sh("ip", "netns", "del", ns, check=False)


def fingerprint():
    """The shape of both namespaces."""
    out = []
    for ns, dev in ((A, "na0"), (B, "nb0")):
        out.append(sh("ip", "-n", ns, "-d", "link"))
        out.append(sh("tc", "-n", ns, "qdisc", "show"))
        out += [sh("tc", "-n", ns, "filter", "show", "dev", dev, hook, check=False) for hook in ("ingress", "egress")]
        out.append(sh("tc", "-n", ns, "class", "show", "dev", dev))
    return "\n".join(out)


def ping(address, count=100, interval=0.002):
    """Round-trip times in ms."""
    text = sh("ip", "netns", "exec", A, "ping", "-n", "-c", str(count), "-i", str(interval), "-W", "3", address,
              check=False)
    return [float(ms) for ms in re.findall(r"time=([0-9.]+) ms", text)]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Fault:
    """One fault through the driver; reverted at the end of the with block."""

    def __init__(self, params, target=None, seconds=60, uid="0b9f12ab-34cd", **env):
        self.records = tempfile.mktemp(prefix="nd-records")
        target = {"netns": A, "interface": "na0", **(target or {})}
        self.process = subprocess.Popen(
            [DRIVER, "run", "net.delay", LANE, json.dumps(target), json.dumps(params), str(seconds), self.records],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "CHAOS_UID": uid, **env})
        self.first = self.process.stdout.readline()
        if not self.first.startswith("active"):
            self.process.wait()
            raise RuntimeError(self.first)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.last = self.process.communicate()[0]
        if os.path.exists(self.records):
            os.unlink(self.records)

    def evidence(self):
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def tell(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def children(self):
        return [int(p) for p in
                sh("ps", "-o", "pid=", "--ppid", str(self.process.pid), check=False).split()]


def measure(direction, count=1000):
    """One sitting: round trips in ms and the evidence."""
    with Fault({"delay": "10ms", "direction": direction}) as fault:
        return ping(PEER4, count), fault.evidence()


def test_accuracy():
    """The relay against what was asked. Other work on the machine may spoil a sitting, a wrong relay spoils three."""
    if LANE != "relay":
        return
    for direction, times in (("egress", 1), ("ingress", 1), ("both", 2)):
        for sitting in range(3):
            rtts, seen = measure(direction)
            median, p99, asked = statistics.median(rtts), percentile(rtts, 0.99), 10.0 * times
            good = abs(median - asked) <= 0.3 * times and abs(p99 - asked) <= 1.5 * times
            if good:
                break
        check(len(rtts) == 1000, f"{direction}: {len(rtts)} of 1000 pings answered")
        check(good, f"{direction}: median {median:.3f} ms, p99 {p99:.3f} ms, asked {asked} ms, sitting {sitting + 1}")
        check(seen["verified"] and seen["hits"] >= 1000 * times, f"{direction}: evidence {seen['hits']} packets")


def test_against_tc():
    """The netem lane against a netem qdisc that tc set, in turns, so that both meet the same load."""
    if LANE != "netem":
        return
    ours, bare = [], []
    for _ in range(4):
        rtts, seen = measure("egress", 250)
        ours += rtts
        sh("tc", "-n", A, "qdisc", "add", "dev", "na0", "root", "netem", "delay", "10ms")
        bare += ping(PEER4, 250)
        sh("tc", "-n", A, "qdisc", "del", "dev", "na0", "root")
    difference = statistics.median(ours) - statistics.median(bare)
    check(len(ours) == 1000 and len(bare) == 1000, f"{len(ours)} and {len(bare)} of 1000 pings answered")
    check(abs(difference) <= 0.3,
          f"median {statistics.median(ours):.3f} ms, tc netem {statistics.median(bare):.3f} ms")
    check(seen["verified"] and seen["lane_packets"] >= 250, f"netem's own statistics: {seen['lane_packets']} packets")


def test_lanes_agree():
    """Both lanes give the same answer to the same question."""
    global LANE
    if any(sh(DRIVER, "probe", "net.delay", lane, check=False) for lane in ("netem", "relay")):
        return
    mine = LANE
    for distribution in ("uniform", "normal", "pareto"):
        found = {}
        for LANE in ("netem", "relay"):
            # Long delays: what a slow emulated machine adds by itself is small beside them.
            with Fault({"delay": "200ms", "jitter": "80ms", "distribution": distribution}):
                rtts = ping(PEER4, 400)
            found[LANE] = [percentile(rtts, share) for share in (0.25, 0.5, 0.75)]
        worst = max(abs(n - r) for n, r in zip(found["netem"], found["relay"]))
        quartiles = {lane: " ".join(f"{q:.1f}" for q in values) for lane, values in found.items()}
        check(worst < 25, f"{distribution}: quartiles in ms: netem {quartiles['netem']}, relay {quartiles['relay']}")
    LANE = mine


def test_selectors():
    cases = [
        ("peer", {"peer": {"cidr": [PEER4]}}, [PEER4], [OTHER4, PEER6]),
        ("IPv6 peer", {"peer": {"cidr": ["fd91::/64"]}}, [PEER6], [PEER4]),
        ("protocol", {"peer": {"protocol": "tcp"}}, [], [PEER4, PEER6]),
        ("everything", {}, [PEER4, PEER6, OTHER4], []),
    ]
    for name, target, slow, fast in cases:
        with Fault({"delay": "20ms"}, target) as fault:
            for address in slow:
                rtt = statistics.median(ping(address, 20))
                check(rtt > 19.5, f"{name}: {address} is slow ({rtt:.2f} ms)")
            for address in fast:
                rtt = statistics.median(ping(address, 20))
                check(rtt < 5, f"{name}: {address} is not ({rtt:.2f} ms)")
            seen = fault.evidence()
            if not slow:
                check(seen["hits"] == 0 and "none matched" in seen["note"], f"{name}: no hits: {seen['note']}")


def connect_time(port):
    """Milliseconds of one TCP handshake from A to B, by a process of A."""
    program = (f"import socket,time; s=socket.socket(); t=time.monotonic(); s.connect(('{PEER4}',{port})); "
               "print((time.monotonic()-t)*1000)")
    return float(sh("ip", "netns", "exec", A, "python3", "-c", program))


def test_ports():
    """300 ms, so that a slow emulated machine's own slowness cannot be taken for the fault."""
    program = ("import socket,select\n"
               "s=[socket.create_server(('',p)) for p in (22,8080,8090)]\n"
               "print('up',flush=True)\n"
               "while True:\n for x in select.select(s,[],[])[0]: x.accept()[0].close()")
    server = subprocess.Popen(["ip", "netns", "exec", B, "python3", "-c", program], stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        with Fault({"delay": "300ms"}, {"peer": {"ports": ["8000-8085"]}}):
            check(connect_time(8080) > 299, "port inside the range is slow")
            check(connect_time(8090) < 200, "port outside is not")
        with Fault({"delay": "300ms", "direction": "ingress"}, {"peer": {"ports": [8080]}}):
            check(connect_time(8080) > 299, "ingress: answers from the port are slow")
            check(connect_time(8090) < 200, "ingress: others are not")
        with Fault({"delay": "300ms"}) as fault:
            check(connect_time(22) < 200, "SSH is exempt")
            check(fault.evidence()["exempt"] > 0, "and counted as exempt")
        with Fault({"delay": "300ms"}, CHAOS_BREAK_GLASS="1"):
            check(connect_time(22) > 299, "broken glass: SSH is slow too")
    finally:
        server.kill()
        server.wait()


def test_cgroup():
    """Only the packets of sockets that a cgroup's processes own."""
    with open("/proc/mounts") as mounts:
        roots = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
    if not roots:
        print("no cgroup v2 here: not tested")
        return
    path = os.path.join(roots[0], f"nd-cg{os.getpid()}")
    os.mkdir(path)
    try:
        with Fault({"delay": "30ms"}, {"cgroup": "/" + os.path.basename(path)}):
            inside = sh("sh", "-c", f"echo $$ >{path}/cgroup.procs; exec ip netns exec {A} ping -c 20 -i 0.01 {PEER4}")
            rtts = [float(ms) for ms in re.findall(r"time=([0-9.]+) ms", inside)]
            check(statistics.median(rtts) > 29, f"inside of the cgroup: slow ({statistics.median(rtts):.2f} ms)")
            rtt = statistics.median(ping(PEER4, 20))
            check(rtt < 10, f"outside of it: not ({rtt:.2f} ms)")
    finally:
        os.rmdir(path)


TUNNEL = """
import ctypes, fcntl, os, select, struct, sys
def tun():
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"nt0", 0x1001))
    return fd
a = tun()
if ctypes.CDLL(None).setns(os.open("/run/netns/" + sys.argv[1], os.O_RDONLY), 0):
    sys.exit(1)
b = tun()
print("up", flush=True)
while True:
    for fd in select.select([a, b], [], [])[0]:
        try:
            os.write(b if fd == a else a, os.read(fd, 65536))
        except OSError:
            pass
"""


def test_raw_ip():
    """An interface whose packets carry no Ethernet header."""
    if LANE != "relay":
        return
    tunnel = subprocess.Popen(["ip", "netns", "exec", A, "python3", "-c", TUNNEL, B], stdout=subprocess.PIPE)
    try:
        tunnel.stdout.readline()
        for ns, mine, peer in ((A, 1, 2), (B, 2, 1)):
            sh("ip", "-n", ns, "addr", "add", f"10.92.0.{mine}", "peer", f"10.92.0.{peer}", "dev", "nt0")
            sh("ip", "-n", ns, "addr", "add", f"fd92::{mine}/64", "dev", "nt0", "nodad")
            sh("ip", "-n", ns, "link", "set", "nt0", "up")
        for direction, asked in (("egress", 20), ("ingress", 20), ("both", 40)):
            with Fault({"delay": "20ms", "direction": direction}, {"interface": "nt0"}):
                for address in ("10.92.0.2", "fd92::2"):
                    rtts = ping(address, 30)
                    check(len(rtts) == 30 and asked - 0.5 < statistics.median(rtts) < asked + 5,
                          f"{direction}: {address} {statistics.median(rtts or [0]):.2f} ms of {asked}")
    finally:
        tunnel.kill()
        tunnel.wait()


def test_shapes():
    """Jitter keeps the mean; the spread is that of the distribution."""
    for distribution, low, high in (("uniform", 1.6, 3.0), ("normal", 3.2, 4.8)):
        params = {"delay": "20ms", "jitter": "4ms", "distribution": distribution}
        with Fault(params):
            rtts = ping(PEER4, 600)
        mean, deviation = statistics.mean(rtts), statistics.pstdev(rtts)
        check(abs(mean - 20) < 1, f"{distribution}: mean {mean:.2f} ms of 20")
        check(low < deviation < high, f"{distribution}: deviation {deviation:.2f} ms in {low} … {high}")
    with Fault({"delay": "20ms", "percent": "50%"}):
        rtts = ping(PEER4, 400)
    slow = sum(rtt > 15 for rtt in rtts)
    check(120 < slow < 280, f"percent: {slow} of {len(rtts)} delayed, half asked")


def test_bulk(direction):
    """GSO stays on, nothing is corrupted: 64 MiB of random bytes arrive as they were sent, in the delayed direction."""
    sender_ns, receiver_ns, address = (A, B, PEER4) if direction == "egress" else (B, A, "10.91.0.1")
    data = os.urandom(1 << 20) * 64
    want = hashlib.sha256(data).hexdigest()
    program = ("import socket,hashlib; s=socket.create_server(('',9000)); print('up',flush=True); c=s.accept()[0]\n"
               "h=hashlib.sha256()\nwhile True:\n b=c.recv(1<<18)\n if not b: break\n h.update(b)\n"
               "print(h.hexdigest())")
    server = subprocess.Popen(["ip", "netns", "exec", receiver_ns, "python3", "-c", program],
                              stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    with Fault({"delay": "5ms", "direction": direction}) as fault:
        sender = subprocess.Popen(["ip", "netns", "exec", sender_ns, "python3", "-c",
                                   f"import socket,sys; s=socket.create_connection(('{address}',9000)); "
                                   "s.sendall(sys.stdin.buffer.read())"], stdin=subprocess.PIPE)
        start = time.monotonic()
        sender.communicate(data)
        got = server.communicate()[0].strip()
        took = time.monotonic() - start
        seen = fault.evidence()
    check(got == want, f"{direction}: 64 MiB arrive unchanged ({took:.1f} s)")
    check(seen["lane_dropped"] == 0, f"{direction}: nothing dropped by the lane")
    check(seen["lane_packets"] < seen["packets"],
          f"{direction}: GSO packets pass whole ({seen['lane_packets']} for {seen['packets']} segments)")


def test_iperf():
    server = subprocess.Popen(["ip", "netns", "exec", B, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    with Fault({"delay": "2ms", "direction": "both"}) as fault:
        report = json.loads(sh("ip", "netns", "exec", A, "iperf3", "-c", PEER4, "-t", "3", "-J"))
        seen = fault.evidence()
    server.wait(10)
    rate = report["end"]["sum_received"]["bits_per_second"]
    check(rate > 50e6, f"iperf3 TCP with GSO: {rate / 1e6:.0f} Mbit/s at 4 ms round trip")
    check(seen["verified"], "and the fault is still whole")


def test_shaped():
    """A rate limit of the root qdisc still holds for delayed packets."""
    sh("tc", "-n", A, "qdisc", "add", "dev", "na0", "root", "tbf", "rate", "20mbit", "burst", "32k", "latency", "400ms")
    server = subprocess.Popen(["ip", "netns", "exec", B, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    with Fault({"delay": "10ms"}) as fault:
        report = json.loads(sh("ip", "netns", "exec", A, "iperf3", "-c", PEER4, "-t", "3", "-J"))
        seen = fault.evidence()
    server.wait(10)
    rate = report["end"]["sum_received"]["bits_per_second"] / 1e6
    check(2 < rate < 22, f"{rate:.1f} Mbit/s through a root qdisc of 20")
    check(seen["packets"] > 1000, f"and {seen['packets']} packets were delayed")
    sh("tc", "-n", A, "qdisc", "del", "dev", "na0", "root")


def mirrored():
    """Packets that the foreign filters have seen: [egress, ingress]."""
    links = json.loads(sh("ip", "-n", A, "-j", "-s", "link"))
    counts = {link["ifname"]: link["stats64"]["tx"]["packets"] for link in links}
    return [counts["mirror-egress"], counts["mirror-ingress"]]


def test_foreign():
    """Others' root qdisc, clsact and filters are as before; behind a plain root their filters see each packet once."""
    foreign(False)
    foreign(True)


def foreign(htb):
    if htb:
        sh("tc", "-n", A, "qdisc", "add", "dev", "na0", "root", "handle", "1:", "htb", "default", "10")
        sh("tc", "-n", A, "class", "add", "dev", "na0", "parent", "1:", "classid", "1:10", "htb", "rate", "1gbit")
    sh("tc", "-n", A, "qdisc", "add", "dev", "na0", "clsact")
    for hook in ("egress", "ingress"):
        mirror = f"mirror-{hook}"
        sh("ip", "-n", A, "link", "add", mirror, "type", "veth", "peer", "name", f"{hook}-end")
        for end in (mirror, f"{hook}-end"):
            sh("ip", "-n", A, "link", "set", end, "addrgenmode", "none")
            sh("ip", "-n", A, "link", "set", end, "up")
        sh("tc", "-n", A, "filter", "add", "dev", "na0", hook, "prio", "10", "protocol", "ip", "u32", "match", "u32",
           "0", "0", "action", "mirred", "egress", "mirror", "dev", mirror, "continue")
    before = fingerprint()
    with Fault({"delay": "10ms", "direction": "both"}):
        during = sh("tc", "-n", A, "qdisc", "show", "dev", "na0")
        check("htb 1: root" in during or not htb, "the root stays the root")
        earlier = mirrored()
        rtts = ping(PEER4, 50)
        seen = [now - then for now, then in zip(mirrored(), earlier)]
        check(len(rtts) == 50 and 19.5 < statistics.median(rtts) < 25,
              f"the fault works beside it ({statistics.median(rtts or [0]):.2f} ms)")
        twice = htb and LANE == "relay"
        check(seen == [100 if twice else 50, 50], f"foreign filters saw {seen} of 50 packets each way")
    check(fingerprint() == before, f"foreign {'HTB root, ' if htb else ''}clsact and filters are untouched")
    for hook in ("egress", "ingress"):
        sh("ip", "-n", A, "link", "del", f"mirror-{hook}")
    sh("tc", "-n", A, "qdisc", "del", "dev", "na0", "clsact")
    sh("tc", "-n", A, "qdisc", "del", "dev", "na0", "root", check=htb)


SWEEP = """
set -e
mount --make-rprivate /run/netns
exec 3<"/run/netns/$1" 4<"/run/netns/$2"
mount -t tmpfs tmpfs /run/netns
: >"/run/netns/$1"
: >"/run/netns/$2"
mount --no-canonicalize --bind /proc/$$/fd/3 "/run/netns/$1"
mount --no-canonicalize --bind /proc/$$/fd/4 "/run/netns/$2"
exec 3<&- 4<&-
shift 2
exec "$@"
"""


def sweep(*args):
    """Where nothing but our two namespaces can be seen: a sweep takes everything that carries our mark.
    The root is left as it is: in a chroot it may be no mount point."""
    return sh("unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--net", "--mount-proc", "sh", "-c", SWEEP, "sh", A, B, DRIVER,
              "sweep", "net.delay", *args)


def test_no_residue():
    before = fingerprint()
    with Fault({"delay": "10ms", "direction": "both"}):
        check(fingerprint() != before, "the fingerprint sees a fault")
    check(fingerprint() == before, "after revert everything is as before")

    # Killed: the deadline passes by itself, then the records are enough for another process, twice.
    with Fault({"delay": "10ms", "direction": "both"}, seconds=2) as fault:
        start, pids = time.monotonic(), fault.children()
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait()
        while time.monotonic() < start + 2.05:
            time.sleep(0.02)
        rtts = ping(PEER4, 50)
        check(len(rtts) == 50 and statistics.median(rtts) < 2,
              f"killed: normal at the deadline, with nobody's help ({statistics.median(rtts or [99]):.2f} ms)")
        check(not any(os.path.exists(f"/proc/{pid}") for pid in pids) and len(pids) == (2 if LANE == "relay" else 0),
              "the relays died with it")
        for turn in ("first", "second"):
            sh(DRIVER, "revert", "net.delay", fault.records)
            check(fingerprint() == before, f"{turn} revert from the records leaves nothing")

    # Killed, and the records are lost.
    with Fault({"delay": "10ms", "direction": "both"}, seconds=60) as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait()
        found = sweep("dry")
        check(found.count("filter") == 2 and "clsact" in found, f"sweep finds it: {found.splitlines()}")
        sweep()
        check(fingerprint() == before, "sweep without records leaves nothing")


def test_relay_killed():
    if LANE != "relay":
        return
    with Fault({"delay": "50ms"}) as fault:
        for pid in fault.children():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.25)
        rtts = ping(PEER4, 50)
        check(len(rtts) == 50 and statistics.median(rtts) < 5, "a dead relay lets packets pass after 200 ms")
        seen = fault.evidence()
        check(not seen["verified"] and "dead" in seen["note"], f"and the evidence says so: {seen['note']}")


def test_deadline():
    with Fault({"delay": "20ms"}) as fault:
        check(statistics.median(ping(PEER4, 20)) > 19, "slow before the deadline")
        fault.tell("renew 0.2")
        time.sleep(0.5)
        check(statistics.median(ping(PEER4, 20)) < 15, "fast past the deadline, while all processes live")
        check(fault.evidence()["passed_after_deadline"] >= 20, "and counted")
        fault.tell("renew 60")
        fault.evidence()
        check(statistics.median(ping(PEER4, 20)) > 19, "slow again: the lease was renewed")


def refused(words, params, **target):
    out = sh(DRIVER, "plan", "net.delay", LANE, json.dumps({"netns": A, "interface": "na0", **target}),
             json.dumps(params), check=False)
    check(words in out, f"refused: {out.strip()[:140]}")


def test_refusals():
    before = fingerprint()
    refused("jitter is larger", {"delay": "1ms", "jitter": "2ms"})
    refused("needs a jitter", {"delay": "1ms", "distribution": "normal"})
    refused("must be in", {"delay": "2h"})
    refused("missing", {})
    refused("nope", {"delay": "1ms"}, interface="nope")
    refused("did you mean 'direction'", {"delay": "1ms", "directoin": "both"})
    if LANE == "relay":
        refused("loopback", {"delay": "1ms"}, interface="lo")
    out = sh(DRIVER, "plan", "net.delay", LANE, '{"interface": "lo"}', '{"delay": "1ms"}', check=False)
    check("host itself" in out or "loopback" in out, f"refused on the host: {out.strip()}")
    check(fingerprint() == before, "refusals and plans change nothing")


def test_target_gone():
    with Fault({"delay": "10ms"}) as fault:
        sh("ip", "-n", A, "link", "del", "na0")
        last = fault.process.communicate()[0]
        check(fault.process.returncode == 0, f"the interface vanished: healed ({last.strip().splitlines()[-1]})")
    check("chx" not in sh("ip", "-n", A, "-br", "link"), "and our device is gone")
    remove_namespaces()
    make_namespaces()
    with Fault({"delay": "10ms"}) as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait()
        remove_namespaces()
        out = sh(DRIVER, "revert", "net.delay", fault.records, check=False)
        check(out == "", "the namespace vanished: revert looks everywhere and says healed")


def main():
    if os.geteuid() != 0:
        print("SKIP: needs root")
        return 77
    for tool in ("ip", "tc", "ping", "iperf3"):
        if not any(os.access(os.path.join(d, tool), os.X_OK) for d in os.environ["PATH"].split(":")):
            print(f"SKIP: needs {tool}")
            return 77
    reason = sh(DRIVER, "probe", "net.delay", LANE, check=False)
    if reason:
        print(f"SKIP: {reason.strip()}")
        return 77
    remove_namespaces()
    make_namespaces()
    try:
        only = sys.argv[1:]
        for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
            if only and name not in only:
                continue
            print(f"--- {name}", flush=True)
            for args in ([("egress",), ("ingress",)] if name == "test_bulk" else [()]):
                test(*args)
    finally:
        remove_namespaces()
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
