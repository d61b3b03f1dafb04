#!/bin/sh
# options.sh - each option of each daemon: default, bounds, wrong types; manual pages and examples say the same
command -v python3 >/dev/null || {
	echo "SKIP: needs python3"
	exit 77
}
export PYTHONDONTWRITEBYTECODE=1
exec python3 "${srcdir:-.}/tests/unit/options.py" "${srcdir:-.}" \
    "${top_builddir:-.}"
