#!/bin/bash
# Layout is what .clang-format says: no arguing. `tests/lint/test_format.sh fix` rewrites the files.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v clang-format >/dev/null; then
        echo "SKIP: clang-format is not installed (scripts/deps test)"
        exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mapfile -t files < <(find core bpf faults experiments scorecards chaosd chaosctl tests -name '*.[ch]' | sort)
if [ "${1:-}" = fix ]; then
        clang-format -i "${files[@]}"
        exit
fi
if ! clang-format --dry-run -Werror "${files[@]}" 2>"$log"; then
        grep -c 'error:' "$log" | sed 's/$/ lines; by file:/'
        sed -n 's/^\([^:]*\):.*error:.*/\1/p' "$log" | sort | uniq -c | sort -rn
        echo "tests/lint/test_format.sh fix rewrites them"
        exit 1
fi
echo "${#files[@]} files look as .clang-format wants them"
