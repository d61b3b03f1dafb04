#!/bin/sh
# debian.sh - another Debian (13): quickstart in its fresh root, no warning, the unit tests, and DNS with its c-ares
#
# usage: debian.sh [RELEASE]
#
# By name, as root: it installs packages and builds, some minutes.  Namespaces are
# made inside that root as they are outside.  systemd-resolved, which would take
# over a machine's own /etc/resolv.conf, is installed there and tested against.
set -u
# shellcheck source=tests/portlib.sh
. "$(dirname "$0")/portlib.sh"
net_tests="tests/net/oe_dns.sh tests/net/oe_resolver.sh tests/net/attack_dns.sh"

[ "$(id -u)" = 0 ] || port_skip "not root, as which roots are made"
port_needs mmdebstrap unshare chroot apt-get
root=$PORT_CACHE/debian/root
port_root "${1:-trixie}" "$root"
port_clone "$root/rsip"

# COMMAND: below the root, in the clone.
inside()
{
	port_chroot "$root" "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	    HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive CI=true \
	    sh -c 'cd /rsip && eval "$1"' sh "$1"
}

# CI=true: a warning is an error.
port_step "$port_release: ./quickstart build" inside "./quickstart build"
log=$root/rsip/build/quickstart.log
! grep -q 'warning:' "$log" || {
	grep 'warning:' "$log" | head
	port_fail "warnings"
}
port_say "  0 warnings; $(inside 'gcc --version | head -n 1');" \
    "c-ares $(inside 'pkg-config --modversion libcares')"
if grep -q 'HAVE_ARES_SEND_DNSREC 1' "$root/rsip/build/config.h"; then
	port_say "  questions go out as records (ares_send_dnsrec)"
else
	port_say "  questions go out as bytes (ares_send)"
fi

port_step "$port_release: what the tests run" inside "apt-get install \
    --no-install-recommends dnsmasq-base iputils-ping systemd-resolved tcpdump"
port_step "$port_release: build the tests" inside \
    "cd build && make -s -j$port_jobs check TESTS="
begin=$(date +%s)
inside "cd build && make -j$port_jobs check-unit" >"$PORT_CACHE/log" 2>&1
rc=$?
grep -E '^# (PASS|FAIL|SKIP|ERROR)' "$PORT_CACHE/log" | tr '\n' ' '
port_say "unit tests: $(($(date +%s) - begin)) s"
[ "$rc" = 0 ] || {
	grep -E '^(FAIL|ERROR):' "$PORT_CACHE/log"
	port_fail "unit tests"
}
inside "cd build && make check TESTS='$net_tests'" >"$PORT_CACHE/log" 2>&1
rc=$?
for test in $net_tests; do
	grep -E "^[A-Z]+: $test" "$PORT_CACHE/log"
	sed 's/^/  /' "$root/rsip/build/${test%.sh}.log" | tail -n 12
done
[ "$rc" = 0 ] || port_fail "network tests"
! grep -q '^SKIP' "$PORT_CACHE/log" || port_fail "one was skipped"
grep -q '^ok: systemd-resolved' "$root/rsip/build/tests/net/oe_resolver.log" ||
    port_fail "systemd-resolved was left out"
port_say "ok: Debian $port_release"
