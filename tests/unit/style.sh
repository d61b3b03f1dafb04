#!/bin/sh
# style.sh - no address is a bare word but where it has to be; 80 columns; comments name what they speak of
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/style.py"
