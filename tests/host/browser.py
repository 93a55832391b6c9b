"""browser — headless Chromium over its debugging pipe: standard library only, no port, no network, a profile of its own."""
import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--remote-debugging-pipe"]

# Every visible text with the colours that it really has. Alpha is flattened on what lies behind.
CONTRAST = r"""
(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const lum = c => { const f = v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
                     return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const behind = e => { let layers = [];
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c);
                                     if (c[3] === 1) break; }
    return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]); };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), bad = []; let n = 0;
  for (let t; (t = walker.nextNode());) {
    const e = t.parentElement, style = getComputedStyle(e), text = t.textContent.trim();
    if (!text || ['TITLE', 'STYLE', 'SCRIPT'].includes(e.tagName.toUpperCase()) || !e.getClientRects().length) continue;
    const svg = e instanceof SVGElement, under = behind(svg ? e.ownerSVGElement.parentElement : e);
    const ink = parse(svg ? style.fill : style.color); ink[3] *= Number(style.opacity);
    const a = lum(over(ink, under)), b = lum(under), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    n++;
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)}: "${text.slice(0, 40)}" <${e.tagName} ${e.className}>`);
  }
  return {n, bad};
})()
"""


def find():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


def high_pipe():
    """A pipe whose descriptors are out of the way of 3 and 4."""
    low = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in low]
    for fd in low:
        os.close(fd)
    return high


class Browser:
    """One browser, one tab. Use with `with`; what the page logs is in .console."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="chaos-browser-")
        self.buffer, self.next_id, self.console, self.session = b"", 0, [], None

    def __enter__(self):
        down, self.write_fd = high_pipe()
        self.read_fd, up = high_pipe()
        # The debugging pipe is descriptors 3 and 4 of the browser.
        command = 'exec 3<&"$0" 4>&"$1"; shift; exec "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", command, str(down), str(up), find(), *FLAGS, f"--user-data-dir={self.dir}"],
            pass_fds=(down, up), env=dict(os.environ, HOME=self.dir), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(down)
        os.close(up)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.read_fd)
        os.close(self.write_fd)
        shutil.rmtree(self.dir, ignore_errors=True)

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.read_fd, 1 << 16)
            if not chunk:
                raise RuntimeError("the browser is gone")
            self.buffer += chunk
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        method, params = message.get("method", ""), message.get("params", {})
        if method == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(str(params["args"]))
        elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:", "about:")):
            self.console.append("request to " + params["request"]["url"])
        return message

    def call(self, method, **params):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def open(self, path, width, height=900, dark=False):
        self.console.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while self.evaluate("document.readyState") != "complete":
            pass

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def screenshot(self, path=None, full=False):
        data = base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=full, fromSurface=True,
                                          format="png")["data"])
        if path:
            with open(path, "wb") as out:
                out.write(data)
        return data

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def contrast(self):
        return self.evaluate(CONTRAST)
