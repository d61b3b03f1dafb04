#!/bin/sh
# newcomer.sh - the first hour: README's own commands in fresh Debian roots, to an encrypted fetch; then what fails, and what status says
#
# By name, as root: it installs packages and builds (two minutes, the first time
# with some 200 MB to fetch; they are kept below the build folder).  A router, a
# laptop and a server each have a root of their own over the one that was built.
# README's placeholders for the reader's own name are replaced by the lab's.
set -u
# shellcheck source=tests/portlib.sh
. "$(dirname "$0")/portlib.sh"
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/net/lib.sh"
NET_HERE=$PORT_SRC/tests/net
NET_INSIDE=${NET_INSIDE-}
suite=${1-}

dir=$PORT_CACHE/newcomer
built=$dir/root
readme=$PORT_SRC/README.md
me=newcomer

# PATTERN: the commands of the first code block of "Use it" after that text.
commands()
{
	awk -v pattern="$1" '
	/^## / { use = $0 == "## Use it" }
	use && !/^    / && index($0, pattern) { found = 1 }
	found && /^    / { print substr($0, 5); block = 1 }
	block && !/^    / { exit }' "$readme" |
	    sed -e "s/laptop\.example\.org/x1.lab/g"
}

# OUT HOST COMMAND...: shows and runs it, and how long it took.
typed()
{
	typed_out=$1
	typed_host=$2
	shift 2
	port_say "$typed_host\$ $1"
	typed_from=$(date +%s%N)
	if [ "$typed_host" = build ]; then
		port_chroot "$built" --userspec=$me:$me --groups=$me "$built" env -i \
		    PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/$me USER=$me \
		    LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		    sh -c 'cd ~/rsip && eval "$1"' sh "$1" \
		    >"$typed_out" 2>&1 </dev/null
	else
		net_on "$typed_host" chroot --userspec=$me:$me --groups=$me \
		    "$NET_RUN/$typed_host" env -i \
		    PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/$me USER=$me \
		    LC_ALL=C.UTF-8 sh -c "$1" \
		    >"$typed_out" 2>&1 </dev/null
	fi
	typed_rc=$?
	typed_ms=$((($(date +%s%N) - typed_from) / 1000000))
	[ "$typed_host" = build ] || cut -c 1-160 "$typed_out" | sed 's/^/  /'
	printf '  (%d.%03d s)\n' $((typed_ms / 1000)) $((typed_ms % 1000))
	return "$typed_rc"
}

# OUT HOST PATTERN: README's block, a command a line; all must work.
block()
{
	block_out=$1
	block_host=$2
	commands "$3" >"$dir/block"
	[ -s "$dir/block" ] || port_fail "README has no commands after \"$3\""
	: >"$block_out"
	while read -r line <&3; do
		case $block_host:$line in
		build:*) ;;
		# No Internet there: it was installed before.
		*apt-get*) continue ;;
		# Nor a name server that takes updates.
		*"rsipctl publish"*) continue ;;
		esac
		typed "$dir/said" "$block_host" "$line" || {
			tail -n 20 "$dir/said"
			port_fail "$line"
		}
		cat "$dir/said" >>"$block_out"
	done 3<"$dir/block"
}

# --- one root, by README, with the machine's network ----------------------------------
fresh_root()
{
	port_root "$suite" "$built"
	echo "$me ALL=(ALL) NOPASSWD: ALL" >"$built/etc/sudoers.d/$me"
	chroot "$built" useradd -m -s /bin/sh $me || exit 99
	port_clone "$built/home/$me/rsip"
	chroot "$built" chown -R $me:$me /home/$me
}

# NEWCOMER_BUILT=1: with the root that was built last.
if [ -z "$NET_INSIDE" ] && [ -z "${NEWCOMER_BUILT-}" ]; then
	[ "$(id -u)" = 0 ] || port_skip "not root, as which roots are made"
	port_needs mmdebstrap unshare chroot apt-get
	net_needs curl pgrep nginx nsd unbound ldns-keygen ldns-signzone drill ping \
	    tcpdump
	mkdir -p "$dir"
	fresh_root
	block "$dir/out" build "What it is built from"
	# Each line in a shell of its own, where the one before has been.
	commands "Then, in the clone" >"$dir/lines"
	where=
	while read -r line <&3; do
		typed "$dir/out" build "$where$line" || {
			tail -n 20 "$dir/out"
			port_fail "$line"
		}
		case $line in *"cd build"*) where="cd build; " ;; esac
	done 3<"$dir/lines"
	commands "On the router" | grep apt-get >"$dir/lines"
	# Debian's kernels have what nft needs; the one that runs here may not.
	unshare --net sh -c 'nft add table inet t && nft add chain inet t c \
	    "{ type filter hook input priority 0; }" &&
	    nft add rule inet t c queue num 5' 2>/dev/null || {
		port_say "# this kernel has no nft_queue: iptables instead"
		sed -i 's/nftables/iptables/' "$dir/lines"
	}
	while read -r line <&3; do
		typed "$dir/out" build "$line" || port_fail "$line"
	done 3<"$dir/lines"
fi
net_enter "$@"

# --- three hosts --------------------------------------------------------------------------
net_picture
for host in N x1 y1; do
	mkdir -p "$NET_RUN/$host" "$NET_RUN/over/$host/up" \
	    "$NET_RUN/over/$host/work"
	mount -n -t overlay -o "lowerdir=$built,upperdir=$NET_RUN/over/$host/up,workdir=$NET_RUN/over/$host/work" \
	    overlay "$NET_RUN/$host" || net_skip "no overlay file system here"
	mount -n --rbind /dev "$NET_RUN/$host/dev" &&
	    mount -n --rbind /proc "$NET_RUN/$host/proc" &&
	    mount -n -t tmpfs -o mode=755 tmpfs "$NET_RUN/$host/run" ||
	    net_fail "$host's root"
	printf 'nameserver %s\n' "$NET_DNS" >"$NET_RUN/$host/etc/resolv.conf"
done

# HOST TEXT [SECONDS]: the first line of its status, at the latest by then.
says()
{
	says_end=$(($(date +%s) + ${3:-20}))
	until net_on "$1" chroot "$NET_RUN/$1" rsipctl status 2>&1 |
	    head -n 1 | grep -qF "$2"; do
		[ "$(date +%s)" -lt "$says_end" ] || {
			net_on "$1" chroot "$NET_RUN/$1" rsipctl -v status
			net_fail "$1's status has not \"$2\" in its first line"
		}
		sleep 0.2
	done
	port_say "$1\$ rsipctl status"
	net_on "$1" chroot "$NET_RUN/$1" rsipctl status | head -n 1 | sed 's/^/  /'
}

# HOST WORDS: what it says of traffic now; encrypted it is not.
why()
{
	typed "$dir/said" "$1" "rsipctl why $NET_Y1"
	grep -q "$2" "$dir/said" && ! grep -q ": encrypted" "$dir/said" ||
	    net_fail "in the clear, and why says: $(cat "$dir/said")"
}

gone()
{
	! pgrep -x "$1" >/dev/null
}

# HOST DAEMON: ends it, as README's reader would.
ends()
{
	typed "$dir/said" "$1" "sudo pkill -x $2" ||
	    net_fail "no $2 to end"
	# Of this PID namespace, where there is one of each.
	net_until 10 gone "$2" || net_fail "$2 does not end"
}

# The zones as they are before anybody publishes anything.
: >"$NET_RUN/x1.records"
cp "$NET_RUN/x1.records" "$NET_RUN/x2.records"
cp "$NET_RUN/x1.records" "$NET_RUN/y1.records"
net_zones
net_dns
net_web y1

block "$NET_RUN/router.out" N "On the router"
says N "rsipd: ready at 10.0.0.1"
block "$NET_RUN/x1.records" x1 "To be known by a name"
block "$NET_RUN/x1.out" x1 "On a laptop"
block "$NET_RUN/y1.out" y1 "On a server"
typed "$NET_RUN/y1.records" y1 "sudo rsipctl dns-records --id $NET_Y1" ||
    net_fail "no records of the server"

port_say "# nothing is published so far"
says x1 "peers are not shown who we are: DNS has no key of ours at x1.lab"
says y1 "peers are not shown who we are: DNS has no key of ours at 10.100.51.198.in-addr.arpa"
net_fetch x1 y1.lab "$NET_RUN/clear" || net_fail "no fetch in the clear"
net_same "$NET_RUN/clear" || net_fail "not the file"

port_say "# what keygen and dns-records printed goes into the zones"
for server in nsd unbound; do
	net_stop "$server"
done
net_zones
grep -q AwEAA "$NET_RUN/zone.lab" || net_fail "the laptop printed no record"
grep -q AwEAA "$NET_RUN/zone.100.51.198.in-addr.arpa" ||
    net_fail "the server printed no record"
net_dns
published=$(date +%s)
# HOST: true once its daemon has found its own key.
found()
{
	net_on "$1" chroot "$NET_RUN/$1" rsipctl status | grep -q "our key is at"
}
for host in x1 y1; do
	net_until 60 found "$host" || net_fail "$host does not find its key"
done
port_say "  (both have seen it after $(($(date +%s) - published)) s)"

# What went in the clear until now is looked at again.
settled()
{
	net_on x1 ping -c 1 -W 1 "$NET_Y1"
	net_on x1 chroot "$NET_RUN/x1" rsipctl why "$NET_Y1" |
	    grep -q ": encrypted"
}
published=$(date +%s%N)
net_until 70 settled || net_fail "$(net_on x1 chroot "$NET_RUN/x1" \
    rsipctl why "$NET_Y1")"
port_say "  (encrypted $((($(date +%s%N) - published) / 1000000)) ms later)"

net_start tcpdump wire tcpdump -n -i N -w "$NET_RUN/wire.pcap" -U -s 96 \
    -B 16384 "host $NET_Y1"
net_ready tcpdump 10 test -s "$NET_RUN/wire.pcap"
net_fetch x1 y1.lab "$NET_RUN/file" || net_fail "no fetch: $(cat "$NET_RUN/file.log")"
net_same "$NET_RUN/file" || net_fail "not the file"
port_say "x1\$ curl http://y1.lab/file: $(cat "$NET_RUN/file.time") (s to the first byte, s in all, bytes/s)"
sleep 1
net_stop tcpdump
counted()
{
	tcpdump -n -r "$NET_RUN/wire.pcap" "$1" 2>/dev/null | wc -l
}
esp=$(counted esp)
tcp=$(counted "tcp port 80")
[ "$esp" -gt 5000 ] && [ "$tcp" = 0 ] ||
    net_fail "on the wire: $esp packets of ESP, $tcp of TCP"
port_say "  on the wire: $esp packets of ESP, none of TCP"
typed "$dir/said" x1 "rsipctl why $NET_Y1"
grep -q ": encrypted" "$dir/said" || net_fail "why does not say it"
says x1 "encrypting; 1 peer"
says y1 "encrypting; 1 peer"

# --- what fails -----------------------------------------------------------------------
port_say "# rsipd -n without a file"
typed "$dir/said" N "sudo rsipd -n"
grep -q "is absent: the defaults" "$dir/said" || net_fail "-n does not say it"

port_say "# a second rsipc"
! typed "$dir/said" x1 "sudo rsipc" || net_fail "a second one runs"
grep -q "one is running already" "$dir/said" || net_fail "it does not say why"
says x1 "encrypting; 1 peer"

port_say "# a bad key file"
ends x1 rsipc
typed "$dir/said" x1 "sudo mv /etc/rsip/private.pem /etc/rsip/good.pem &&
    echo nonsense | sudo tee /etc/rsip/private.pem >/dev/null &&
    sudo chmod 600 /etc/rsip/private.pem"
! typed "$dir/said" x1 "sudo rsipc" || net_fail "it starts with a bad key"
grep -q "private.pem" "$dir/said" || net_fail "it does not name the file"
typed "$dir/said" x1 "rsipctl status"
typed "$dir/said" x1 "sudo mv /etc/rsip/good.pem /etc/rsip/private.pem"

port_say "# no resolver"
net_stop unbound
typed "$dir/said" x1 "sudo rsipc" || net_fail "it does not start"
says x1 "rsipc: "
net_until 20 eval 'net_on x1 ping -c 1 -W 1 "$NET_Y1"'
says x1 "in the clear: no resolver answers" 30
why x1 "in the clear"

port_say "# no gateway"
ends x1 rsipc
ends N rsipd
[ -z "$(net_on x1 ip rule | grep -v -e main -e local -e default)" ] ||
    net_fail "rsipc left rules: $(net_on x1 ip rule)"
typed "$dir/said" x1 "sudo rsipc" || net_fail "it does not start"
says x1 "in the clear: no RSIP gateway at 10.0.0.1 (connection refused)"
why x1 "no RSIP gateway"

port_say "# no route"
ends x1 rsipc
ip -n x1 route del default
typed "$dir/said" x1 "sudo rsipc" || net_fail "it does not start"
says x1 "in the clear: no default route, so no gateway"
why x1 "no default route\|no route\|no gateway"
port_say "ok: from README to an encrypted fetch, and what fails says why"
