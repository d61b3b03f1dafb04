#!/bin/sh
# size.sh - how large rsipd is when it is built for a small router: by sections, and what of the sources it comes from
#
# Run in the build folder: sh SOURCE/tests/bench/size.sh.  Builds aside, in a
# folder of its own, with the line that doc/performance.md has for a router.
source=$(cd "$(dirname "$0")/../.." && pwd)
for need in gcc-ar gcc-ranlib strip size nm; do
	command -v $need >/dev/null || { echo "size.sh: $need is missing" >&2; exit 77; }
done
aside=$(mktemp -d) || exit 1
trap 'rm -rf "$aside"' EXIT
# The line is the document's own.
sed -n '/^    \.\/configure CFLAGS=/,/[^\\]$/p' "$source/doc/performance.md" |
    sed "s|\./configure|'$source/configure' -q|" >"$aside/line"
[ -s "$aside/line" ] || { echo "size.sh: no line in doc/performance.md" >&2; exit 1; }
cd "$aside" || exit 1
{ sh ./line && make -s -j2 rsipd/rsipd; } >log 2>&1 || { tail log; exit 1; }
cat line
strip -R .comment -R .note.ABI-tag -R .note.gnu.property -o stripped rsipd/rsipd
printf 'rsipd, stripped: %d KiB (aim: 256)\n' $((($(stat -c %s stripped) + 1023) / 1024))
size -A stripped | awk '$2 > 2000 && $1 ~ /^\./ { printf "  %-14s %7d\n", $1, $2 }' | sort -k 2 -n -r
# By folder: what is left of it after the linker has seen the whole program.
{ make -s clean && make -s -j2 CFLAGS='-Os -g -ffunction-sections -fdata-sections' \
    LDFLAGS='-Wl,--gc-sections' rsipd/rsipd; } >log 2>&1 || { tail log; exit 1; }
nm -S -l --size-sort rsipd/rsipd 2>/dev/null | awk -v top="$source/" '
    $3 ~ /^[tTrRdD]$/ { file = $5; sub(/:[0-9]*$/, "", file); sub(top, "", file); sub(/^.*\/\.\//, "", file)
	room = file; sub(/\/[^\/]*$/, "", room)
	n = 0; for (i = 1; i <= length($2); i++) n = n * 16 + index("123456789abcdef", substr($2, i, 1))
	if (room == "") room = "(libraries)"
	sum[room] += n; each[file] += n }
    END { for (r in sum) printf "  %-24s %7d\n", r, sum[r] | "sort -k 2 -n -r"
	close("sort -k 2 -n -r")
	print "the largest files, before they are optimized as one:"
	for (f in each) printf "  %-24s %7d\n", f, each[f] | "sort -k 2 -n -r | head -25" }'
