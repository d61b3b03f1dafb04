# lib.sh - the picture of README.md in network namespaces, sourced by the tests and the demo
#
#   lan:  10.0.0.0/24      N 10.0.0.1  x1 10.0.0.11  x2 10.0.0.12
#   wire: 198.51.100.0/24  N .1  y1 .10 (oed)  y2 .20 (plain)  dns .53
#
# net_enter runs the script again in PID, mount and network namespaces of its
# own with a private /run.  The kernel ends all of it with that first process,
# even when it is killed, so there is nothing on the machine to clean up and
# nothing of the machine's own (addresses, rules, processes) within reach.
# shellcheck shell=sh

NET_HERE=$(cd "$(dirname "$0")" && pwd)
NET_TOP=$(cd "${top_builddir:-.}" && pwd)
NET_RUN=/run/rsip-test
NET_NB=198.51.100.1
NET_X1=10.0.0.11
NET_X2=10.0.0.12
NET_Y1=198.51.100.10
NET_Y2=198.51.100.20
NET_DNS=198.51.100.53
# In a section "oe": whom to ask, and that its word counts.
NET_RESOLVER="resolvers = {\"$NET_DNS\"} validate = \"resolver\" trusted-resolvers = {\"$NET_DNS\"}"
NET_REPORT='(ERROR: (Address|Leak)|WARNING: Thread)Sanitizer|: runtime error: '
# Valkey, or else Redis: they are one to us.
NET_STORE_SERVER=$(command -v valkey-server || echo redis-server)
NET_STORE_CLI=$(command -v valkey-cli || echo redis-cli)
NET_TOOLS="ip nsenter unshare setpriv sysctl python3"
PATH=$PATH:/usr/sbin:/sbin
PYTHONDONTWRITEBYTECODE=1
# A proxy or a locale of the person who runs this must not change the result.
LC_ALL=C
export PATH PYTHONDONTWRITEBYTECODE LC_ALL
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

net_say()
{
	printf '%s\n' "$*"
}

net_skip()
{
	net_say "skipped: $*"
	exit 77
}

net_fail()
{
	net_say "FAIL: $*"
	exit 1
}

net_ok()
{
	net_say "ok: $*"
}

# NAME: true where the daemons were built with that sanitizer (asan, tsan), which
# takes memory of its own and several times the processor time.
net_sanitizer()
{
	grep -qa "__$1_init" "$NET_TOP/oe/oed"
}

# Needs PROGRAM...: skips with their names if the machine lacks some.
net_needs()
{
	absent=
	for tool in "$@"; do
		command -v "$tool" >/dev/null || absent="$absent $tool"
	done
	[ -z "$absent" ] || net_skip "not installed:$absent"
	unset absent tool
}

# Built PROGRAM...: the daemons by their path below the build folder.
net_needs_built()
{
	for tool in "$@"; do
		[ -x "$NET_TOP/$tool" ] ||
		    net_skip "$NET_TOP/$tool is not built"
	done
	unset tool
}

# SECONDS [ARGUMENT...]: of a script for a kernel with ESP.  Where it is not in a VM
# yet (OE_KERNEL_VM) it begins anew in one, with these arguments, for so long at
# most (TIMEOUT: another time).
net_vm()
{
	net_seconds=${TIMEOUT:-$1}
	shift
	[ -n "$OE_KERNEL_VM$NET_INSIDE" ] || exec "$NET_HERE/../interop/vm.sh" \
	    "$net_seconds" env top_builddir="$NET_TOP" OE_KERNEL_VM=1 \
	    NET_SLOW=8 KERNEL="${KERNEL-}" OE_WORKERS="${OE_WORKERS-}" \
	    sh "$(realpath "$0")" "$@"
}

# The script's own arguments.  Returns in the inside only.
net_enter()
{
	if [ -n "$NET_INSIDE" ]; then
		net_inside
		return
	fi
	# shellcheck disable=SC2086
	net_needs $NET_TOOLS
	flags=--mount\ --pid\ --net\ --ipc\ --fork
	[ "$(id -u)" = 0 ] || flags="$flags --user --map-root-user"
	# shellcheck disable=SC2086
	unshare $flags --mount-proc true 2>/dev/null ||
	    net_skip "not root, and no user namespaces for others here"
	[ -c /dev/net/tun ] || net_skip "no /dev/net/tun"
	# If this shell dies, unshare dies; if unshare dies, the first process
	# of the PID namespace dies; then the kernel ends all the others.
	# shellcheck disable=SC2086
	NET_INSIDE=1 setpriv --pdeathsig KILL unshare $flags --mount-proc \
	    --kill-child sh "$0" "$@" </dev/null &
	net_child=$!
	trap 'net_abort 130' INT
	trap 'net_abort 143' TERM
	trap 'net_abort 129' HUP
	wait "$net_child"
	exit $?
}

net_abort()
{
	trap '' INT TERM HUP
	kill -KILL "$net_child" 2>/dev/null
	wait "$net_child" 2>/dev/null
	exit "$1"
}

net_inside()
{
	mount -n -t tmpfs -o mode=755,size=2g tmpfs /run ||
	    net_skip "cannot mount here"
	mkdir -p /run/netns "$NET_RUN"
	# The daemons' user must get at its control socket's folder.
	chmod 755 "$NET_RUN"
	NET_STARTED=
	trap net_leave EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# What the programs said helps only when something went wrong.
net_leave()
{
	status=$?
	trap - EXIT
	# A daemon may go on after a report, or be started again by its guard.
	if [ "$status" = 0 ] && grep -qsE "$NET_REPORT" "$NET_RUN"/*.log; then
		net_say "FAIL: a sanitizer reports"
		status=1
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		for log in "$NET_RUN"/*.log; do
			[ -s "$log" ] || continue
			net_say "--- ${log##*/}"
			tail -n "${NET_LOG_LINES:-40}" "$log"
		done
	fi
	exit "$status"
}

# NAMESPACE COMMAND...
net_on()
{
	net_ns=$1
	shift
	nsenter --net="/run/netns/$net_ns" "$@"
}

# NAME NAMESPACE COMMAND...: starts it in the background as NAME, with its
# messages in NAME.log.  net_pid NAME tells its process id.
net_start()
{
	net_name=$1
	net_ns=$2
	shift 2
	(exec nsenter --net="/run/netns/$net_ns" "$@") \
	    >>"$NET_RUN/$net_name.log" 2>&1 </dev/null &
	eval "net_pid_$net_name=$!"
	NET_STARTED="$NET_STARTED $net_name"
}

net_pid()
{
	eval "printf '%s' \"\$net_pid_$1\""
}

net_alive()
{
	kill -0 "$(net_pid "$1")" 2>/dev/null
}

# NAME [SIGNAL]: ends it and waits until it is gone.
net_stop()
{
	kill "-${2:-TERM}" "$(net_pid "$1")" 2>/dev/null
	wait "$(net_pid "$1")" 2>/dev/null
}

# SECONDS COMMAND...: true as soon as the command is, false when time is up.  On
# a machine that is emulated NET_SLOW times as long.
net_until()
{
	net_end=$(($(date +%s) + $1 * ${NET_SLOW:-1}))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$net_end" ] || return 1
		sleep 0.1
	done
}

# DAEMON SECONDS COMMAND...: as net_until, but fails when the daemon died.
net_ready()
{
	net_name=$1
	net_end=$(($(date +%s) + $2 * ${NET_SLOW:-1}))
	shift 2
	until "$@" >/dev/null 2>&1; do
		net_alive "$net_name" || net_fail "$net_name ended: $(tail -n 1 \
		    "$NET_RUN/$net_name.log")"
		[ "$(date +%s)" -lt "$net_end" ] ||
		    net_fail "$net_name is not ready in time ($*)"
		sleep 0.1
	done
}

# NAMESPACE INTERFACE ADDRESS SEGMENT: a cable from a host to a switch.  The
# port on the switch has the host's name.
net_cable()
{
	ip link add name "$1" netns "$4" type veth peer name "$2" netns "$1" &&
	    ip -n "$4" link set "$1" master switch0 up &&
	    ip -n "$1" address add "$3/24" dev "$2" &&
	    ip -n "$1" link set "$2" up
}

net_namespace()
{
	ip netns add "$1" &&
	    net_on "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
	    net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
	ip -n "$1" link set lo up
}

# NAME...: namespaces.
net_namespaces()
{
	for net_ns in "$@"; do
		net_namespace "$net_ns" || net_fail "no namespace $net_ns"
	done
}

# NAME...: links that net_cable() plugs into, each a namespace of its own.
net_links()
{
	net_namespaces "$@"
	for net_ns in "$@"; do
		ip -n "$net_ns" link add switch0 type bridge &&
		    ip -n "$net_ns" link set switch0 up ||
		    net_skip "no bridge device in this kernel"
	done
}

# NETWORK ROUTER PREFIX: a place with a switch and a router's port, its .1.
net_place()
{
	net_links "$1"
	net_namespaces "$2"
	net_cable "$2" eth1 "$3.1" "$1" &&
	    net_on "$2" sysctl -qw net.ipv4.ip_forward=1 || net_fail "$1"
}

net_picture()
{
	net_links lan wire
	net_namespaces N x1 x2 y1 y2 dns
	net_cable N eth0 "$NET_NB" wire &&
	    net_cable y1 eth0 "$NET_Y1" wire &&
	    net_cable y2 eth0 "$NET_Y2" wire &&
	    net_cable dns eth0 "$NET_DNS" wire &&
	    net_cable N eth1 10.0.0.1 lan &&
	    net_cable x1 eth0 "$NET_X1" lan &&
	    net_cable x2 eth0 "$NET_X2" lan &&
	    ip -n x1 route add default via 10.0.0.1 &&
	    ip -n x2 route add default via 10.0.0.1 &&
	    net_on N sysctl -qw net.ipv4.ip_forward=1 ||
	    net_fail "the picture's cables"
	# What is not in the picture is the Internet, where nobody answers.
	for net_ns in N y1 y2; do
		ip -n "$net_ns" route add default dev eth0
	done
	printf 'nameserver %s\n' "$NET_DNS" >"$NET_RUN/resolv.conf"
	mount -n --bind "$NET_RUN/resolv.conf" "$(readlink -f /etc/resolv.conf)"
}

# ARGUMENT...: the script's.  Inside the picture, in NET_RUN, where Python finds the
# second RSIP implementation.
net_rsip_enter()
{
	net_needs_built rsipd/rsipd ctl/rsipctl
	net_enter "$@"
	net_picture
	cd "$NET_RUN" || exit 1
	PYTHONPATH=$NET_HERE/../peer:$NET_HERE
	export PYTHONPATH
}

# HOST ADDRESS/LENGTH COUNT: so many more addresses of its, from that one on.
net_addresses()
{
	python3 -c '
import ipaddress, sys
first, length = sys.argv[1].split("/")
for n in range(int(sys.argv[2])):
    print("address add %s/%s dev eth0" % (ipaddress.ip_address(first) + n, length))
' "$2" "$3" | ip -n "$1" -batch - || net_fail "addresses of $1"
}

# HOST ID: a private key, and its records for the zones.
net_key()
{
	"$NET_TOP/ctl/rsipctl" keygen -o "$NET_RUN/$1.pem" --id "$2" \
	    >"$NET_RUN/$1.records" 2>"$NET_RUN/keygen.log" ||
	    net_fail "rsipctl keygen"
}

net_keys()
{
	net_key x1 @x1.lab
	net_key x2 @x2.lab
	net_key y1 "$NET_Y1"
}

net_zone_head()
{
	printf '$ORIGIN %s\n$TTL 300\n' "$1"
	printf '@ SOA ns.lab. root.lab. 1 3600 600 86400 10\n@ NS ns.lab.\n'
}

net_zones()
{
	{
		net_zone_head lab.
		printf 'ns A %s\ny1 A %s\ny2 A %s\n' "$NET_DNS" "$NET_Y1" \
		    "$NET_Y2"
		printf 'x1 A %s\nx2 A %s\n' "$NET_NB" "$NET_NB"
		grep -h '^x[12]\.lab\..*[[:space:]]KEY[[:space:]]' \
		    "$NET_RUN/x1.records" "$NET_RUN/x2.records"
	} >"$NET_RUN/zone.lab"
	{
		net_zone_head 100.51.198.in-addr.arpa.
		printf '1 PTR nb.lab.\n10 PTR y1.lab.\n20 PTR y2.lab.\n'
		grep -E '^10\.100\.51\.198.*[[:space:]](TXT|KEY)[[:space:]]' \
		    "$NET_RUN/y1.records"
	} >"$NET_RUN/zone.100.51.198.in-addr.arpa"
}

# Signs the zones, each with the same key every time; each is an island of trust.
net_sign()
{
	: >"$NET_RUN/anchors"
	for net_zone in lab 100.51.198.in-addr.arpa; do
		(cd "$NET_RUN" &&
		    { [ -n "$(ls "K$net_zone."*.key 2>/dev/null)" ] ||
		    ldns-keygen -a ECDSAP256SHA256 -k -r /dev/urandom \
		    "$net_zone."; } &&
		    key=$(basename "K$net_zone."*.key .key) &&
		    cat "$key.key" >>anchors &&
		    ldns-signzone -f "signed.$net_zone" "zone.$net_zone" \
		    "$key") >>"$NET_RUN/sign.log" 2>&1 ||
		    net_fail "signing zone $net_zone"
	done
}

# NAMESPACE PORT: true if a program there has that UDP port.
net_listens()
{
	net_on "$1" ss -Hlun "sport = :$2" | grep -q .
}

# NAME COUNT: has it told of more gaps than that?
net_told()
{
	[ "$(grep -c '^gap' "$NET_RUN/$1.log")" -gt "$2" ]
}

# NAME: seconds of silence that this laptop_gap.py has seen since it was asked last.
net_gap()
{
	net_alive "$1" || net_fail "$1 ended: $(tail -n 1 "$NET_RUN/$1.log")"
	net_gaps=$(grep -c '^gap' "$NET_RUN/$1.log")
	kill -USR1 "$(net_pid "$1")"
	net_until 5 net_told "$1" "$net_gaps" || net_fail "$1 does not tell"
	sed -n 's/^gap //p' "$NET_RUN/$1.log" | tail -n 1
}

# ADDRESS: how each nsd.conf begins.
net_nsd_head()
{
	cat <<-EOF
	server:
	  ip-address: $1
	  username: ""
	  chroot: ""
	  pidfile: "$NET_RUN/nsd.pid"
	  zonelistfile: "$NET_RUN/nsd.list"
	  xfrdfile: "$NET_RUN/nsd.xfrd"
	  xfrdir: "$NET_RUN"
	  database: ""
	  zonesdir: "$NET_RUN"
	  server-count: 1
	remote-control:
	  control-enable: no
	EOF
}

# [WHAT]: how each unbound.conf begins; WHAT becomes of names that no zone of it has.
# shellcheck disable=SC2120
net_unbound_head()
{
	cat <<-EOF
	server:
	  interface: $NET_DNS
	  access-control: 0.0.0.0/0 allow
	  do-ip6: no
	  do-daemonize: no
	  num-threads: 1
	  username: ""
	  chroot: ""
	  directory: "$NET_RUN"
	  pidfile: "$NET_RUN/unbound.pid"
	  use-syslog: no
	  module-config: "validator iterator"
	  trust-anchor-file: "$NET_RUN/anchors"
	  do-not-query-localhost: no
	  local-zone: "." ${1:-refuse}
	  outgoing-range: 64
	  num-queries-per-thread: 32
	EOF
}

# An authoritative server and a validating resolver before it.
net_dns()
{
	net_sign
	cat >"$NET_RUN/nsd.conf" <<-EOF
	$(net_nsd_head 127.0.0.1@5353)
	zone:
	  name: lab
	  zonefile: signed.lab
	zone:
	  name: 100.51.198.in-addr.arpa
	  zonefile: signed.100.51.198.in-addr.arpa
	EOF
	cat >"$NET_RUN/unbound.conf" <<-EOF
	$(net_unbound_head)
	  local-zone: "lab." transparent
	  local-zone: "100.51.198.in-addr.arpa." transparent
	remote-control:
	  control-enable: no
	stub-zone:
	  name: "lab."
	  stub-addr: 127.0.0.1@5353
	stub-zone:
	  name: "100.51.198.in-addr.arpa."
	  stub-addr: 127.0.0.1@5353
	EOF
	net_start nsd dns nsd -d -c "$NET_RUN/nsd.conf"
	net_start unbound dns unbound -d -c "$NET_RUN/unbound.conf"
	net_ready nsd 10 net_listens dns 5353
	net_ready unbound 10 net_listens dns 53
	net_answers "$NET_DNS" 53 y1.lab. A >/dev/null ||
	    net_fail "the resolver does not answer"
}

# SERVER PORT NAME TYPE: true if it answers; what it answered is printed.
net_answers()
{
	net_on dns drill -D -p "$2" "@$1" "$3" "$4" >"$NET_RUN/drill.out" &&
	    cat "$NET_RUN/drill.out" &&
	    grep -q 'rcode: NOERROR' "$NET_RUN/drill.out"
}

# A web server on hosts, of both families with NET_SIX, with 10 MB of noise that
# compresses to nothing.
net_web()
{
	[ -f "$NET_RUN/www/file" ] || {
		mkdir -p "$NET_RUN/www"
		head -c 10000000 /dev/urandom >"$NET_RUN/www/file"
		chmod -R a+rX "$NET_RUN/www"
	}
	for net_host in "$@"; do
		mkdir -p "$NET_RUN/nginx.$net_host"
		cat >"$NET_RUN/nginx.$net_host.conf" <<-EOF
		daemon off;
		user root;
		worker_processes 1;
		pid $NET_RUN/nginx.$net_host.pid;
		error_log stderr warn;
		events { worker_connections 256; }
		http {
		  access_log off;
		  sendfile on;
		  keepalive_timeout 5;
		  client_body_temp_path $NET_RUN/nginx.$net_host/body;
		  proxy_temp_path $NET_RUN/nginx.$net_host/proxy;
		  fastcgi_temp_path $NET_RUN/nginx.$net_host/fastcgi;
		  uwsgi_temp_path $NET_RUN/nginx.$net_host/uwsgi;
		  scgi_temp_path $NET_RUN/nginx.$net_host/scgi;
		  server { listen 80; ${NET_SIX:+listen [::]:80;} root $NET_RUN/www; }
		}
		EOF
		net_start "nginx_$net_host" "$net_host" nginx -p "$NET_RUN" \
		    -c "$NET_RUN/nginx.$net_host.conf" -e stderr
		net_ready "nginx_$net_host" 10 net_on "$net_host" \
		    curl -sf -o /dev/null -r 0-9 http://127.0.0.1/file
	done
}

# DAEMON COMMAND...: asks it over its own control socket.
net_ctl()
{
	net_name=$1
	shift
	"$NET_TOP/ctl/rsipctl" -s "$NET_RUN/$net_name.sock" "$@"
}

# DAEMON COMMAND EXPRESSION [WORD...]: what EXPRESSION makes of the answer
# (answer.py); true if that is.
net_json()
{
	net_name=$1
	net_command=$2
	shift 2
	net_ctl "$net_name" "$net_command" --json |
	    python3 "$NET_HERE/answer.py" "$@"
}

# The same without a word.
net_holds()
{
	net_json "$@" >/dev/null 2>&1
}

# DAEMON NAME VALUE [LEAST]: so many rows of its leases, one or more if that is not
# said, have that value.
net_leases()
{
	net_holds "$1" leases \
	    'sum(r[words[0]] == words[1] for r in rows) >= int(words[2])' \
	    "$2" "$3" "${4:-1}"
}

NET_STORE=
if grep -q '^#define HAVE_LMDB' "$NET_TOP/config.h"; then
	NET_STORE=$NET_RUN/leases.mdb
fi

net_rsipd_config()
{
	cat <<-EOF
	public-interface = "eth0"
	private-interface = "eth1"
	control = "$NET_RUN/rsipd.sock"
	pool "$NET_NB" { ports = {"20000-49999"} }
	lease-time = ${NET_LEASE:-600}
	registration-time = ${NET_REGISTRATION:-600}
	$1
	EOF
	# As a gateway has it, but for NET_LEASES= in a test of what is lost.
	case $1 in
	*"leases ="*) ;;
	*)	echo "leases = \"${NET_LEASES-$NET_STORE}\"" ;;
	esac
}

# [LINES]: more lines for rsipd.conf.
net_rsipd()
{
	net_rsipd_config "$1" >"$NET_RUN/rsipd.conf"
	net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf" \
	    -p "$NET_RUN/rsipd.pid"
	net_ready rsipd 10 net_ctl rsipd status
}

# HOST [OE-LINES [LINES]]: rsipc.conf of x1 or x2, with more of its section "oe"
# and more beside that.  NET_KEYLESS=yes: it shows nobody who it is.
net_rsipc_config()
{
	net_who="id = \"@$1.lab\" key = \"$NET_RUN/$1.pem\""
	[ -z "$NET_KEYLESS" ] || net_who=
	cat >"$NET_RUN/rsipc_$1.conf" <<-EOF
	control = "$NET_RUN/rsipc_$1.sock"
	state = "$NET_RUN/$1.lease"
	$3
	oe {
		$net_who
		state = "$NET_RUN/$1.peers"
		$NET_RESOLVER
		dns-timeout = 3000
		$2
	}
	EOF
}

# As net_rsipc_config: the client there, and waits until it has a lease.
net_rsipc()
{
	net_rsipc_config "$@"
	net_start "rsipc_$1" "$1" "$NET_TOP/rsipc/rsipc" -f \
	    -c "$NET_RUN/rsipc_$1.conf"
	net_ready "rsipc_$1" 15 net_leased "rsipc_$1"
}

# HOST [LINE...]: the client there, where nobody answers questions to DNS and all
# goes in the clear, and waits until it has a lease.
net_rsipc_clear()
{
	net_client=rsipc_$1
	net_at=$1
	shift
	{
		printf 'state = ""\ncontrol = "%s/%s.sock"\n' "$NET_RUN" \
		    "$net_client"
		printf '%s\n' "$@" 'oe { clear = {"0.0.0.0/0"} }'
	} >"$NET_RUN/$net_client.conf"
	net_start "$net_client" "$net_at" "$NET_TOP/rsipc/rsipc" -f \
	    -c "$NET_RUN/$net_client.conf"
	net_ready "$net_client" 15 net_leased "$net_client"
}

# DAEMON: true once it holds a lease for IPsec.
net_leased()
{
	net_holds "$1" leases 'any(r["spis"] for r in rows)'
}

# HOST [LINES]: with more lines for oed.conf.
net_oed()
{
	cat >"$NET_RUN/oed_$1.conf" <<-EOF
	control = "$NET_RUN/oed_$1.sock"
	${2:-}
	oe {
		key = "$NET_RUN/$1.pem"
		state = "$NET_RUN/$1.peers"
		$NET_RESOLVER
		dns-timeout = 3000
	}
	EOF
	net_start "oed_$1" "$1" "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_$1.conf"
	net_ready "oed_$1" 10 net_ctl "oed_$1" status
}

# The sniffers: on the public wire at N's port, and on the lan at N's port.
net_sniff()
{
	for net_ns in wire lan; do
		net_start "sniff_$net_ns" "$net_ns" python3 "$NET_HERE/wire.py" \
		    capture --interface N --out "$NET_RUN/$net_ns.pcap"
	done
	for net_ns in wire lan; do
		net_ready "sniff_$net_ns" 10 test -s "$NET_RUN/$net_ns.pcap"
	done
}

net_sniff_end()
{
	# The last frames may still be on their way through the switch.
	sleep 0.5
	for net_ns in wire lan; do
		kill -TERM "$(net_pid "sniff_$net_ns")"
		wait "$(net_pid "sniff_$net_ns")" ||
		    net_fail "the sniffer on $net_ns missed packets"
	done
}

# HOST SERVER OUT: fetches the file; OUT.time gets "first-byte total speed".
net_fetch()
{
	case $2 in
	*:*:*)	set -- "$1" "[$2]" "$3" ;;
	esac
	net_on "$1" curl -sS --fail --max-time "${NET_FETCH_TIME:-60}" \
	    -g -o "$3" -w '%{time_starttransfer} %{time_total} %{speed_download}\n' \
	    "http://$2/file" >"$3.time" 2>"$3.log"
}

# Both laptops fetch from SERVER at the same time, into HOST.NAME.
net_fetch_both()
{
	net_fetch x1 "$1" "$NET_RUN/x1.$2" &
	net_one=$!
	net_fetch x2 "$1" "$NET_RUN/x2.$2" &
	net_two=$!
	net_rc=0
	wait "$net_one" || net_rc=1
	wait "$net_two" || net_rc=1
	return "$net_rc"
}

# FILE: true if it came over as it is on the server.
net_same()
{
	cmp -s "$1" "$NET_RUN/www/file"
}

# Everything that runs in the picture, in the order it needs.
net_all()
{
	net_picture
	net_keys
	net_zones
	net_dns
	net_web y1 y2
	net_oed y1
	net_rsipd "$1"
	net_rsipc x1
	net_rsipc x2
}
