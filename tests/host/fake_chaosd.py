"""A daemon that only talks: the API of docs/api/README.md over a Unix socket, with faults that live in a dictionary.
It lets tests see what chaosctl asks for and how it takes answers that a real daemon gives rarely (no hits, residue)."""
import http.server
import json
import os
import socketserver
import threading
import time
import uuid


class FakeChaosd:
    """One server thread on one socket. Set hits, undo_ok, refuse (status, problem) first; read calls afterwards."""

    def __init__(self, socket_path):
        self.socket_path = socket_path
        self.faults = {}
        self.calls = []  # (method, path, body)
        self.hits = 7
        self.verified = True
        self.undo_ok = True
        self.refuse = None
        self.halted = False
        self.lock = threading.Lock()

        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self):
                return "unix"

            def log_message(self, *args):
                pass

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length) if length else b""
                body = json.loads(raw) if raw else None
                with fake.lock:
                    fake.calls.append((self.command, self.path, body))
                    status, answer = fake.answer(self.command, self.path, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Chaosd-Version", "0.1.0")
                self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = handle_any

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(socket_path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.socket_path)

    def count(self, method, prefix):
        with self.lock:
            return sum(1 for m, p, _ in self.calls if m == method and p.startswith(prefix))

    def last_body(self, method, path):
        with self.lock:
            return [b for m, p, b in self.calls if m == method and p == path][-1]

    # What follows runs under the lock.

    def problem(self, status, detail, **more):
        return status, {"type": "about:blank", "title": "x", "status": status, "detail": detail, **more}

    def end(self, fault, reason):
        fault["state"] = "gone" if self.undo_ok else "failed"
        fault["reason"] = reason
        fault["undo"] = {"ok": self.undo_ok, "ms": 1.5, "error": None if self.undo_ok else "the interface is stuck"}

    def refresh(self, fault):
        if fault["state"] == "active":
            fault["remaining_ms"] = max(0, (fault["_end"] - time.monotonic()) * 1000)
            fault["evidence"]["hits"] = self.hits
            if fault["remaining_ms"] == 0:
                self.end(fault, "ended")
        return {k: v for k, v in fault.items() if not k.startswith("_")}

    def inject(self, body):
        seconds = float(body.get("for", "1s").rstrip("s"))
        lease = body.get("lease", "5s")
        fault = {
            "uid": str(uuid.uuid4()), "kind": body["kind"], "name": body.get("name", ""), "state": "active",
            "target": body.get("target", {}), "resolved": [], "params": body.get("params", {}), "backend": "relay",
            "backend_reason": "netem: Specified qdisc not found", "plan": ["create TAP device"], "irreversible": False,
            "created": "2026-11-23T22:06:08.123Z", "remaining_ms": seconds * 1000, "_end": time.monotonic() + seconds,
            "lease_ms": seconds * 1000 if lease == "none" else float(lease.rstrip("s")) * 1000,
            "evidence": {"hits": 0, "verified": self.verified, "note": "", "counters": []}, "reason": None, "undo": None,
        }
        self.faults[fault["uid"]] = fault
        return 201, self.refresh(fault)

    def answer(self, method, path, body):
        if self.refuse and method == "POST":
            return self.refuse
        path, _, query = path.partition("?")
        parts = path.strip("/").split("/")
        if path == "/v1/capabilities":
            return 200, {"version": "0.1.0", "api": "v1", "hostname": "fake", "kernel": "6.1", "arch": "x86_64",
                         "halted": self.halted, "kinds": [
                             {"kind": "net.delay", "summary": "s", "available": True, "backend": "relay", "backends": [
                                 {"name": "netem", "available": False, "reason": "Specified qdisc not found"},
                                 {"name": "relay", "available": True, "needs": "TUN", "reaches": "any interface"}]}]}
        if path == "/v1/plan":
            return 200, {"kind": body["kind"], "backend": "relay", "resolved": [], "params": body.get("params", {}),
                         "plan": ["create TAP device"], "irreversible": False, "warnings": ["it will be slow"]}
        if path == "/v1/halt":
            self.halted = True
            live = [f for f in self.faults.values() if f["state"] == "active"]
            for fault in live:
                self.end(fault, "halt")
            uids = [f["uid"] for f in live]
            done, failed = (uids, []) if self.undo_ok else ([], uids)
            return 200, {"halted": True, "reverted": done, "failed": failed}
        if path == "/v1/resume":
            self.halted = False
            return 200, {"halted": False}
        if path == "/v1/faults" and method == "POST":
            return self.inject(body)
        if path == "/v1/faults":
            faults = [self.refresh(f) for f in self.faults.values()]
            shown = [f for f in faults if "all=1" in query or f["state"] == "active"]
            return 200, {"faults": shown, "halted": self.halted}
        fault = self.faults.get(parts[2]) if len(parts) > 2 else None
        if not fault:
            return self.problem(404, "no such fault")
        if method == "DELETE":
            self.refresh(fault)
            if fault["state"] == "active":
                self.end(fault, "requested")
        if parts[-1] == "renew" and fault["state"] != "active":
            return self.problem(409, "the fault is over")
        return 200, self.refresh(fault)
