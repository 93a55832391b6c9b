#!/usr/bin/python3
"""A test double of an OpenAI-style inference server, not a model: it says "token" over and over, at times it is told.

It speaks the real protocol of /v1/completions and /v1/chat/completions with "stream": true: HTTP/1.1 with chunked transfer
coding and keep-alive, server-sent events, a first chat chunk that only names the role, finish_reason, usage when the
request's stream_options ask for it, and "data: [DONE]". To be hard on its reader it cuts the body into chunks at awkward
bytes (--cut), mixes line ends, sends comments, spreads events over several data lines, and its text has characters of
two to four bytes and JSON escapes.

What it did, by its own clock, goes to --log: one JSON line for every answer, times in microseconds of CLOCK_BOOTTIME.
That is how a test compares what a probe says with what was really sent.

It prints "ready PORT" when it listens.
"""
import argparse
import itertools
import json
import socket
import sys
import threading
import time

TOKENS = ["Ein", " Töken", " \u20ac", " \U0001F680", " \"quoted\"", " back\\slash", "\n", " naïve", " data: [DONE]", " x"]


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def wait_until(at_us):
    while now_us() < at_us:
        time.sleep(max(at_us - now_us(), 50) / 1e6)


class Broken(Exception):
    """The answer is to be cut off here."""


class Answer:
    """One answer on one connection."""

    def __init__(self, options, conn, path, request, log):
        self.o, self.conn, self.log = options, conn, log
        self.chat = path.endswith("/chat/completions")
        self.request = request
        self.cuts = itertools.cycle(options.cut) if options.cut else None
        self.record = {"path": path, "received_us": now_us(), "begun_us": [], "sent_us": [], "end": "whole"}

    def write(self, data):
        """As chunks; every chunk in a segment of its own where the kernel pleases."""
        while data:
            n = min(next(self.cuts), len(data)) if self.cuts else len(data)
            self.conn.sendall(b"%x\r\n%s\r\n" % (n, data[:n]))
            data = data[n:]

    def event(self, value, end="\n"):
        """One event; a pretty-printed one spans data lines."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=self.o.escape,
                                                               indent=1 if self.o.multi_line else None)
        lines = "".join(f"data: {line}{end}" for line in text.split("\n"))
        self.write((lines + end).encode())

    def chunk(self, choices, **more):
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return {"id": "cmpl-1", "object": kind, "created": 1, "model": self.request.get("model"), "choices": choices, **more}

    def choice(self, text, finish=None, role=None):
        out = {"index": 0, "logprobs": None, "finish_reason": finish}
        if self.chat:
            out["delta"] = {"role": role, "content": text} if role else {"content": text} if text else {}
        else:
            out["text"] = text
        return out

    def head(self, status, content_type, chunked, length=0):
        coding = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
        self.conn.sendall(f"HTTP/1.1 {status} Answer\r\nContent-Type: {content_type}\r\n{coding}\r\n\r\n".encode())

    def refuse(self, status):
        body = json.dumps({"error": {"message": "told to refuse", "type": "test", "code": status}}).encode()
        self.head(status, "application/json", False, len(body))
        self.conn.sendall(body)
        self.record["end"] = str(status)

    def tokens(self):
        o, end = self.o, "\r\n" if self.o.crlf else "\n"
        at_us = self.record["received_us"] + int(o.first * 1000)
        for i in range(min(o.tokens, self.request.get("max_tokens", o.tokens))):
            wait_until(at_us)
            if o.break_after is not None and i == o.break_after:
                raise Broken
            if i % 3 == 1:
                self.write(f": a comment{end}".encode())
            self.record["begun_us"].append(now_us())  # nothing of it was sent before
            self.event(self.chunk([self.choice(TOKENS[i % len(TOKENS)])]), end)
            self.record["sent_us"].append(now_us())  # its last byte is on its way
            at_us = max(at_us + int(o.gap * 1000), now_us())
        return end

    def stream(self):
        self.head(200, "text/event-stream; charset=utf-8", True)
        if self.chat:
            self.event(self.chunk([self.choice("", role="assistant")]))
        end = self.tokens()
        if not self.o.no_end:
            self.event(self.chunk([self.choice("", finish="length")]), end)
            if self.request.get("stream_options", {}).get("include_usage") and not self.o.no_usage:
                n = len(self.record["sent_us"])
                self.event(self.chunk([], usage={"prompt_tokens": 7, "completion_tokens": n, "total_tokens": 7 + n}), end)
            self.event("[DONE]", end)
        self.record["last_us"] = now_us()
        self.conn.sendall(b"0\r\n\r\n")

    def send(self, number):
        """False when the connection is over."""
        try:
            every = self.o.refuse_every
            if self.o.refuse and (not every or number % every == 0):
                self.refuse(self.o.refuse)
            else:
                self.stream()
            return True
        except Broken:
            self.record["end"] = "broken"
            if self.o.reset:
                self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        except OSError as e:
            self.record["end"] = str(e)
            return False
        finally:
            self.log(self.record)


class Server:
    def __init__(self, options):
        self.o = options
        self.numbers = itertools.count()
        self.lock = threading.Lock()
        self.out = open(options.log, "w", buffering=1) if options.log else None

    def log(self, record):
        with self.lock:
            if self.out:
                self.out.write(json.dumps(record) + "\n")

    def read_request(self, conn, data):
        while b"\r\n\r\n" not in data:
            got = conn.recv(65536)
            if not got:
                return None
            data += got
        head, data = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        while len(data) < int(fields.get("content-length", 0)):
            data += conn.recv(65536)
        length = int(fields.get("content-length", 0))
        return lines[0].split(" ")[1], fields, data[:length], data[length:]

    def serve(self, conn):
        data = b""
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with conn:
            while True:
                try:
                    got = self.read_request(conn, data)
                except OSError:
                    return
                if got is None:
                    return
                path, fields, body, data = got
                answer = Answer(self.o, conn, path, json.loads(body or b"{}"), self.log)
                answer.record["authorization"] = fields.get("authorization")
                answer.record["request"] = answer.request
                if not answer.send(next(self.numbers)):
                    return

    def run(self):
        listener = socket.create_server((self.o.address, self.o.port), backlog=512)
        print(f"ready {listener.getsockname()[1]}", flush=True)
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()


def parse(args):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--address", default="127.0.0.1")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--first", type=float, default=20, metavar="MS", help="from the request to the first token")
    p.add_argument("--gap", type=float, default=5, metavar="MS", help="between tokens")
    p.add_argument("--tokens", type=int, default=16)
    p.add_argument("--cut", type=int, nargs="*", metavar="BYTES", help="lengths of chunks, over and over")
    p.add_argument("--crlf", action="store_true", help="lines end with CR LF")
    p.add_argument("--multi-line", action="store_true", help="events of several data lines")
    p.add_argument("--escape", action="store_true", help="\\u escapes instead of UTF-8")
    p.add_argument("--no-usage", action="store_true")
    p.add_argument("--no-end", action="store_true", help="end the body properly, but without finish_reason and [DONE]")
    p.add_argument("--break-after", type=int, metavar="TOKENS", help="close the connection in the middle")
    p.add_argument("--reset", action="store_true", help="… with a RST")
    p.add_argument("--refuse", type=int, metavar="STATUS", help="answer with this status instead")
    p.add_argument("--refuse-every", type=int, metavar="N", help="… only every N-th request")
    p.add_argument("--log", metavar="FILE")
    return p.parse_args(args)


if __name__ == "__main__":
    try:
        Server(parse(sys.argv[1:])).run()
    except KeyboardInterrupt:
        pass
