#!/usr/bin/python3
"""The commands in docs/ci are true to the program: the verb, its options, whether each takes a value, the profile."""
import os
import re
import shlex
import subprocess

from sources import ROOT, report

CHAOSCTL = os.path.join(os.environ.get("CHAOS_BIN", ROOT / "build/dev/bin"), "chaosctl")


def options():
    """--name of every option of gate, and whether it takes a value."""
    text = subprocess.run([CHAOSCTL, "help", "gate"], capture_output=True, text=True, check=True).stdout
    found = {name: bool(value) for name, value in re.findall(r"(?m)^ +(?:-\w, )?--([a-z-]+)(?: ([A-Z|]+)\b)? ", text)}
    assert "dry-run" in found and not found["dry-run"] and found["junit"], f"cannot read the help: {found}\n{text}"
    return found


def commands(text):
    """Each "chaosctl gate …" with what continues it: more indented lines of options, or lines behind a backslash."""
    text = re.sub(r"\\\n\s*", " ", text)
    text = re.sub(r"\n\s+(?=--)", " ", text)
    text = re.sub(r"(chaosctl gate \S+)\n\s+(?=--)", r"\1 ", text)
    for match in re.finditer(r"chaosctl gate [^\n'`]*", text):
        yield text.count("\n", 0, match.start()) + 1, shlex.split(match.group(0))


def check(path, known):
    n = 0
    for line, words in commands(path.read_text()):
        n += 1
        rest = iter(words[2:])
        for word in rest:
            if not word.startswith("--"):
                continue
            name = word[2:]
            if name not in known:
                yield f"{path}: about line {line}: gate has no option {word}"
            elif known[name]:
                value = next(rest, "--")
                if value.startswith("--"):
                    yield f"{path}: about line {line}: {word} needs a value"
                if name == "profile" and not (ROOT / f"scorecards/profiles/{value}.yaml").exists():
                    yield f"{path}: about line {line}: there is no profile {value}"
    if n == 0 and path.suffix != ".md":
        yield f"{path}: no command 'chaosctl gate' in it"


def main():
    known = options()
    files = sorted((ROOT / "docs/ci").iterdir())
    problems = [p for path in files for p in check(path, known)]
    # The README's own table of thresholds names options, too.
    for name in re.findall(r"`--([a-z-]+)", (ROOT / "docs/ci/README.md").read_text()):
        if name not in known and name not in ("json",):
            problems.append(f"docs/ci/README.md: gate has no option --{name}")
    report(problems, len(files))


main()
