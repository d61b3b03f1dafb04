#!/bin/sh
# style.sh - no address is a bare word but where kernel, libraries or the wire want it; lines have 80 columns
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/style.py"
