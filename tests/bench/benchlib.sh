# benchlib.sh - the lab of rsipd's benches: 64 hosts on x1, and a gateway that 100 000 bindings go into
#
# Sourced after lib.sh.
# shellcheck shell=sh

# Where answer.py is.
NET_HERE=$(cd "$NET_HERE/../net" && pwd)

# ARGUMENT...: the script's; the first is the seconds of a round.
bench_enter()
{
	net_needs_built rsipd/rsipd tests/bench/rsip_bench
	net_enter "$@"
	net_picture
	cd "$NET_RUN" || exit 1
	BENCH=$NET_TOP/tests/bench/rsip_bench
	BENCH_MS=$((${1:-2} * 1000))
	# Hosts that wait for each answer, as RSIP over UDP has it (RFC 3103 10.1).
	net_addresses x1 10.0.0.100/24 64
}

# [LINES]: with these in its configuration; without, it keeps no leases.
bench_rsipd()
{
	bench_lines=${1:-'leases = ""'}
	cat >rsipd.conf <<-EOT
	public-interface = "eth0"
	private-interface = "eth1"
	control = "$NET_RUN/rsipd.sock"
	pool "$NET_NB" { ports = {"20000-59999"} }
	max-bindings = 200000
	max-ports = 60000
	max-spis = 200000
	limits { bindings = 200000 spis = 250000 neighbour-registrations = 64 }
	$bench_lines
	EOT
	net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
	net_ready rsipd 30 test -S "$NET_RUN/rsipd.sock"
}
