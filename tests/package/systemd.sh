#!/bin/bash
# systemd.sh - the Debian packages under a systemd of their own: install, start, reload, upgrade, kill, remove, purge
#
# Some ten minutes (it builds the packages, then boots an emulated machine): run by
# hand.  PACKAGES=DIR takes those that are in DIR.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAIL: $*"; exit 1; }

[ "$(id -u)" = 0 ] || skip "needs root"
for p in dpkg-buildpackage dh systemd-analyze qemu-system-x86_64; do
	command -v $p >/dev/null || skip "no $p (apt-get install dpkg-dev debhelper systemd qemu-system-x86)"
done
[ -x /lib/systemd/systemd ] || skip "no /lib/systemd/systemd"
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

if [ -z "${PACKAGES-}" ]; then
	PACKAGES=$build/debian-packages
	DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" \
	    make -C "$build" deb >"$d/log" 2>&1 || {
		tail -n 20 "$d/log"
		fail "the packages cannot be built"
	}
fi
mkdir "$d/1" "$d/2"
for p in rsip-tools rsipd rsipc oed; do
	cp "$PACKAGES/${p}"_*.deb "$d/1/" || fail "no package $p in $PACKAGES"
	# The next version of the same, to upgrade to.
	dpkg-deb -R "$d/1/${p}"_*.deb "$d/raw" &&
	    sed -i 's/0\.1\.0-1/0.1.0-2/' "$d/raw/DEBIAN/control" &&
	    dpkg-deb --root-owner-group -b "$d/raw" "$d/2/${p}_0.1.0-2.deb" >/dev/null ||
	    fail "cannot make an upgrade of $p"
	rm -rf "$d/raw"
done

failed=0
printf '%-44s %-26s %s\n' "step" "expected" "got"
for n in rsipd rsipc oed; do
	dpkg-deb -x "$d/1/${n}"_*.deb "$d/tree"
	got=$(systemd-analyze security --no-pager --offline=true "$d/tree/lib/systemd/system/$n.service" |
	    sed -n 's/.*level for .*: \([0-9.]*\) .*/\1/p')
	printf '%-44s %-26s %s\n' "$n.service: exposure" "at most 2.5" "$got"
	awk "BEGIN { exit !(\"$got\" != \"\" && $got + 0 <= 2.5) }" || failed=1
done
# Machine and init in one go: what runs is Debian's systemd on Debian's kernel.
bash "$here/../interop/vm.sh" "${SECONDS_MAX:-1800}" bash "$here/systemd_inside.sh" "$d"
rc=$?
[ $rc = 0 ] || exit $rc
exit $failed
