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

# VARIABLE: what the OpenWrt package adds to it.
package()
{
	sed -n "/^$1 *+=/,/[^\\\\]\$/p" "$PORT_SRC/contrib/openwrt/Makefile" |
	    sed "s/^$1 *+=//" | tr -d '\\\n'
}

# BUILD CFLAGS [OPTION...]: what rsipd weighs on a small router, built as OpenWrt's
# gc-sections and lto do it, by the package's own flags and options
# (position-independent programs are an option there, and some 30 KiB more on
# mips): 256 KiB at most.
weigh()
{
	name=$1
	flags="-Os -flto -ffunction-sections -fdata-sections -fno-pie -mno-shared -mplt $2"
	shift 2
	# shellcheck disable=SC2046
	prepare mipsel mipsel-linux-gnu "$name" AR=mipsel-linux-gnu-gcc-ar \
	    RANLIB=mipsel-linux-gnu-gcc-ranlib \
	    CFLAGS="$flags $(package TARGET_CFLAGS)" \
	    LDFLAGS="-no-pie -Wl,--gc-sections $(package TARGET_LDFLAGS)" \
	    $(package CONFIGURE_ARGS) "$@"
	port_step "$arch: $name" make -s -j"$port_jobs" -C "$dir" rsipd/rsipd
	"$triplet-strip" -o "$dir/stripped" "$dir/rsipd/rsipd" || exit 99
	size=$(wc -c <"$dir/stripped")
	port_say "$arch: $name: rsipd has $((size / 1024)) KiB stripped, at" \
	    "most 256 allowed"
	[ "$size" -le $((256 * 1024)) ] ||
	    port_fail "$arch: rsipd is larger than that"
}

# In any MIPS processor's instructions without eBPF's object; and with it in MIPS16e's,
# which OpenWrt compiles all packages to for the processors that have them
# (USE_MIPS16; a package can refuse by no-mips16, and ours does not).
small_router()
{
	port_sysroot mipsel libbpf-dev
	weigh small ""
	if command -v clang >/dev/null && command -v llvm-objcopy >/dev/null; then
		weigh small-bpf "-mips16 -minterlink-mips16" --enable-bpf
		port_say "mipsel: eBPF's object in it has" \
		    "$(($(wc -c <"$dir/nat/offload.bpf.o") / 1024)) KiB"
	else
		port_say "mipsel: with eBPF left out: no clang, llvm-objcopy" \
		    "(Debian: clang llvm)"
	fi
	qemu=$(command -v qemu-mipsel-static || command -v qemu-mipsel) ||
	    return 0
	cd "$dir" && starts mipsel rsipd/rsipd 'public-interface = "lo"
private-interface = "lo"'
}

# The unit tests that qemu is to run, a line each.
worth_it()
{
	for unit in $units; do
		case $unit in
		# Of speed; of the kernel's devices, filters and control
		# messages, which qemu does not pass on.
		*/test_scale | */test_rtnl | */test_lock | */test_wire | \
		*/test_inbox | */test_udp_beside) ;;
		# Of handshakes: libcrypto's work, ten minutes in qemu for what
		# is one here ...
		*/test_ike_hostile | */test_ike_flood | */test_ike2_hostile | \
		*/test_ike2_rekey | */test_ike_door | */test_ike) ;;
		# ... and half of the time of all others.  Whole handshakes of
		# either version are in test_ike2 and test_ike_sign, and every
		# message's bytes in the tests of messages and payloads.
		*/test_ike2_auth | */test_ike2_exponent | */test_ike2_life | \
		*/test_ike2_null | */test_ike_life | */test_ike_probe) ;;
		*) echo "$unit" ;;
		esac
	done
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
	units=$(worth_it)
	rm -f tests/unit/*.rc
	passed=0
	begin=$(date +%s)
	# Tests of daemons that run beside these have clocks, and come first.
	# shellcheck disable=SC2016
	printf '%s\n' "$units" | srcdir=$PORT_SRC top_srcdir=$PORT_SRC \
	    xargs -P "$port_jobs" -I UNIT nice -n 5 sh -c '
	    timeout 300 "$1" -L "$2" "./$3" >"$3.out" 2>&1 </dev/null
	    echo $? >"$3.rc"' sh "$qemu" "$sysroot" UNIT
	for unit in $units; do
		log=$unit.out
		case $(cat "$unit.rc") in
		0)	passed=$((passed + $(grep -c '\[ *OK \]' "$log"))) ;;
		77)	port_say "$arch: $unit skipped: $(tail -n 1 "$log")" ;;
		*)	grep -v -e '\[ *OK \]' -e '\[ RUN' "$log" | tail -n 30
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
