#!/bin/sh
# ike2_table.sh - doc/ike2-wire.md has a row for every MUST and SHOULD of IKEv2, and names tests that are run
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/unit/ike2_table.py"
