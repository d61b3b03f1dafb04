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

# ARCH [PACKAGE...]: the libraries and headers of another machine, and those packages,
# in $PORT_CACHE/ARCH/sysroot.
port_sysroot()
{
	sysroot=$PORT_CACHE/$1/sysroot
	want="libc6-dev linux-libc-dev $(port_libraries | tr '\n' ' ')"
	port_arch=$1
	shift
	want="$want $*"
	set -- "$port_arch"
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
	# A library whose link leads to this machine's /lib would be linked
	# from its archive instead.
	find "$sysroot" -type l -lname '/*' | while read -r link; do
		ln -snf "$sysroot$(readlink "$link")" "$link"
	done
	rm -rf "$PORT_CACHE/$1/archives" "$PORT_CACHE/$1/lists"
	printf '%s' "$want" >"$sysroot/.packages"
}

# RELEASE FOLDER: a fresh Debian root in FOLDER, made once and kept below the build
# folder, with what every installed Debian has and the smallest root has not; what
# apt fetches for it is in port_archives.  An empty RELEASE: the machine's own.
port_root()
{
	# shellcheck disable=SC2046
	set -- "$1" "$2" $(port_source)
	[ $# = 4 ] || port_skip "apt knows no mirror"
	set -- "${1:-$4}" "$2" "$3"
	port_release=$1
	port_base=$PORT_CACHE/root/$1
	port_archives=$port_base.archives
	port_with=ca-certificates,procps,sudo
	if [ "$port_with" != "$(cat "$port_base.made" 2>/dev/null)" ]; then
		rm -rf "$port_base" "$port_archives" "$port_base.made"
		mkdir -p "$port_archives/partial"
		port_begin=$(date +%s)
		mmdebstrap --variant=minbase --skip=cleanup/apt \
		    --include="$port_with" "$1" "$port_base" "$3" \
		    >"$port_base.log" 2>&1 || port_skip "no Debian root from $3:" \
		    "$(grep '^E:' "$port_base.log" | head -n 1)"
		echo "$port_with" >"$port_base.made"
		port_say "a fresh Debian $1 from $3:" \
		    "$(($(date +%s) - port_begin)) s"
	fi
	rm -rf "$2"
	mkdir -p "${2%/*}" && cp -a "$port_base" "$2" || exit 99
	cp -L /etc/resolv.conf "$2/etc/resolv.conf"
	printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$2/etc/hosts"
	# Nobody is there to answer, and nothing of it is kept twice.
	echo 'APT { Get::Assume-Yes "true"; Sandbox::User "root"; };' \
	    >"$2/etc/apt/apt.conf.d/99port"
}

# FOLDER: "git clone" into it: what is tracked, else the tarball's files.
port_clone()
{
	mkdir -p "$1" || exit 99
	(cd "$PORT_SRC" && {
		git ls-files 2>/dev/null || find . -path ./build -prune -o \
		    -type f -print
	} | tar -cf - --ignore-failed-read -T - 2>/dev/null) |
	    tar -xf - -C "$1" || exit 99
}

# FOLDER CHROOT-ARGUMENT...: chroot into FOLDER, with the machine's network, and with mounts
# that end with it; its / is one, as what makes namespaces there wants.
port_chroot()
{
	port_folder=$1
	shift
	# shellcheck disable=SC2016
	unshare --mount --propagation private sh -c '
	    mount -n --bind "$1" "$1" &&
	    mount -n --rbind /dev "$1/dev" &&
	    mount -n --rbind /proc "$1/proc" &&
	    mount -n --bind "$2" "$1/var/cache/apt/archives" || exit 99
	    shift 2
	    exec chroot "$@"' sh "$port_folder" "$port_archives" "$@"
}

# DIR OPTION...: configure the tree in DIR, again when configure is newer.
port_configure()
{
	dir=$1
	shift
	mkdir -p "$dir" || return
	[ ! -f "$dir/Makefile" ] || [ -n "$(find "$PORT_SRC/configure" -newer \
	    "$dir/config.status")" ] || return 0
	(cd "$dir" && "$PORT_SRC/configure" -q --enable-werror "$@")
}
