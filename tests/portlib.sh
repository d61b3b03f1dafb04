# portlib.sh - foreign packages in folders of their own, sourced by the tests of other machines
#
# Nothing of the machine is changed: apt works on lists, a cache and a state of
# its own below the build folder, as anybody, and what it fetches is unpacked
# there.  A mirror is the one that the machine's own apt names.
# shellcheck shell=sh

PORT_SRC=$(cd "$(dirname "$0")/.." && pwd)
PORT_TOP=$(cd "${top_builddir:-.}" && pwd)
PORT_CACHE=$PORT_TOP/port
LC_ALL=C
export LC_ALL
port_jobs=$(nproc 2>/dev/null || echo 1)

port_say()
{
	printf '%s\n' "$*"
}

port_skip()
{
	port_say "skipped: $*"
	exit 77
}

port_fail()
{
	port_say "FAIL: $*"
	exit 1
}

# WHAT COMMAND...: its output is shown if it fails, and how long it took if not.
port_step()
{
	port_what=$1
	shift
	port_begin=$(date +%s)
	if ! "$@" >"$PORT_CACHE/step.$$" 2>&1; then
		tail -n 40 "$PORT_CACHE/step.$$"
		rm -f "$PORT_CACHE/step.$$"
		port_fail "$port_what"
	fi
	rm -f "$PORT_CACHE/step.$$"
	port_say "$port_what: $(($(date +%s) - port_begin)) s"
}

# PROGRAM...: skips with the names of those that the machine lacks.
port_needs()
{
	absent=
	for tool in "$@"; do
		command -v "$tool" >/dev/null || absent="$absent $tool"
	done
	[ -z "$absent" ] || port_skip "not installed:$absent"
	[ -x "$PORT_SRC/configure" ] || port_skip "there is no configure"
	mkdir -p "$PORT_CACHE" || exit 99
	unset absent tool
}

# The mirror and the suite that the machine's own apt is set to.
port_source()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
	    'Created-By: Packages' 'Component: main' |
	    grep -v -e '-security$' -e '-updates$' -e '-backports$' | head -n 1
}

# ROOT ARCH VERB...: apt-get for another architecture, all of it below ROOT.
port_apt()
{
	apt_root=$1
	apt_arch=$2
	shift 2
	mkdir -p "$apt_root/lists/partial" "$apt_root/archives/partial" \
	    "$apt_root/etc" || return
	[ -s "$apt_root/etc/sources.list" ] || port_source |
	    while read -r uri suite; do
		keys=/usr/share/keyrings/debian-archive-keyring.gpg
		signed=
		[ ! -e "$keys" ] || signed=" [signed-by=$keys]"
		echo "deb$signed $uri $suite main"
		echo "deb-src$signed $uri $suite main"
	    done >"$apt_root/etc/sources.list"
	[ -s "$apt_root/etc/sources.list" ] || return
	: >>"$apt_root/status"
	apt-get -q -o APT::Architecture="$apt_arch" \
	    -o APT::Architectures::="$apt_arch" -o Dir::State="$apt_root" \
	    -o Dir::State::lists="$apt_root/lists" \
	    -o Dir::State::status="$apt_root/status" \
	    -o Dir::Cache="$apt_root" -o Dir::Cache::archives="$apt_root/archives" \
	    -o Dir::Etc::sourcelist="$apt_root/etc/sources.list" \
	    -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User= \
	    -o Acquire::Languages=none "$@"
}

# The libraries that configure.ac names: Debian's packages.
port_libraries()
{
	sed -n 's/^RSIP_PKG(.*\[\([a-z0-9-]*\)\])$/\1/p' "$PORT_SRC/configure.ac"
	echo libcmocka-dev
}

# ARCH: the libraries and headers of another machine in $PORT_CACHE/ARCH/sysroot.
port_sysroot()
{
	sysroot=$PORT_CACHE/$1/sysroot
	want="libc6-dev linux-libc-dev $(port_libraries | tr '\n' ' ')"
	[ "$want" != "$(cat "$sysroot/.packages" 2>/dev/null)" ] || return 0
	rm -rf "$sysroot"
	mkdir -p "$sysroot" || exit 99
	port_apt "$PORT_CACHE/$1" "$1" update >"$PORT_CACHE/$1/log" 2>&1 ||
	    port_skip "no package lists for $1: $(grep '^E:' \
	    "$PORT_CACHE/$1/log" | head -n 1)"
	# shellcheck disable=SC2086
	port_apt "$PORT_CACHE/$1" "$1" install -y --download-only \
	    --no-install-recommends $want >"$PORT_CACHE/$1/log" 2>&1 ||
	    port_skip "no packages for $1: $(grep '^E:' "$PORT_CACHE/$1/log" |
	    head -n 1)"
	for deb in "$PORT_CACHE/$1"/archives/*.deb; do
		dpkg-deb -x "$deb" "$sysroot" || port_fail "cannot unpack $deb"
	done
	# Where /usr is merged packages no longer bring /lib.
	[ -e "$sysroot/lib" ] || ln -s usr/lib "$sysroot/lib"
	rm -rf "$PORT_CACHE/$1/archives" "$PORT_CACHE/$1/lists"
	printf '%s' "$want" >"$sysroot/.packages"
}

# DIR OPTION...: configure the tree in DIR, again when configure is newer.
port_configure()
{
	dir=$1
	shift
	mkdir -p "$dir" || return
	[ ! -f "$dir/Makefile" ] || [ "$PORT_SRC/configure" -nt \
	    "$dir/config.status" ] || return 0
	(cd "$dir" && "$PORT_SRC/configure" -q --enable-werror "$@")
}
