#!/bin/sh
# wire_table.sh - the table of MUSTs in doc/wire.md names tests that exist
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/peer/wire_table.py"
