#!/bin/sh
# threats_table.sh - each test that doc/threats.md names is there
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/unit/threats_table.py"
