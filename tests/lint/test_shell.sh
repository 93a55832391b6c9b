#!/bin/bash
# Every shell script parses, and every Python file compiles.
set -euo pipefail
cd "$(dirname "$0")/../.."

checked=0
while IFS= read -r file; do
        case $(head -n 1 "$file" | tr -d '\0') in
        '#!/bin/bash'* | '#!/usr/bin/env bash'*) bash -n "$file" ;;
        '#!/bin/sh'*) sh -n "$file" ;;
        '#!/usr/bin/python3'* | '#!/usr/bin/env python3'*)
                python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file"
                ;;
        *) continue ;;
        esac
        checked=$((checked + 1))
done < <(find scripts tests deploy .ci -type f 2>/dev/null | sort)
echo "$checked scripts parse"
[ "$checked" -gt 0 ]
