#!/bin/sh
# agree.sh - proto/ and the second implementation read the same messages alike
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/peer/agree.py" tests/peer/codec_pipe
