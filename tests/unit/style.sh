#!/bin/sh
# style.sh - no address is a bare word but where it has to be; 80 columns; comments name what they speak of; no shape twice
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
python3 "${srcdir:-.}/tests/style.py" &&
    exec python3 "${srcdir:-.}/tests/shapes.py"
