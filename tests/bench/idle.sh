#!/bin/sh
# idle.sh - what the daemons cost when nothing moves: wake-ups a second, memory, and how large a program is
#
# Run as root in the build folder: sh SOURCE/tests/bench/idle.sh [SECONDS [HOSTS]]
# rsipd serves HOSTS (240) hosts with a lease each; tests/net/idle.sh says what else.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC2015
command -v strip >/dev/null && command -v size >/dev/null || {
	echo "idle.sh: strip and size are missing" >&2
	exit 77
}
sh "$here/../net/idle.sh" "${1:-20}" "${2:-240}" || exit
stripped=$(mktemp) || exit 1
trap 'rm -f "$stripped"' EXIT
for program in rsipd/rsipd rsipc/rsipc oe/oed; do
	strip -o "$stripped" "${top_builddir:-.}/$program"
	printf '%-12s stripped %6d kB: ' "$program" $(($(stat -c %s "$stripped") / 1024))
	size "$stripped" | awk 'END { printf "code and constants %d kB, data %d kB\n", $1 / 1024, $2 / 1024 }'
done
