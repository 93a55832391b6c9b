#!/usr/bin/python3
"""The tree keeps its shape: small files, no unfinished work, clean white space, executable scripts, complete kinds."""
import os
import re

from sources import PRODUCT, ROOT, all_files, blank_comments, report

MAX_LINES = 600
MAX_COLUMNS = 120
TEST_COLUMNS = 210  # tables of inputs read better with one input in one line
CODE = {".c", ".h", ".py", ".sh", ".cmake"}
# Split, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|XX" + r"X|HA" + r"CK|FIX" + r"ME(?!\(kernel < \d+\.\d+\):))\b")
NOT_FAMILIES = {"mech", "target"}
# Words of UNFINISHED in prose that forbids them.
MAY_SAY_SO = {"CONTRIBUTING.md"}


def check_text(path, text):
    lines = text.split("\n")
    is_code = path.suffix in CODE or text.startswith("#!")
    is_table = False
    columns = TEST_COLUMNS if path.parts[0] == "tests" else MAX_COLUMNS
    if is_code and len(lines) - 1 > MAX_LINES:
        yield f"{path}: {len(lines) - 1} lines, more than {MAX_LINES}: one file, one subject"
    if text and not text.endswith("\n") and "seeds" not in path.parts:
        yield f"{path}: no newline at the end"
    if text.endswith("\n\n") and "seeds" not in path.parts:
        yield f"{path}: empty lines at the end"
    for n, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield f"{path}:{n}: white space at the end"
        if "\t" in line and is_code:
            yield f"{path}:{n}: a tab"
        if "clang-format o" in line:
            is_table = "clang-format off" in line  # rows that say more in one line than in four
        if is_code and not is_table and len(line) > columns:
            yield f"{path}:{n}: {len(line)} columns, more than {columns}"
        if UNFINISHED.search(line) and path.name not in MAY_SAY_SO:
            yield f"{path}:{n}: unfinished: {line.strip()}"


def check_mode(path, text):
    executable = os.access(ROOT / path, os.X_OK)
    if text.startswith("#!") and not executable:
        yield f"{path}: starts with #! but is not executable"
    if executable and not text.startswith("#!"):
        yield f"{path}: is executable without #!"


def included(text):
    """The project's headers that a BPF program includes."""
    for name in re.findall(r'#include "(bpf/[^"]+)"', text):
        if (ROOT / name).exists():
            yield (ROOT / name).read_text()


def check_header(path, text):
    if path.suffix == ".h" and path.parts[0] in PRODUCT and "#pragma once" not in text:
        yield f"{path}: no #pragma once"
    if path.suffix == ".h" and path.parts[0] in PRODUCT and not re.match(r"(// SPDX.*\n|/\* SPDX.*\n)?/\*", text):
        yield f"{path}: no opening comment that says what it is for"
    if path.name.endswith(".bpf.c") and not any('"Dual BSD/GPL"' in part for part in (text, *included(text))):
        yield f"{path}: BPF programs are \"Dual BSD/GPL\""


def kinds():
    """faults/<family>/<verb>.c, no underscore in the verb: as cmake/ChaosKinds.cmake finds them."""
    for path in sorted((ROOT / "faults").glob("*/*.c")):
        if path.parent.name not in NOT_FAMILIES and "_" not in path.stem:
            yield path.parent.name, path.stem


def check_kinds():
    known = set()
    for family, verb in kinds():
        kind = f"{family}.{verb}"
        known.add(kind)
        for need in (f"docs/faults/{kind}.md", f"tests/unit/test_{family}_{verb}.c",
                     f"experiments/catalog/{family}-{verb}.yaml"):
            if not (ROOT / need).exists():
                yield f"{kind}: {need} is missing"
        source = ROOT / "faults" / family / f"{verb}.c"
        if f'"{kind}"' not in blank_comments(source.read_text()):
            yield f"faults/{family}/{verb}.c: the kind's name \"{kind}\" is not in it"
        page = ROOT / f"docs/faults/{kind}.md"
        if page.exists() and kind not in page.read_text().lstrip().split("\n", 1)[0]:
            yield f"docs/faults/{kind}.md: the first line does not name {kind}"
        tests = [p for ring in ("host", "vm/guest") for p in (ROOT / "tests" / ring).glob("*")]
        if not any(p.is_file() and kind in p.read_text(errors="replace") for p in tests):
            yield f"{kind}: no test in tests/host or tests/vm/guest names it: its effect is measured nowhere"
    for page in sorted((ROOT / "docs" / "faults").glob("*.*.md")):
        if page.name.removesuffix(".md") not in known:
            yield f"docs/faults/{page.name}: no such kind"


def main():
    problems, checked = list(check_kinds()), 0
    for path, text in all_files():
        checked += 1
        for check in (check_text, check_mode, check_header):
            problems += check(path, text)
    report(problems, checked)


main()
