# laptoplib.sh - how the tests of a laptop's life begin, and when it is answered, for laptop_*.sh and router_*.sh
#
# Sourced after lib.sh.
# shellcheck shell=sh

LAPTOP_GAP=$NET_HERE/laptop_gap.py

# ARGUMENT...: the script's.  Returns inside, in NET_RUN.
laptop_enter()
{
	net_needs nsd unbound ldns-keygen ldns-signzone drill
	net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
	net_enter "$@"
	cd "$NET_RUN" || exit 1
}

# Keys, names, and y1 that encrypts and echoes.
laptop_peer()
{
	net_keys
	net_zones
	net_dns
	net_oed y1
	laptop_echo y1
}

# HOST: an echo server there.
laptop_echo()
{
	net_start "echo_$1" "$1" python3 "$LAPTOP_GAP" echo 7007
	net_ready "echo_$1" 10 grep -q echo "echo_$1.log"
}

# HOST ADDRESS: true if the echo server there answers it.
laptop_answered()
{
	net_on "$1" python3 "$LAPTOP_GAP" ask "$2" 7007 2>/dev/null
}
