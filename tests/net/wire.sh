#!/bin/sh
# wire.sh - the witness of the end-to-end test notices each thing it is there for
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$(dirname "$0")/wire_test.py"
