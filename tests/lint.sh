#!/bin/sh
# lint.sh - shellcheck, mandoc, cppcheck and clang-tidy over the sources; the arguments are the compiler's flags
#
# LINT_STAGES=cppcheck and LINT_ROOMS="oe tests/unit" for a part of it.
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
stages=${LINT_STAGES:-rooms shellcheck mandoc cppcheck clang-tidy}
for tool in $stages; do
	[ "$tool" = rooms ] || command -v "$tool" >/dev/null || {
		echo "lint: needs $tool" >&2
		exit 1
	}
done
rooms="${LINT_ROOMS:-base ctl include nat net oe proto rsipc rsipd tests}"
jobs=$(nproc 2>/dev/null || echo 1)
status=0

# The table of who may include whom; addresses that are bare words, long lines.
lint_rooms()
{
	python3 tests/rooms.py || return 1
	python3 tests/style.py
}

lint_shellcheck()
{
	# X= for empty; variables of sourced files; ulimit -n, which dash has.
	find quickstart tests contrib \( -name quickstart -o -name '*.sh' \) \
	    -exec shellcheck -S warning -e SC1007,SC2034,SC3045 {} +
}

lint_mandoc()
{
	# What the pages refer to need not be installed here.
	mandoc -T lint doc/*.[1-8] 2>&1 |
	    grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' &&
	    return 1
	return 0
}

lint_cppcheck()
{
	# Lists and tables are macros: it must see them, in the headers of ours.
	# shellcheck disable=SC2086
	cppcheck -q -j "$jobs" --std=c11 \
	    --enable=warning,performance,portability --inline-suppr \
	    --suppressions-list=tests/cppcheck.txt --error-exitcode=1 \
	    --library=posix -DHAVE_CONFIG_H -I. -Iinclude -Icompat $rooms
}

lint_clang_tidy()
{
	# eBPF programs are for another compiler target; what loads them wants
	# the header that only a build with them makes.
	offload='offload*.c' pass=pass.c ebpf=ebpf.c
	[ ! -e "$top/nat/offload_packed.h" ] || offload='' pass='' ebpf=''
	# One file a time, so that no processor waits for another's share.
	# shellcheck disable=SC2086
	find $rooms -name '*.c' ! -name '*.bpf.c' ! -name "$offload" ! -name "$pass" \
	    ! -name "$ebpf" | sort |
	    xargs -P "$jobs" -n 1 clang-tidy --quiet -p "$flags" \
	    2>"$flags/err"
	tidy=$?
	grep -v -e ' warnings\{0,1\} generated' -e '^Suppressed' -e '^Use -' \
	    "$flags/err" >&2
	return "$tidy"
}

# Where clang-tidy looks for the flags, one a line.
top=$PWD
flags=$(mktemp -d) || exit 1
trap 'rm -rf "$flags"' EXIT
printf "%s\n" "$@" "-I$top" "-I$srcdir" "-I$srcdir/include" -idirafter \
    "$srcdir/compat" >"$flags/compile_flags.txt"
cd "$srcdir" || exit 1
for stage in $stages; do
	begin=$(date +%s)
	"lint_$(echo "$stage" | tr - _)" || status=1
	echo "$stage: $(($(date +%s) - begin)) s"
done
exit "$status"
