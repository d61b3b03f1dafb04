#!/bin/sh
# without.sh - without libunbound, and without all that is optional, everything compiles, and options and unit tests hold
#
# By name: it compiles everything twice (minutes).  The builds stay below the build
# folder.
set -u
src=$(cd "$(dirname "$0")/.." && pwd)
top=$(cd "${top_builddir:-.}" && pwd)
bad=0

# NAME OPTION...
without()
{
	dir=$top/without/$1
	shift
	mkdir -p "$dir" || exit 99
	(cd "$dir" && "$src/configure" -q --enable-werror "$@" &&
	    make -s -j2 all && make -s -j2 check TESTS= &&
	    make -s check-am TESTS="tests/unit/options.sh \
	    tests/unit/test_option tests/unit/test_record \
	    tests/unit/test_scenarios tests/unit/test_host \
	    tests/unit/test_store") >"$dir/log" 2>&1 && echo "ok: $*" && return
	echo "FAIL: $*"
	tail -n 30 "$dir/log"
	bad=1
}

without dnssec --without-libunbound
without all --without-libunbound --without-ldns --without-lmdb \
    --without-hiredis --without-curses --disable-bpf --disable-web \
    --disable-help --disable-iptables
exit "$bad"
