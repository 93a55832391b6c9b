#!/bin/bash
# sys_errno — system calls of a running process fail, its children's too, nobody else's; the fault dies with its owner.
# kernels: debian errinj
# timeout: 300
exec /usr/bin/python3 "$CHAOS_SOURCE/tests/vm/guest/sys_errno.py"
