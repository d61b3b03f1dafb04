#!/bin/sh
# cross.sh - other machines: 32 bits, and big-endian; cross-built, the unit tests and -n run by qemu
set -u
# shellcheck source=tests/portlib.sh
. "$(dirname "$0")/portlib.sh"

# ARCH TRIPLET BUILD [OPTION...]: the tree configured for the sysroot in dir.
prepare()
{
	arch=$1
	triplet=$2
	dir=$PORT_CACHE/$arch/$3
	shift 3
	cache=$(command -v ccache) || cache=
	PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig:$sysroot/usr/share/pkgconfig
	PKG_CONFIG_SYSROOT_DIR=$sysroot
	export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
	port_step "$arch: configure" port_configure "$dir" --host="$triplet" \
	    CC="${cache:+$cache }$triplet-gcc --sysroot=$sysroot" \
	    --sysconfdir=/etc --runstatedir=/run "$@"
}

# ARCH TRIPLET BUILD KIB PROGRAMS [OPTION...]: what they weigh on a small router, built
# as OpenWrt does (position-independent programs are an option there, and some
# 30 KiB more on mips); the first has so many KiB at most.
weigh()
{
	limit=$4
	programs=$5
	name=$3
	prepare "$1" "$2" "$3" AR="$2-gcc-ar" RANLIB="$2-gcc-ranlib" \
	    CFLAGS="-Os -flto -fvisibility=hidden -ffunction-sections -fdata-sections -fno-pie -mno-shared -mplt" \
	    LDFLAGS="-no-pie -Wl,--gc-sections -Wl,-z,max-page-size=4096" ${6+"$6"} ${7+"$7"}
	# shellcheck disable=SC2086
	port_step "$arch: $name" make -s -j"$port_jobs" -C "$dir" $programs
	for program in $programs; do
		"$triplet-strip" -o "$dir/stripped" "$dir/$program" || exit 99
		size=$(wc -c <"$dir/stripped")
		port_say "$arch: ${program##*/} has $((size / 1024)) KiB" \
		    "stripped${limit:+, at most $limit allowed}"
		[ -z "$limit" ] || [ "$size" -le $((limit * 1024)) ] ||
		    port_fail "$arch: ${program##*/} is larger than that"
		limit=
	done
}

# What the OpenWrt package asks for (PKG_BUILD_FLAGS), with eBPF's object and without.
small_router()
{
	port_sysroot mipsel libbpf-dev
	weigh mipsel mipsel-linux-gnu small 256 \
	    "rsipd/rsipd oe/oed ctl/rsipctl" --disable-web --disable-bpf
	if command -v clang >/dev/null && command -v llvm-objcopy >/dev/null; then
		weigh mipsel mipsel-linux-gnu small-bpf 320 rsipd/rsipd \
		    --disable-web --enable-bpf
		port_say "mipsel: eBPF's object in it has" \
		    "$(($(wc -c <"$dir/nat/offload.bpf.o") / 1024)) KiB"
	else
		port_say "mipsel: with eBPF left out: no clang, llvm-objcopy" \
		    "(Debian: clang llvm)"
	fi
}

# ARCH TRIPLET QEMU: builds all programs and runs what needs no network.
machine()
{
	arch=$1
	qemu=$(command -v "$3-static" || command -v "$3")
	port_sysroot "$arch"
	prepare "$arch" "$2" build
	# shellcheck disable=SC2016
	units=$(printf 'include Makefile\nunits:; @echo $(check_PROGRAMS)\n' |
	    make -s -C "$dir" -f - units | tr ' ' '\n' | grep '^tests/unit/')
	[ -n "$units" ] || port_fail "$arch: configure found no unit tests"
	# shellcheck disable=SC2086
	port_step "$arch: build" make -s -j"$port_jobs" -C "$dir" all
	# shellcheck disable=SC2086
	port_step "$arch: build the unit tests" make -s -j"$port_jobs" \
	    -C "$dir" $units
	cd "$dir" || exit 99
	passed=0
	begin=$(date +%s)
	for unit in $units; do
		case $unit in
		# Of speed; of handshakes, a minute here and ten in qemu; of the
		# kernel's devices and filters, which qemu does not pass on.
		*/test_scale | */test_ike_hostile | */test_ike_flood | \
		*/test_ike2_hostile | */test_ike2_rekey | */test_ike_door | \
		*/test_ike | */test_rtnl | */test_lock | */test_wire) continue ;;
		esac
		srcdir=$PORT_SRC top_srcdir=$PORT_SRC timeout 300 "$qemu" \
		    -L "$sysroot" "./$unit" >log 2>&1 </dev/null
		case $? in
		0)	passed=$((passed + $(grep -c '\[ *OK \]' log))) ;;
		77)	port_say "$arch: $unit skipped: $(tail -n 1 log)" ;;
		*)	grep -v -e '\[ *OK \]' -e '\[ RUN' log | tail -n 30
			port_fail "$arch: $unit" ;;
		esac
	done
	port_say "$arch: $passed unit tests passed:" \
	    "$(($(date +%s) - begin)) s"
	starts "$arch" rsipd/rsipd 'public-interface = "lo"
private-interface = "lo"'
	starts "$arch" rsipc/rsipc 'gateway = "10.0.0.1"
key-id = 4294967295'
	starts "$arch" oe/oed 'address = "198.51.100.10"
oe { resolvers = { "198.51.100.53" } }'
}

# ARCH PROGRAM CONFIGURATION: -n accepts it.
starts()
{
	printf '%s\n' "$3" >conf
	"$qemu" -L "$sysroot" "./$2" -n -c conf >log 2>&1 || {
		cat log
		port_fail "$1: ${2##*/} -n"
	}
	printf 'nonsense\n' >conf
	! "$qemu" -L "$sysroot" "./$2" -n -c conf >log 2>&1 ||
	    port_fail "$1: ${2##*/} -n accepts nonsense"
	port_say "$1: ${2##*/} -n accepts its configuration"
}

port_needs apt-get dpkg-deb pkg-config make
done=
for machine in "armhf arm-linux-gnueabihf qemu-arm" \
    "s390x s390x-linux-gnu qemu-s390x"; do
	# shellcheck disable=SC2086
	set -- $machine
	if ! command -v "$2-gcc" >/dev/null; then
		port_say "$1 left out: no $2-gcc (Debian: gcc-$2)"
	elif ! command -v "$3-static" >/dev/null && ! command -v "$3" >/dev/null
	then
		port_say "$1 left out: no $3 (Debian: qemu-user-static)"
	else
		machine "$@"
		done="$done $1"
	fi
done
if command -v mipsel-linux-gnu-gcc >/dev/null; then
	# In a shell of its own: an archive without it is no failure.
	(small_router)
	case $? in
	0)	done="$done mipsel (sizes)" ;;
	77)	;;
	*)	exit 1 ;;
	esac
else
	port_say "mipsel left out: no mipsel-linux-gnu-gcc" \
	    "(Debian: gcc-mipsel-linux-gnu)"
fi
[ -n "$done" ] || port_skip "no cross compiler with its qemu"
port_say "ok:$done"
