#!/usr/bin/python3
"""Pages and machine-readable forms as others see them: Chromium looks at the HTML, xmllint and jsonschema at the rest."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser

SOURCE = Path(__file__).resolve().parent.parent.parent
CHAOSCTL = Path(os.environ.get("CHAOS_BIN", SOURCE / "build" / "dev" / "bin")) / "chaosctl"
DATA = SOURCE / "tests" / "data"
GOLDEN = SOURCE / "tests" / "golden"
WIDTHS = {"desktop": 1280, "phone": 390}


def colours(png):
    """How many different bytes a picture has: an empty page has a handful. Chromium writes 8-bit RGB or RGBA."""
    data, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IDAT":
            data += png[at + 8:at + 8 + size]
        at += size + 12
    return len(set(zlib.decompress(data)))


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not browser.find():
            raise unittest.SkipTest("chromium is not installed (scripts/deps test)")
        cls.dir = tempfile.mkdtemp(prefix="chaos-page-")
        env = dict(os.environ, XDG_STATE_HOME=cls.dir)

        def chaosctl(*args):
            subprocess.run([CHAOSCTL, *args], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        chaosctl("history", "import", DATA / "two-services.json")
        chaosctl("findings", "accept", "slow-upstream", "--reason", "replaced in March", "--until", "90d")
        cls.pages = {}
        for name, args in {"score": ["score"], "family": ["score", "--by", "family"], "one": ["score", "shop"],
                           "report": ["report", "--quarter", "2026Q4"]}.items():
            cls.pages[name] = os.path.join(cls.dir, name + ".html")
            chaosctl(*args, "--html", cls.pages[name])
        cls.browser = browser.Browser().__enter__()

    @classmethod
    def tearDownClass(cls):
        if hasattr(cls, "browser"):
            cls.browser.__exit__()
        shutil.rmtree(cls.dir, ignore_errors=True)

    def each(self):
        for name, path in self.pages.items():
            for width_name, width in WIDTHS.items():
                for dark in (False, True):
                    with self.subTest(page=name, width=width_name, dark=dark):
                        self.browser.open(path, width, dark=dark)
                        yield name, width

    def test_looks(self):
        for name, width in self.each():
            self.assertGreater(colours(self.browser.screenshot()), 30, "the picture is blank")
            self.assertEqual(self.browser.console, [], "console messages or requests")
            self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width,
                                 "the page scrolls sideways")
            contrast = self.browser.contrast()
            self.assertGreater(contrast["n"], 40, "too little text was looked at")
            self.assertEqual(contrast["bad"], [], "contrast under 4.5")

    def test_says(self):
        text = {}
        for name, path in self.pages.items():
            self.browser.open(path, 1280)
            text[name] = self.browser.evaluate("document.body.innerText")
        self.assertIn("At a glance", text["score"])
        self.assertIn("Risk accepted until", text["score"])
        self.assertNotIn("At a glance", text["one"])
        self.assertIn("What was not tested", text["report"])
        self.assertIn("Remediation backlog", text["report"])
        self.browser.open(self.pages["score"], 1280)
        self.assertGreater(self.browser.evaluate("document.querySelectorAll('svg path.line').length"), 10)
        # The matrix says in text, not by colour alone, what broke.
        self.assertIn("✗", self.browser.evaluate("document.querySelector('table.matrix').innerText"))

    def test_first_screen(self):
        self.browser.open(self.pages["one"], 1280, height=800)
        inside = self.browser.evaluate(
            "['.grade','.summary','.facts'].every(s => document.querySelector(s).getBoundingClientRect().bottom < 800)")
        self.assertTrue(inside, "grade, summary and figures are not on the first screen")

    def test_prints(self):
        for name, path in self.pages.items():
            with self.subTest(page=name):
                self.browser.open(path, 1280, dark=True)
                pdf = self.browser.pdf()
                self.assertTrue(pdf.startswith(b"%PDF-") and len(pdf) > 10000, f"{len(pdf)} bytes")

    def test_the_test_sees(self):
        """Contrast, overflow and console are really looked at."""
        path = os.path.join(self.dir, "bad.html")
        Path(path).write_text("<!doctype html><body style='background:#fff'><p style='color:#bbb'>pale</p>"
                              "<div style='width:2000px'>wide</div><script>console.error('x')</script>")
        self.browser.open(path, 390)
        self.assertEqual(len(self.browser.contrast()["bad"]), 1)
        self.assertGreater(self.browser.evaluate("document.documentElement.scrollWidth"), 390)
        self.assertNotEqual(self.browser.console, [])


class Schemas(unittest.TestCase):
    """The golden files: a unit test holds the renderers against them byte by byte."""

    def test_junit(self):
        if not shutil.which("xmllint"):
            self.skipTest("xmllint is not installed (scripts/deps test)")
        subprocess.run(["xmllint", "--noout", "--schema", DATA / "junit.xsd", GOLDEN / "junit.xml"], check=True,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["xmllint", "--noout", GOLDEN / "badge.svg"], check=True)

    def test_sarif(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed (scripts/deps test)")
        schema = json.loads((DATA / "sarif.schema.json").read_text())
        document = json.loads((GOLDEN / "results.sarif").read_text())
        jsonschema.Draft7Validator(schema).validate(document)
        rules = document["runs"][0]["tool"]["driver"]["rules"]
        for result in document["runs"][0]["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
        document["runs"][0]["results"][0]["level"] = "terrible"
        self.assertRaises(jsonschema.ValidationError, jsonschema.Draft7Validator(schema).validate, document)


if __name__ == "__main__":
    outcome = unittest.main(verbosity=1, exit=False).result
    if outcome.wasSuccessful() and outcome.skipped:
        print("SKIP: " + "; ".join(sorted({reason for _, reason in outcome.skipped})))
        sys.exit(77)
    sys.exit(not outcome.wasSuccessful())
