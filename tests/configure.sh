#!/bin/sh
# configure.sh - what is absent is named: pkg-config, its macros, and every library with Debian's package
set -u

src=$(cd "$(dirname "$0")/.." && pwd) || exit 99
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

fail()
{
	echo "FAIL: $*"
	tail -n 20 "$dir/log"
	exit 1
}

[ -x "$src/configure" ] || {
	echo "skipped: there is no configure"
	exit 77
}

# Autoconf where pkg-config's macros are not: whoever has only a clone meets it.
if command -v aclocal >/dev/null && command -v autoconf >/dev/null; then
	mkdir "$dir/clone" "$dir/none"
	cp "$src/configure.ac" "$dir/clone/" || exit 99
	(cd "$dir/clone" && aclocal --system-acdir="$dir/none" && autoconf) \
	    >"$dir/log" 2>&1 && fail "autoconf without pkg.m4 succeeds"
	grep -q "cannot find pkg-config's macros: install pkg-config (Debian: pkg-config)" \
	    "$dir/log" || fail "autoconf does not say what it wants"
	! grep -q 'possibly undefined macro\|syntax error' "$dir/log" ||
	    fail "autoconf speaks of something else"
	echo "no pkg.m4: $(sed -n 's/.*error: //p' "$dir/log" | head -n 1)"
else
	echo "no pkg.m4: left out (no aclocal, autoconf)"
fi

# configure where every program is but pkg-config.
mkdir "$dir/bin" "$dir/build"
(
	IFS=:
	for folder in $PATH; do
		ln -s "$folder"/* "$dir/bin/" 2>/dev/null
	done
)
rm -f "$dir/bin/"*pkg-config* "$dir/bin/"*pkgconf*
cd "$dir/build" || exit 99
(
	PATH=$dir/bin
	unset PKG_CONFIG
	exec "$src/configure"
) >"$dir/log" 2>&1 && fail "configure without pkg-config succeeds"
grep -q 'error: cannot find pkg-config (Debian: pkg-config)' "$dir/log" ||
    fail "configure does not name pkg-config"
echo "no pkg-config: $(sed -n 's/.*error: //p' "$dir/log")"

# ... and where it is, and no library: all are named at once.
command -v pkg-config >/dev/null || {
	echo "skipped: not installed: pkg-config"
	exit 77
}
rm -rf "$dir/build/"*
PKG_CONFIG_LIBDIR=$dir/none PKG_CONFIG_PATH= "$src/configure" >"$dir/log" 2>&1 &&
    fail "configure without libraries succeeds"
want=$(sed -n 's/^RSIP_PKG(.*\[\([a-z0-9-]*\)\])$/\1/p' "$src/configure.ac")
count=0
for package in $want; do
	grep -q "(Debian: $package)" "$dir/log" || fail "$package is not named"
	count=$((count + 1))
done
[ "$count" -gt 5 ] || fail "configure.ac names $count libraries"
echo "no libraries: $count named, each with its package"

# What README and quickstart have the reader install is what it asks for.
for package in $want; do
	for text in README.md quickstart; do
		grep -q -w -- "$package" "$src/$text" ||
		    fail "$text does not name $package"
	done
done
echo "ok: configure names what is absent"
