#!/bin/bash
# What ships beside the daemon says the same as the daemon: unit file, example configuration, OpenAPI.
. "$(dirname "$0")/lib.sh"
need_tool python3

cd "$CHAOS_SOURCE"
python3 - <<'PYTHON'
import re
from pathlib import Path

# Capabilities: the unit's bounding set is what caps.c keeps, plus the two that the start needs.
kept = set(re.findall(r"^\s+(CAP_[A-Z_]+),", Path("chaosd/caps.c").read_text(), re.M))
unit_file = Path("deploy/systemd/chaosd.service").read_text()
unit = set(" ".join(re.findall(r"^CapabilityBoundingSet=(.*)$", unit_file, re.M)).split())
assert len(kept) > 4 and unit == kept | {"CAP_CHOWN", "CAP_SETPCAP"}, f"unit {unit ^ kept}"

# Routes: every row of the table is in openapi.yaml and in README.md, and nothing else is in openapi.yaml.
table = re.findall(r'\{ "([A-Z]+)", "(/[^"]*)",', Path("chaosd/api.c").read_text())
rows = {(method, path.replace("*", "{uid}")) for method, path in table}
documented, path = set(), None
for line in Path("docs/api/openapi.yaml").read_text().split("\ncomponents:")[0].splitlines():
    if found := re.match(r"  (/\S*):$", line):
        path = found[1]
    elif found := re.match(r"    (get|post|put|delete|patch):$", line):
        documented.add((found[1].upper(), path))
assert rows == documented, f"openapi.yaml and the route table differ: {rows ^ documented}"
readme = Path("docs/api/README.md").read_text()
for method, path in rows:
    assert f"{method} {path.replace('{uid}', 'UID')}" in readme, f"README.md lacks {method} {path}"

# Options: every row is in docs/chaosd.md.
page = Path("docs/chaosd.md").read_text()
for option in re.findall(r'^\s+\{ "([a-z-]+)",', Path("chaosd/options.c").read_text(), re.M):
    assert f"--{option}" in page, f"docs/chaosd.md lacks --{option}"
PYTHON

# The example configuration is valid, and it is the defaults.
: >"$work/empty.yaml"
capabilities() { "$CHAOS_BIN/chaosd" --capabilities "$@" | json '["limits"]'; }
[ "$(capabilities --config deploy/chaosd.yaml)" = "$(capabilities --config "$work/empty.yaml")" ] ||
        fail "the example's limits are not the defaults"

refused() {
        local rc=0
        printf '%s\n' "$1" >"$work/bad.yaml"
        "$CHAOS_BIN/chaosd" --config "$work/bad.yaml" --runtime-dir "$work/never" 2>"$work/said" || rc=$?
        [ $rc = 2 ] || fail "'$1': exit $rc"
        grep -q "$2" "$work/said" || fail "'$1': $(cat "$work/said")"
        [ ! -e "$work/never" ] || fail "'$1' left a directory"
}
refused 'limits: {maxFault: 3}' 'bad.yaml:1:10.*maxFaults'
refused 'limits: {maxTtl: 3}' 'bad.yaml:1:'
refused 'limits: {defaultLease: 2h}' 'maxTtl\|defaultLease'
refused 'runtimeDir: here' 'absolute'
refused 'a: [' 'bad.yaml:'
rc=0
"$CHAOS_BIN/chaosd" --config "$work/missing.yaml" 2>"$work/said" || rc=$?
[ $rc = 2 ] || fail "a missing configuration: exit $rc"
rc=0
"$CHAOS_BIN/chaosd" --no-such-option 2>"$work/said" || rc=$?
[ $rc = 2 ] || fail "an unknown option: exit $rc"

if command -v systemd-analyze >/dev/null; then
        sed "s|/usr/sbin/chaosd|$CHAOS_BIN/chaosd|" deploy/systemd/chaosd.service >"$work/chaosd.service"
        systemd-analyze verify --man=no "$work/chaosd.service" 2>"$work/said" || fail "$(cat "$work/said")"
        [ ! -s "$work/said" ] || fail "systemd-analyze: $(cat "$work/said")"
else
        echo "systemd-analyze is not installed: the unit file was not verified"
fi
