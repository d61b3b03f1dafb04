#!/bin/sh
# oe_table.sh - each test that doc/oe.md names is there
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/unit/oe_table.py"
