#!/usr/bin/python3
"""Includes point down only, each third-party library has one owner folder, and product code runs no shell and no tc."""
import re

from sources import blank_comments, c_files, lines_matching, report

# folder -> what it may include besides itself (docs/architecture.md). The longest folder that fits counts.
MAY_INCLUDE = {
    "core": ["core"],
    "bpf": ["bpf"],
    "faults": ["core", "faults", "faults/target"],
    "faults/target": ["core", "faults", "faults/target", "faults/mech"],
    "faults/mech": ["core", "faults", "faults/target", "faults/mech", "bpf"],
    "faults/*": ["core", "faults", "faults/target", "faults/mech", "bpf"],
    "experiments": ["core", "experiments"],
    "scorecards": ["core", "experiments", "scorecards"],
    "chaosd": ["core", "faults", "faults/target", "faults/mech", "chaosd"],
    "chaosctl": ["core", "experiments", "scorecards", "chaosctl"],
}
# header (regular expression) -> folders that own it
OWNERS = {
    r"jansson\.h": ["core"],
    r"libfyaml\.h": ["core"],
    r"curl/.*": ["core"],
    r"bpf/(libbpf|bpf|btf)\.h": ["faults/mech"],
    r"bpf/bpf_\w+\.h": ["bpf"],
    r"netlink/.*": ["faults/mech"],
    r"seccomp\.h": ["faults/sys/launcher"],
    r"microhttpd\.h": ["chaosd"],
    r"systemd/.*": ["chaosd"],
    r"sys/capability\.h": ["chaosd"],
    r"sqlite3\.h": ["chaosctl"],
    r"gnutls/.*": ["core"],
    r"(openssl|glib)/?.*": [],
}
# Where another program is started on purpose: the user's own command, never a tool that does our work.
MAY_EXEC = ("faults/sys/launcher/", "experiments/probe", "chaosctl/")
FORBIDDEN_CALLS = {
    r"\b(system|popen|wordexp)\s*\(": "runs a shell",
    r"\b(sleep|usleep)\s*\(": "sleeps; wait for an event or a timer",
}
TOOLS = r'"(?:(?:/(?:usr/)?s?bin/)?(?:tc|nft|iptables|ip6tables|nsenter|modprobe)|/(?:usr/)?s?bin/(?:ip|sh|bash|kill|mount))"'


def inside(folder, allowed):
    """A folder is inside an allowed one when it is that one or lies below it; "faults" alone means its top level."""
    return folder == allowed or (allowed != "faults" and folder.startswith(allowed + "/"))


def rules_for(path):
    folder = str(path.parent)
    while folder not in MAY_INCLUDE and "/" in folder:
        parent, _, _ = folder.rpartition("/")
        if parent == "faults":
            return MAY_INCLUDE["faults/*"] + [folder]
        folder = parent
    return MAY_INCLUDE[folder]


def check_project_include(path, target):
    folder = target.rpartition("/")[0]
    if target.endswith(".skel.h"):
        family = path.parts[0] == "faults" and path.parts[1] != "target"
        return None if family else "a BPF skeleton belongs to its fault family"
    if not folder:
        return "name the folder: \"folder/file.h\""
    if not any(inside(folder, allowed) for allowed in rules_for(path)):
        return f"{path.parent}/ may not include {folder}/"
    return None


def check_system_include(path, target):
    for pattern, owners in OWNERS.items():
        if re.fullmatch(pattern, target) and not any(str(path).startswith(o + "/") for o in owners):
            return f"<{target}> belongs to {' and '.join(owners) or 'nobody'}"
    return None


def main():
    problems, checked = [], 0
    for path, text in c_files():
        checked += 1
        code = blank_comments(text)
        for n, m in lines_matching(code, r'^\s*#\s*include\s+(["<])([^">]+)[">]'):
            check = check_project_include if m.group(1) == '"' else check_system_include
            wrong = check(path, m.group(2))
            if wrong:
                problems.append(f"{path}:{n}: {wrong}")
        if path.parts[0] == "bpf":
            continue
        bare = blank_comments(text, strings=True)
        for pattern, why in FORBIDDEN_CALLS.items():
            problems += [f"{path}:{n}: {m.group(1)}() {why}" for n, m in lines_matching(bare, pattern)]
        for n, m in lines_matching(bare, r"\b(exec[lv]p?e?|execveat|fexecve|posix_spawnp?)\s*\("):
            if not str(path).startswith(MAY_EXEC):
                problems.append(f"{path}:{n}: {m.group(1)}(): only {', '.join(MAY_EXEC)} start programs")
        for n, m in lines_matching(code, TOOLS):
            problems.append(f"{path}:{n}: {m.group(0)}: product code runs no such tool")
    report(problems, checked)


main()
