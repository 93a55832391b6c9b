#!/bin/bash
# All guest tests that run on this kernel, in one boot.
exec "$(dirname "$0")/boot" debian
