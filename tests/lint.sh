#!/bin/sh
# lint.sh - clang-tidy, cppcheck and shellcheck over the sources; the arguments are the compiler's flags
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
for tool in clang-tidy cppcheck shellcheck; do
	command -v "$tool" >/dev/null || {
		echo "lint: needs $tool" >&2
		exit 1
	}
done
rooms="${LINT_ROOMS:-base ctl include nat oe proto rsipc rsipd tests}"
status=0

# Where clang-tidy looks for the flags, one a line.
flags=$(mktemp -d) || exit 1
trap 'rm -rf "$flags"' EXIT
printf '%s\n' "$@" "-I$PWD" "-I$srcdir" "-I$srcdir/include" \
    >"$flags/compile_flags.txt"
echo "clang-tidy"
# eBPF programs are for another compiler target; what loads them wants the
# header that only a build with them makes.
offload=offload.c
[ ! -e nat/offload_object.h ] || offload=
# shellcheck disable=SC2086
(cd "$srcdir" && find $rooms -name '*.c' ! -name '*.bpf.c' \
    ! -name "$offload") | sort |
    sed "s|^|$srcdir/|" |
    xargs -P 2 -n 4 clang-tidy --quiet -p "$flags" 2>"$flags/err" ||
    status=1
grep -v ' warnings\{0,1\} generated' "$flags/err" |
    grep -v '^Suppressed\|^Use -' >&2

cd "$srcdir" || exit 1
echo "cppcheck"
# Lists and tables are macros: it must see them.
macros=$(printf '#include <sys/queue.h>\n#include <uthash.h>\n' |
    ${CC:-cc} -idirafter compat -E - | sed -n \
    's/^# [0-9]* "\(.*\/\(queue\|uthash\)\.h\)".*/--include=\1/p' | sort -u)
# shellcheck disable=SC2086
cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability \
    --inline-suppr --suppressions-list=tests/cppcheck.txt \
    --error-exitcode=1 --library=posix $macros -DHAVE_CONFIG_H -I. -Iinclude \
    $rooms || status=1

echo "shellcheck"
# X= for empty; variables of sourced files; ulimit -n, which dash has.
find quickstart tests contrib \( -name quickstart -o -name '*.sh' \) \
    -exec shellcheck -S warning -e SC1007,SC2034,SC3045 {} + || status=1
exit "$status"
