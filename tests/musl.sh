#!/bin/sh
# musl.sh - another libc, as on OpenWrt: every source compiles with musl's headers
#
# Compiled, not linked: Debian has none of the libraries for musl.
set -u
# shellcheck source=tests/portlib.sh
. "$(dirname "$0")/portlib.sh"
port_needs musl-gcc
musl=$PORT_CACHE/musl
gnu=$(gcc -print-multiarch)
rm -rf "$musl"
mkdir -p "$musl/gnu" || exit 99
# The headers of the libraries and the kernel, one by one: glibc's stay unseen.
for name in ares lmdb event2 cap-ng confuse json-c libmnl libnetfilter_queue \
    libnfnetlink seccomp openssl curses ncurses_dll unctrl linux asm-generic \
    asm event evutil hiredis bpf unbound ldns zlib zconf; do
	for path in "/usr/include/$name" /usr/include/"$name"[._-]*h; do
		[ ! -e "$path" ] || ln -sfn "$path" "$musl/${path##*/}"
	done
	[ ! -e "/usr/include/$gnu/$name" ] ||
	    ln -sfn "/usr/include/$gnu/$name" "$musl/gnu/$name"
done
cache=$(command -v ccache) || cache=
count=0
cd "$PORT_SRC" || exit 99
for source in base/*.c net/*.c proto/*.c nat/*.c rsipd/*.c oe/*.c oe/ike/*.c oe/ike1/*.c \
    oe/ike2/*.c oe/esp/*.c rsipc/*.c ctl/*.c; do
	# What eBPF is built from has a compiler of its own.
	case $source in *.bpf.c | nat/offload.c | rsipc/pass.c) continue ;; esac
	$cache musl-gcc -std=gnu11 -Wall -Wextra -O1 -I"$PORT_TOP" -I. \
	    -Iinclude -DSYSCONFDIR='"/etc/rsip"' -DRUNDIR='"/run/rsip"' \
	    -DSTATEDIR='"/var/lib/rsip"' -idirafter compat \
	    -idirafter "$musl" -idirafter "$musl/gnu" \
	    -idirafter "$musl/json-c" -c -o "$musl/object.o" "$source" \
	    >"$musl/log" 2>&1 || {
		head -n 20 "$musl/log"
		port_fail "musl: $source"
	}
	count=$((count + 1))
done
port_say "ok: musl compiles $count sources (not linked: no libraries for it)"
