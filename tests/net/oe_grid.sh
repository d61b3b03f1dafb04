#!/bin/sh
# oe_grid.sh - each policy class of an initiator against each of a responder (draft -17 §3.2, §3.3)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

classes="deny clear permissive paranoid"
oe_wire
last=20
for role in i r; do
	for class in $classes; do
		last=$((last + 1))
		oe_host "${role}_$class" "198.51.100.$last"
		oe_key "${role}_$class"
	done
done
oe_dns_up
for role in i r; do
	for class in $classes; do
		oe_daemon "${role}_$class" "$class = {\"$OE_ALL\"}" \
		    "give-up = 2"
	done
done
for role in i r; do
	for class in $classes; do
		oe_ready "${role}_$class"
	done
done
for class in $classes; do
	oe_sniff "i_$class" "$NET_RUN/i_$class.pcap"
done

# One ping each, all at once: where the peer refuses keys the answer comes after
# give-up, at either end.
for i in $classes; do
	for r in $classes; do
		{
			oe_ping "i_$i" "$(oe_addr "r_$r")" 12 && echo yes ||
			    echo no
		} >"$NET_RUN/$i.$r" &
	done
done
for i in $classes; do
	for r in $classes; do
		net_until 20 test -s "$NET_RUN/$i.$r" ||
		    net_fail "ping from $i to $r does not end"
	done
done
sleep 0.5

# I R ANSWERED WIRE: what must have happened.  WIRE: esp, clear, or none.
grid()
{
	i_addr=$(oe_addr "i_$1") r_addr=$(oe_addr "r_$2")
	clear=$(oe_count "$NET_RUN/i_$1.pcap" \
	    "$OE_ECHO and src $i_addr and dst $r_addr")
	esp=$(oe_count "$NET_RUN/i_$1.pcap" \
	    "$OE_ESP and src $i_addr and dst $r_addr")
	wire=none
	[ "$esp" -gt 0 ] && wire=esp
	[ "$clear" -gt 0 ] && wire=clear
	[ "$esp" -gt 0 ] && [ "$clear" -gt 0 ] && wire=both
	[ "$wire" = "$4" ] && [ "$(cat "$NET_RUN/$1.$2")" = "$3" ] && {
		printf '  %-10s -> %-10s %-5s answered: %s\n' "$1" "$2" \
		    "$wire" "$3"
		return
	}
	net_ctl "oed_i_$1" why "$r_addr"
	net_ctl "oed_r_$2" why "$i_addr"
	net_say "$1 -> $2: $wire, answered: $(cat "$NET_RUN/$1.$2");" \
	    "must be $4, $3"
	bad=1
}
bad=
for r in $classes; do
	grid deny "$r" no none
done
grid clear deny no clear
grid clear clear yes clear
grid clear permissive yes clear
grid clear paranoid no clear
grid permissive deny no clear
grid permissive clear yes clear
grid permissive permissive yes esp
grid permissive paranoid yes esp
grid paranoid deny no none
grid paranoid clear no none
grid paranoid permissive yes esp
grid paranoid paranoid yes esp
[ -z "$bad" ] || net_fail "the grid"
net_ok "16 pairs of classes"

# What came in the clear did not reach who denies or insists on encryption.
# RESPONDER REQUESTS: so many echo requests got as far as its ICMP.
heard()
{
	[ "$FAMILY" = 4 ] &&
	    n=$(net_on "r_$1" awk '/^Icmp: [0-9]/ { print $10 }' \
	    /proc/net/snmp) ||
	    n=$(net_on "r_$1" awk '$1 == "Icmp6InEchos" { print $2 }' \
	    /proc/net/snmp6)
	[ "$n" = "$2" ] || net_fail "$1 heard $n echo requests instead of $2"
}
heard clear 2
heard permissive 3
if oe_refuses oed_r_deny; then
	heard deny 0
	heard paranoid 2
	net_ok "who denies hears nothing, who is paranoid only what is encrypted"
fi

# Not one clear datagram of the paranoid left, but for DNS, IKE and ARP.
leaks=$(oe_count "$NET_RUN/i_paranoid.pcap" "$OE_CLEAR and src $(oe_addr i_paranoid) \
    and not host $NET_DNS")
[ "$leaks" = 0 ] || net_fail "OE-paranoid sent $leaks clear packets"
net_ok "OE-paranoid never sent a clear datagram"
