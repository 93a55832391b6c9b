"""sources — the project's own files, as lint tests see them: no git needed, build directories left out."""
import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("CHAOS_SOURCE", Path(__file__).resolve().parent.parent.parent))
PRODUCT = ("core", "bpf", "faults", "experiments", "scorecards", "chaosd", "chaosctl")


def all_files():
    """(path relative to the root, text) of every text file."""
    for top, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if not d.startswith(".") and d != "__pycache__"
                         and not (Path(top) == ROOT and d.startswith("build")))
        for name in sorted(names):
            path = Path(top) / name
            if name.startswith(".git") or path.is_symlink():
                continue
            try:
                yield path.relative_to(ROOT), path.read_text()
            except UnicodeDecodeError:
                continue  # a picture


def c_files(tops=PRODUCT):
    for path, text in all_files():
        if path.suffix in (".c", ".h") and path.parts[0] in tops:
            yield path, text


def blank_comments(text, strings=False):
    """The text with comments (and string literals) blanked, line numbers kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'

    def blank(match):
        found = match.group(0)
        if found.startswith('"') and not strings:
            return found
        return re.sub(r"[^\n]", " ", found)

    return re.sub(pattern, blank, text, flags=re.S)


def lines_matching(text, pattern):
    """(line number, match) of every match."""
    for match in re.finditer(pattern, text, re.M):
        yield text.count("\n", 0, match.start()) + 1, match


def report(problems, checked):
    """The end of a lint test: exit status 1 when anything was found, or when nothing was looked at."""
    for problem in problems:
        print(problem)
    print(f"{checked} files looked at, {len(problems)} problems")
    sys.exit(1 if problems or not checked else 0)
