#!/bin/sh
# rooms.sh - who includes whom is what doc/architecture.md's table says, and no circle of files is new
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/rooms.py"
