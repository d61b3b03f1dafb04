#!/bin/sh
# wire_table.sh - doc/wire.md has a row for every MUST, SHOULD and MAY, and names tests that say so
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/peer/wire_table.py"
